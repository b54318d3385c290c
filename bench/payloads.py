"""What rendering costs: microseconds of processor time per event, for each payload format and each template that ships.

`python bench/payloads.py [--events N] [--rounds N] [--kafka]`. Formats that hold several events render batches of 500, the others one
event at a time; signing, compression and the connection are not in it. A template may take 25 us per event. Formats that pass the
producers' bytes on may add 15 % to what the path costs per event; that is measured with --kafka (the case `one` of bench/path.py:
read, decode, route, window; about half a minute). Exit code 1 where a bound is exceeded. For comparison, one template in jinja2 and,
where it is installed, in minijinja: bare, without decoding the record, without bounds, without parsing what came out.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

import msgspec  # noqa: E402 (needs the path above)

from bench.path import measure, prepare  # noqa: E402
from forwarder.cli import samples  # noqa: E402
from forwarder.cli.explain import Record  # noqa: E402
from forwarder.cli.render import examples  # noqa: E402
from forwarder.deliver.payload.registry import provider_of  # noqa: E402
from forwarder.lane.policy import policy_of  # noqa: E402
from forwarder.model.event import TP, Event  # noqa: E402
from forwarder.settings.payload import Payload, payload_of  # noqa: E402
from forwarder.settings.process import Source  # noqa: E402
from forwarder.settings.templates.resolve import filled  # noqa: E402
from forwarder.settings.templates.sources import starters  # noqa: E402
from forwarder.settings.webhook import Webhook  # noqa: E402
from forwarder.source.decode import Decoder  # noqa: E402
from tests.support.kafka import RealKafka  # noqa: E402

BATCH = 500
PATH_EVENTS = 300_000
PASS_THROUGH = ("json", "ndjson")
TEMPLATE_BOUND = 25.0
PASS_THROUGH_BOUND = 0.15
COMPARED = (
    '{"text": "{{ data.rule }} on {{ data.hostname }}: {{ event.type }} {{ event.id }}", "output": "{{ data.output }}", "where": '
    '"{{ data.output_fields["k8s.ns.name"] }} / {{ data.priority }}"'
    '{% if data.tags %}, "tags": "{% for t in data.tags %}{{ t }} {% endfor %}"{% endif %}}'
)


def events(count: int) -> list[Event]:
    """Falco's sample under as many offsets."""
    value = samples.value("falco")
    records = [Record("falco", value, None, (), 0, offset, 1773492067358) for offset in range(count)]
    decoder = Decoder(Source(topic="falco", preset="falco"), {})
    return decoder.decode_all(TP("falco", 0), records)


def cost(work: Callable[[], object], count: int, rounds: int) -> float:
    """Microseconds per event, the best round: what lies above it is the machine's."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        work()
        best = min(best, (time.process_time() - begun) / count * 1e6)
    return best


def payloads() -> Iterator[tuple[str, Payload]]:
    """Every format with what it must be given, then every template."""
    for webhook in examples():
        if webhook.payload.format != "template":
            yield webhook.payload.format, webhook.payload
    for name, bodies in starters().items():
        for syntax in bodies:
            document = {"format": "template", "template": name, "syntax": syntax, "values": {"project": "SEC"}}
            yield f"template {name} ({syntax})", filled(payload_of(document), {}, "bench")


def rendering(payload: Payload, found: Sequence[Event]) -> Callable[[], None]:
    """All events through one format."""
    provider = provider_of(payload, "bench")
    most = policy_of(Webhook(name="bench", url="https://bench.example/", payload=payload)).max_events
    batches = [tuple(found[at : at + min(most, BATCH)]) for at in range(0, len(found), min(most, BATCH))]

    def render() -> None:
        for batch in batches:
            provider.render(batch)

    return render


def path_cost(count: int) -> float:
    """Microseconds of processor time per event from Kafka to a window, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kafka = RealKafka(Path(folder))
        kafka.start()
        try:
            topic = asyncio.run(prepare(kafka, count))
            return 1e6 / max(measure("one", kafka.bootstrap, topic, count)["per_cpu_second"] for _ in range(2))
        finally:
            kafka.stop()


def others(count: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """The comparison template in other engines."""
    variables: dict[str, Any] = {"data": msgspec.json.decode(samples.value("falco")), "event": {"id": "1", "type": "t"}}
    for name in ("minijinja", "jinja2"):
        try:
            environment = importlib.import_module(name).Environment()
        except ImportError:
            continue
        if name == "minijinja":
            environment.add_template("compared", COMPARED)
            render = partial(environment.render_template, "compared", **variables)
        else:
            render = partial(environment.from_string(COMPARED).render, variables)
        yield f"the comparison template, bare {name}", partial(_repeat, render, count)


def _repeat(work: Callable[[], object], count: int) -> None:
    for _ in range(count):
        work()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--kafka", action="store_true")
    given = parser.parse_args()
    found = events(given.events)
    path = path_cost(PATH_EVENTS) if given.kafka else 0.0
    if path:
        print(f"{'the path of one event, Kafka to window':44} {path:7.2f} us")
    failed = False
    for name, payload in payloads():
        taken = cost(rendering(payload, found), given.events, given.rounds)
        note = ""
        if name in PASS_THROUGH and path:
            failed |= taken / path > PASS_THROUGH_BOUND
            note = f"   + {taken / path:.1%} (<= {PASS_THROUGH_BOUND:.0%})"
        elif name.startswith("template"):
            failed |= taken > TEMPLATE_BOUND
            note = f"   (<= {TEMPLATE_BOUND:g} us)"
        print(f"{name:44} {taken:7.2f} us{note}")
    own = filled(payload_of({"format": "template", "body": COMPARED}), {}, "bench")
    print(f"{'the comparison template':44} {cost(rendering(own, found), given.events, given.rounds):7.2f} us")
    for name, work in others(given.events):
        print(f"{name:44} {cost(work, given.events, given.rounds):7.2f} us")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
