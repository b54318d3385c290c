"""Targets for everything that people write: the configuration file, CEL filters, durations and sizes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from forwarder.configuration import load_checked
from forwarder.errors import ConfigurationError
from forwarder.model.event import TP, Event
from forwarder.route.filters import Failed, Missing, ask, compile_filter
from forwarder.route.view import look
from forwarder.settings.types import parse_duration, parse_level, parse_size, parse_start
from tests.fuzz.target import target

ROOT = Path(__file__).resolve().parents[2]
ENVIRON = {"HOME": "/nonexistent", "TOKEN": "a token: {with} [structure]"}
EVENT = Event(
    TP("logs", 0), 1, 1_790_000_000_000, b"k", b'{"a":{"b":[1,"x",null]},"n":1.5}', (("h", b"v"),), "id", "a.b",
    "2026-11-22T10:00:00Z", 4, "acme", 100,
)  # fmt: skip
FILTERS = (
    b'event.type == "auth.failure" && event.severity >= 3',
    b'has(data.a.b) && data.a.b.exists(x, x == "x") || event.tenant in ["acme"]',
    b'event.type.matches("^a.*") ? data.n > 1.0 : headers["h"] == "v"',
)
CEL_TOKENS = (
    b"event.", b"data.", b"&&", b"||", b"!", b"(" * 40, b"[", b"]", b"has(", b".exists(x, ", b".map(y, ", b"timestamp(", b"duration(",
    b"matches(", b"'", b"9223372036854775808", b"1/0", b"null", b"\xff", b"{}", b"size(", b"int(",
)  # fmt: skip
YAML_TOKENS = (
    b"&a ", b"*a", b"<<: ", b"- ", b": ", b"? ", b"|", b">", b"!!python/object:os.system ", b"!!binary ", b"---\n", b"\t", b"${TOKEN}",
    b"${", b"$${", b"${NO_SUCH:-x}", b"{", b"[", b"~", b"1e999", b"0x10", b"2026-01-01", b"\xff", b"\x00", b"on", b"webhooks", b"name",
)  # fmt: skip


def _files() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "config").rglob("*.yaml"))]


@target("configuration", _files(), YAML_TOKENS)
def any_configuration(data: bytes) -> None:
    """A file is accepted, or refused with all its mistakes, each told in one line that names the file."""
    for suffix in (".yaml", ".json"):
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            path = Path(folder) / f"forwarder{suffix}"
            path.write_bytes(data)
            try:
                load_checked(path, ENVIRON)
            except ConfigurationError as refused:
                assert refused.problems
                for problem in refused.problems:
                    assert problem.strip()
                    assert "\n" not in problem, "a problem is one line"
                assert any(path.name in problem for problem in refused.problems), refused.problems


@target("filter", FILTERS, CEL_TOKENS)
def any_filter(data: bytes) -> None:
    """A text is refused when it is loaded, or it answers for any event; it never raises at an event."""
    text = data.decode("utf-8", "replace")
    try:
        compiled = compile_filter.__wrapped__(text)
    except ConfigurationError as refused:
        assert refused.problems and all("\n" not in problem for problem in refused.problems)
        return
    answer = ask(compiled, look(EVENT, compiled.needs))
    assert isinstance(answer, bool | Missing | Failed)


@target(
    "scalar",
    (b"90s", b"1h30m", b"64MiB", b"1_000", b"high", b"now", b"2026-11-22T10:00:00Z"),
    (b"e9", b"-", b"inf", b"nan", b" "),
)
def any_scalar(data: bytes) -> None:
    """Durations, sizes, levels and starts are read or refused as ValueError; what is read is finite and not negative."""
    text = data.decode("utf-8", "replace")
    for parse in (parse_duration, parse_size, parse_level):
        try:
            value = parse(text)
        except ValueError:
            continue
        assert 0 <= value < float("inf")
    try:
        parse_start(text)
    except ValueError:
        return
