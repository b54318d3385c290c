"""`forwarder listen`: a local receiver that verifies signatures, prints what came, and can be told to misbehave.

stdout has one line per request; everything else goes to stderr. Never prints headers: they may hold credentials.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from forwarder.cli.arrivals import Arrival, Offsets
from forwarder.cli.behaviour import FORMS, parse_behaviour
from forwarder.cli.receiver import CONTROL_PATH, Receiver, Tally
from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.scheme import KeyUnusable
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.errors import ConfigurationError

KEPT_ARRIVALS = 100
"""Requests held in memory: a receiver may run for days."""


class Output(Enum):
    """How each request is printed."""

    TABLE = "table"
    JSON = "json"


def _behaviour(text: str) -> str:
    try:
        parse_behaviour(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


def _scheme(text: str) -> str:
    if text not in SCHEMES:
        raise typer.BadParameter(f"{text!r} is no signature scheme; one of these is expected: {', '.join(SCHEMES)}")
    return text


def listen(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 8088,
    secret: Annotated[
        list[str] | None, typer.Option(help="Signature key; repeat it to accept several (rotation).")
    ] = None,
    secret_env: Annotated[str, typer.Option(help="Environment variable that holds the signature key.")] = "",
    scheme: Annotated[
        str, typer.Option(help=f"Signature scheme: {', '.join(SCHEMES)}.", callback=_scheme)
    ] = "stalwart",
    behaviour: Annotated[str, typer.Option(help=f"How to answer: {FORMS}.", callback=_behaviour)] = "ok",
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print each request.")] = Output.TABLE,
    bodies: Annotated[bool, typer.Option(help="Print the events too.")] = False,
    quiet: Annotated[bool, typer.Option(help="Print only the sum at the end.")] = False,
    journal: Annotated[Path | None, typer.Option(help="Append a JSON line per accepted request to this file.")] = None,
    capture: Annotated[
        Path | None, typer.Option(help="Append every whole request to this file, for `forwarder verify --capture`.")
    ] = None,
) -> None:
    """Receive webhooks on this machine: verify, print, count repeats, and answer as told.

    Try a webhook without a real receiver, or see how Forwarder treats a slow, dead, flaky or refusing one:

        forwarder listen --secret whsec_... --scheme standard-webhooks

        forwarder listen --port 8089 --behaviour flaky:0.3

    The behaviour changes while it runs: curl -X PUT --data dead:30s http://127.0.0.1:8088/_behaviour
    """
    stop = asyncio.Event()
    write = _writer(_as_json if output is Output.JSON else _as_line, bodies=bodies, stop=stop)
    receiver = Receiver(
        port=port, keys=_keys(secret or [], secret_env, scheme), scheme=scheme, behaviour=parse_behaviour(behaviour),
        keep=KEPT_ARRIVALS, journal=journal, capture=capture, on_arrival=None if quiet else write,
    )  # fmt: skip
    asyncio.run(_serve(receiver, stop))
    typer.echo(_sum(receiver.tally), err=True)


def _keys(given: Sequence[str], variable: str, scheme: str) -> list[str]:
    """Raises ConfigurationError, which never holds a key."""
    keys = list(given)
    if variable:
        value = os.environ.get(variable)
        if not value:
            raise ConfigurationError([f"--secret-env: environment variable {variable} is not set or empty"])
        keys.append(value)
    try:
        for key in keys:
            read_key(key, SCHEMES[scheme].algorithms, SCHEMES[scheme].key_form)
    except KeyUnusable as error:
        raise ConfigurationError([f"--secret: {error}"]) from None
    return keys


async def _serve(receiver: Receiver, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with receiver:
        control = f"http://127.0.0.1:{receiver.port}{CONTROL_PATH}"
        typer.echo(f"listening on {receiver.url}; behaviour: curl -X PUT --data slow:2s {control}", err=True)
        await stop.wait()


def _writer(form: Callable[[Arrival, bool], str], *, bodies: bool, stop: asyncio.Event) -> Callable[[Arrival], None]:
    def write(arrival: Arrival) -> None:
        try:
            typer.echo(form(arrival, bodies))
        except BrokenPipeError:  # whoever read our lines has gone
            stop.set()

    return write


def _as_line(arrival: Arrival, bodies: bool) -> str:
    signature = {None: "", True: "  signature ok", False: "  SIGNATURE FAILED"}[arrival.verified]
    parts = [
        f"{_utc(arrival):%H:%M:%S}  {arrival.status or '---'}  {'taken  ' if arrival.accepted else 'refused'}",
        f"  {arrival.new:>5} new {arrival.repeated:>5} repeated  attempt {arrival.attempt}",
        f"  {len(arrival.body):>7} B  {arrival.batch_id}{signature}",
    ]
    parts += [f"  {_offsets_text(arrival.offsets)}"] if arrival.offsets.runs else []
    parts += [f"  discarded before: {arrival.headers['forwarder-discarded']}"] if arrival.discarded else []
    parts += [f"  ({arrival.reason})"] if arrival.reason else []
    events = [f"\n    {_json(event)}" for event in arrival.events] if bodies else []
    return "".join(parts + events)


def _offsets_text(offsets: Offsets) -> str:
    """`falco/0:5-9,12`; long lists are cut, as a line is for people."""
    text = ";".join(
        f"{topic}/{partition}:" + ",".join(f"{a}-{b}" if a != b else str(a) for a, b in runs)
        for (topic, partition), runs in offsets.runs.items()
    )
    text = text if len(text) <= 60 else text[:57] + "..."
    return text if offsets.exact else f"within {text}"


def _as_json(arrival: Arrival, bodies: bool) -> str:
    line: dict[str, Any] = {
        "at": _utc(arrival).isoformat(), "status": arrival.status, "accepted": arrival.accepted,
        "verified": arrival.verified, "reason": arrival.reason, "batch": arrival.batch_id, "attempt": arrival.attempt,
        "events": arrival.count, "new": arrival.new, "repeated": arrival.repeated, "bytes": len(arrival.body),
        "cluster": arrival.headers.get("forwarder-cluster", ""),
        "offsets": arrival.headers.get("forwarder-offsets", ""), "discarded": arrival.discarded,
    }  # fmt: skip
    return _json(line | ({"body": arrival.events} if bodies else {}))


def _sum(tally: Tally) -> str:
    return (
        f"{tally.requests} requests, {tally.accepted} taken: {tally.new} events, {tally.repeated} repeated, "
        f"{tally.bytes} bytes; {tally.signatures} signatures failed"
    )


def _utc(arrival: Arrival) -> datetime:
    return datetime.fromtimestamp(arrival.at, UTC)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
