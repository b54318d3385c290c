"""Asks running services which event types they have seen, and adds up their answers. Prints nothing."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from forwarder.cli.eventtable import Row, Types
from forwarder.errors import ForwarderError

_SECONDS = 10.0
_MOST_BYTES = 64 * 1024 * 1024
_PATH = "/events"
_STRONGER = {"yes": 2, "filter": 1, "disabled": 0}


def ask(urls: Sequence[str]) -> Types:
    """What the services at these addresses have seen together. Raises ForwarderError where one does not answer as it should."""
    total = Types()
    for url in urls:
        add(total, fetch(url))
    return total


def fetch(url: str) -> Types:
    """One service's answer."""
    address = url if urlsplit(url).path not in ("", "/") else url.rstrip("/") + _PATH
    if urlsplit(address).scheme not in ("http", "https"):
        raise ForwarderError(f"{url} is no address of a service; write http://127.0.0.1:9090")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_SECONDS) as answer:
            body = answer.read(_MOST_BYTES)
        return msgspec.json.decode(body, type=Types)
    except urllib.error.HTTPError as error:
        error.close()
        why: object = f"HTTP {error.code}"
    except (OSError, ValueError) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
    text = (
        f"{address}: {why}; is this a running Forwarder? (http.listen says where it listens; --from-kafka needs none)"
    )
    raise ForwarderError(text)


def add(total: Types, more: Types) -> None:
    """Counts are added up; of two opinions about a webhook the one that gives it more counts."""
    total.webhooks += [name for name in more.webhooks if name not in total.webhooks]
    known = {(row["topic"], row["type"]): row for row in total.rows}
    for row in more.rows:
        place = (row["topic"], row["type"])
        if place in known:
            _merge(known[place], row)
        else:
            known[place] = row
    total.rows = sorted(known.values(), key=lambda row: (row["topic"], row["type"] is None, row["type"] or ""))


def _merge(into: Row, row: Row) -> None:
    into["count"] += row["count"]
    into["firstSeen"] = min(filter(None, (into["firstSeen"], row["firstSeen"])), default=None)
    into["lastSeen"] = max(filter(None, (into["lastSeen"], row["lastSeen"])), default=None)
    for name, how in row["webhooks"].items():
        if _STRONGER.get(how, 0) >= _STRONGER.get(into["webhooks"].get(name, "disabled"), 0):
            into["webhooks"][name] = how
    into["nobody"] = into["nobody"] and row["nobody"]
    into["partial"] = into["partial"] or row["partial"]
