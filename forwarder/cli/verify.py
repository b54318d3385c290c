"""`forwarder verify`: whether the signature of a captured request holds, by which key, or why not. Sends nothing, shows no key."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from forwarder.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

if TYPE_CHECKING:
    from forwarder.cli.captures import Captured
    from forwarder.deliver.sign.diagnose import AnyScheme, Candidate, Diagnosis
    from forwarder.settings.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Expected:
    """What the signature is held against. `unread` names keys whose secret cannot be read."""

    scheme: AnyScheme
    candidates: tuple[Candidate, ...]
    url: str = ""
    unread: tuple[str, ...] = ()


Expecting = Callable[[float], Expected]


def verify(
    request: Annotated[
        Path | None, typer.Argument(help="A file with one raw HTTP request; - for standard input.", show_default=False)
    ] = None,
    headers: Annotated[Path | None, typer.Option(help="Its headers alone: lines, or JSON.", show_default=False)] = None,
    body: Annotated[Path | None, typer.Option(help="Its body alone, byte for byte.", show_default=False)] = None,
    capture: Annotated[
        Path | None, typer.Option(help="Requests that `forwarder listen --capture` wrote.", show_default=False)
    ] = None,
    batch: Annotated[str, typer.Option(help="Of the captured requests only those of this batch id.")] = "",
    webhook: Annotated[str, typer.Option(help="Take scheme and keys of this webhook from the configuration.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    scheme: Annotated[str, typer.Option(help="The signature scheme, where no webhook is named.")] = "",
    key: Annotated[list[str] | None, typer.Option(help="A key for --scheme; repeat it for several.")] = None,
    key_env: Annotated[list[str] | None, typer.Option(help="Environment variable that holds a key.")] = None,
    url: Annotated[str, typer.Option(help="The URL it was sent to, where the request does not tell (rfc9421).")] = "",
    at: Annotated[str, typer.Option(help="When it came (RFC 3339).", show_default="as captured, else now")] = "",
    tolerance: Annotated[str, typer.Option(help="How far the timestamp may be from that time.")] = "5m",
    output: OutputOption = Output.TABLE,
) -> None:
    """Say whether the signature of a captured request holds, and by which key; or why it does not.

    Told apart: a missing header, a malformed one, the clock (by how many seconds), the encoding, a changed body (and which change,
    such as JSON written anew or a lost line break), a wrong key (and whose it is, or how it was misread), a key out of its time,
    another scheme. No key is ever shown. Exit codes: 0 holds, 1 does not.

        forwarder verify request.http --webhook siem

        forwarder verify --headers headers.txt --body body.json --scheme github --key-env GITHUB_KEY

        forwarder listen --capture requests.jsonl & forwarder verify --capture requests.jsonl --webhook siem
    """
    requests = list(_requests(request, headers, body, capture, batch))
    expected_of = _expected(webhook, config, scheme, [*(key or []), *_from_environment(key_env or [])])
    allowed = _duration(tolerance)
    holds = True
    for captured in requests:
        now = _moment(at) if at else captured.at if captured.at is not None else _now()
        expected = expected_of(now)
        found = _judge(expected, replace(captured, url=url) if url else captured, now, allowed)
        typer.echo(
            _as_json(captured, expected, found) if output is Output.JSON else _as_text(captured, expected, found)
        )
        holds = holds and found.holds
    raise typer.Exit(0 if holds else 1)


def _judge(expected: Expected, captured: Captured, now: float, tolerance: float) -> Diagnosis:
    from forwarder.deliver.sign.diagnose import Case
    from forwarder.deliver.sign.message import Message

    where = _where(captured.url, expected.url)
    message = Message("", "", captured.body, "", captured.method, where, captured.headers)
    return Case(expected.scheme, expected.candidates, message, now, tolerance).diagnose()


def _where(captured: str, configured: str) -> str:
    """The URL it was sent to. A captured request does not tell whether TLS was used; the webhook's own URL does."""
    if configured.startswith("http://") and urlsplit(configured).netloc == urlsplit(captured).netloc:
        return captured.replace("https://", "http://", 1)
    return captured or configured


# --- what is verified ---


def _requests(
    request: Path | None, headers: Path | None, body: Path | None, capture: Path | None, batch: str
) -> Iterator[Captured]:
    from forwarder.cli.captures import read_captures
    from forwarder.cli.rawhttp import assembled, read_request

    given = [option for option in (request, headers, capture) if option is not None]
    if len(given) != 1 or (body is not None) != (headers is not None):
        raise typer.BadParameter("give one of: a raw request, --headers with --body, or --capture")
    try:
        if capture is not None:
            found = [one for one in read_captures(_read(capture)) if not batch or batch in one.headers.values()]
            if not found:
                raise typer.BadParameter(f"{capture} has no request" + (f" of batch {batch}" if batch else ""))
            yield from found
        elif headers is not None and body is not None:
            yield assembled(_read(headers).decode("utf-8", "replace"), _read(body))
        elif request is not None:
            yield read_request(_read(request))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}") from None


# --- what it is held against ---


def _expected(name: str, config: Path, scheme: str, keys: Sequence[str]) -> Expecting:
    """A function of the time, which decides on the states of a webhook's keys."""
    from forwarder.deliver.sign.diagnose import Candidate
    from forwarder.deliver.sign.schemes import SCHEMES

    if bool(name) == bool(scheme or keys):
        raise typer.BadParameter("give either --webhook, or --scheme with --key or --key-env")
    if name:
        return _of_webhook(name, config)
    if scheme not in SCHEMES:
        raise typer.BadParameter(f"--scheme is one of {', '.join(SCHEMES)}; for custom name a --webhook")
    candidates = tuple(Candidate(f"key {number}", text) for number, text in enumerate(keys, 1))
    expected = Expected(SCHEMES[scheme], candidates)
    return lambda now: expected


def _of_webhook(name: str, config: Path) -> Expecting:
    from forwarder.configuration import load_checked
    from forwarder.deliver.sign.schemes import scheme_of

    settings = load_checked(config).settings
    hook = next((hook for hook in settings.webhooks if hook.name == name), None)
    if hook is None:
        raise typer.BadParameter(
            f"no webhook is called {name!r}; there are: {', '.join(h.name for h in settings.webhooks)}"
        )
    if not hook.signing_keys:
        raise typer.BadParameter(f"webhook {name} signs nothing: it has no signatureKey and no signature.keys")

    def expected(now: float) -> Expected:
        found, unread = [], []
        for other in (hook, *(other for other in settings.webhooks if other is not hook)):
            read, failed = _candidates(other, now, own=other is hook)
            found += read
            unread += failed
        return Expected(scheme_of(hook.signature), tuple(found), hook.url, tuple(unread))

    return expected


def _candidates(hook: Webhook, now: float, *, own: bool) -> tuple[list[Candidate], list[str]]:
    """Keys by name: their id or fingerprint, and their webhook where it is another one."""
    from forwarder.deliver.sign.diagnose import Candidate
    from forwarder.settings.secrets import SecretUnavailable, fingerprint

    read, failed = [], []
    whose = "" if own else f" of webhook {hook.name}"
    for number, entry in enumerate(hook.signing_keys, 1):
        try:
            text = entry.key.key.read() or ""
        except SecretUnavailable as error:
            failed.append(str(error))
            continue
        name = entry.key.id or f"{number} (sha256:{fingerprint(text)})"
        read.append(Candidate(f"key {name}{whose}", text, entry.key.state(now), own))
    return read, failed


def _from_environment(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not os.environ.get(name):
            raise typer.BadParameter(f"--key-env: environment variable {name} is not set or empty")
        yield os.environ[name]


def _duration(text: str) -> float:
    from forwarder.settings.types import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"--tolerance: {error}") from None


def _moment(text: str) -> float:
    from forwarder.deliver.sign.scheme import moment

    found = moment(text)
    if found is None:
        raise typer.BadParameter("--at: a time is expected, such as 2026-01-31T12:00:00Z")
    return found


def _now() -> float:
    from forwarder.clock import SystemClock

    return SystemClock().wall()


# --- what is said ---


def _as_text(captured: Captured, expected: Expected, found: Diagnosis) -> str:
    own = [candidate for candidate in expected.candidates if candidate.own]
    tried = ", ".join(f"{candidate.name} ({candidate.state.value})" for candidate in own)
    late = (
        ""
        if found.late is None
        else f"; timestamp {abs(found.late):.0f} s in the {'past' if found.late > 0 else 'future'}"
    )
    lines = [
        found.text if found.holds else f"the signature DOES NOT hold ({found.cause.value}): {found.text}",
        f"  scheme {expected.scheme.name}; {len(captured.body)} bytes of body; tried: {tried}{late}",
        *(f"  not tried: {text}" for text in expected.unread),
    ]
    return "\n".join(lines)


def _as_json(captured: Captured, expected: Expected, found: Diagnosis) -> str:
    import msgspec

    own = [candidate for candidate in expected.candidates if candidate.own]
    document = {
        "holds": found.holds,
        "cause": found.cause.value,
        "text": found.text,
        "scheme": expected.scheme.name,
        "key": found.key,
        "variant": found.variant,
        "lateSeconds": found.late,
        "keys": [{"name": candidate.name, "state": candidate.state.value} for candidate in own],
        "unread": list(expected.unread),
        "bodyBytes": len(captured.body),
    }
    return msgspec.json.encode(document).decode()
