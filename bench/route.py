"""What routing one event costs, as ratios measured in one run. Usage: python bench/route.py [events]

One webhook against a thousand of which one matches, a hundred of which four match, and look-ups that nothing remembers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

import msgspec  # noqa: E402 (needs the path above)

from forwarder.model.event import TP, Event  # noqa: E402
from forwarder.route.router import Router  # noqa: E402
from forwarder.settings.webhook import Webhook  # noqa: E402

ROUNDS = 5
DATA = {"actor": {"user": {"name": "root", "uid": 0}}, "count": 5, "fields": {f"f{n}": "x" * 10 for n in range(20)}}
VALUE = msgspec.json.encode(DATA)


def event(kind: str, tenant: str = "acme", offset: int = 0) -> Event:
    return Event(
        tp=TP("audit", 0), offset=offset, timestamp_ms=0, key=None, value=VALUE, headers=(), id="", type=kind,
        when=1, severity=4, tenant=tenant, size=len(VALUE),
    )  # fmt: skip


def hook(n: int, **fields: object) -> Webhook:
    return Webhook.model_validate({"name": f"w-{n}", "url": "https://x.example/", **fields})


def router(hooks: Sequence[Webhook]) -> Router[str]:
    return Router([(one, one.name) for one in hooks], event_sets={}, tenants={})


def including(count: int, pattern: str = "type.{n}") -> list[Webhook]:
    return [hook(n, eventsPolicy="include", events=[pattern.format(n=n)]) for n in range(count)]


def cost(match: Callable[[Event], object], events: Sequence[Event], fresh: bool = False) -> float:
    """Microseconds of processor time per event: the median of several rounds. `fresh` events are seen once each."""
    share = len(events) // ROUNDS
    taken = []
    for turn in range(ROUNDS):
        part = events[turn * share : (turn + 1) * share] if fresh else events
        begun = time.process_time()
        for one in part:
            match(one)
        taken.append((time.process_time() - begun) / len(part) * 1e6)
    return statistics.median(taken)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    known = [event(f"type.{n % 10}", offset=n) for n in range(count)]
    unseen = [event(f"type.{n % 10}", tenant=f"t-{n}", offset=n) for n in range(count)]
    fields = {"filter": 'data.actor.user.name == "root" && data.count > 3'}
    keyed = {"filter": 'event.type.startsWith("type.") && event.severity >= 4'}
    base = cost(router([hook(0)]).match, known)
    miss = cost(router([hook(0)]).match, unseen, fresh=True)
    rows = [
        ("1 webhook that takes everything", base, base),
        ("1,000 webhooks, one matches (exact types)", cost(router(including(1000)).match, known), base),
        ("1,000 webhooks, one matches (globs)", cost(router(including(1000, "type.{n}*")).match, known), base),
        ("100 webhooks, 4 match", cost(router(including(96) + [hook(n) for n in (96, 97, 98)]).match, known), base),
        ("1,000 webhooks that all match", cost(router([hook(n) for n in range(1000)]).match, known), base),
        ("1 webhook, filter on type and severity", cost(router([hook(0, **keyed)]).match, known), base),
        ("1 webhook, filter on data", cost(router([hook(0, **fields)]).match, known), base),
        ("10 webhooks, filter on data", cost(router([hook(n, **fields) for n in range(10)]).match, known), base),
        ("not remembered, 1 webhook", miss, miss),
        ("not remembered, 1,000 webhooks, one matches", cost(router(including(1000)).match, unseen, fresh=True), miss),
        (
            "not remembered, 1,000 that all match",
            cost(router([hook(n) for n in range(1000)]).match, unseen, fresh=True),
            miss,
        ),
    ]
    for title, each, against in rows:
        print(f"{title:48} {each:8.2f} us/event   x {each / against:6.2f}")


if __name__ == "__main__":
    main()
