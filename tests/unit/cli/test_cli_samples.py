"""The samples: one per preset, each read by its preset and found by `auto`, whole in every envelope field its producer fills."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.cli import samples
from forwarder.cli.explain import Record
from forwarder.cli.samples.made_up import made_up
from forwarder.model.event import Event
from forwarder.model.severity import Severity
from forwarder.settings.process import PRESETS, Envelope, Preset, Source
from forwarder.source.decode import Decoder

WANTED = {
    "falco": ("0f2b7c1e-5d0a-4c53-9a54-6f2f6c0d9b11", "Terminal shell in container", Severity.LOW, "payments"),
    "ocsf": ("7b6f1a52-9d4e-4b0e-8b7f-2a4c0f3f6d10", "200401", Severity.HIGH, "acme"),
    "cloudevents": (
        "/crm/audit b1f4c8a0-3b6e-4f57-9f0b-5f6b7a1d2c33", "com.example.user.role.changed", Severity.HIGH, "acme",
    ),
    "sysdig": ("164ace360cc3cfbc26ec22d61b439500", "Write below etc", Severity.HIGH, "prod-eu"),
    "stalwart": ("193846201745", "auth.failed", Severity.UNKNOWN, ""),
    "ecs": ("c2a2b0a6-7c1a-4f6c-8b0e-0a6d4f1f7a55", "user-login", Severity.HIGH, "acme"),
    "sourcedefense": ("", "new_3rd_party_script", Severity.UNKNOWN, "4711"),
    "standard-webhooks": ("msg_2Lml1mXqKq9rC8yTqfVnJ4wZb0E", "invoice.paid", Severity.UNKNOWN, ""),
    "raw": ("", "a-topic", Severity.UNKNOWN, ""),
}  # fmt: skip


def read(preset: str, sample: str) -> Event:
    record = Record("a-topic", samples.value(sample), None, samples.headers(sample))
    return Decoder(Source(topic="a-topic", preset=preset)).decode(record)


def test_there_is_a_sample_for_every_preset_with_a_shape() -> None:
    assert set(samples.NAMES) == set(PRESETS) - {"auto"} == set(WANTED)


def test_what_has_no_sample_is_an_error() -> None:
    with pytest.raises(KeyError):
        samples.value("auto")


@pytest.mark.parametrize("how", ["by its preset", "by auto"])
@pytest.mark.parametrize("name", samples.NAMES)
def test_each_sample_is_read_in_full(name: str, how: str) -> None:
    event = read("auto" if how == "by auto" else name, name)
    assert event.problem is None
    assert (event.id, event.type, event.severity, event.tenant) == WANTED[name]
    if name != "raw":
        assert 1_773_492_067 <= event.time_ns // 1_000_000_000 <= 1_773_492_068


PATHS = st.sampled_from(["a", "a.b", "a.b.c", "list[2].x", 'x["k.with.dots"]', "headers.h-one", "key", "topic", "z"])


@given(st.fixed_dictionaries({field: st.none() | PATHS for field in ("id", "type", "time", "severity", "tenant")}))
def test_a_user_presets_record_holds_the_last_of_what_its_paths_ask_for(paths: dict[str, str | None]) -> None:
    preset = Preset.model_validate(paths)
    value, headers = made_up(preset, Envelope())
    decoder = Decoder(Source(topic="t", preset="own"), {"own": preset})
    event = decoder.decode(Record("t", value, b"k", headers))
    assert event.problem is None
    lone = [
        field
        for field, path in paths.items()
        if path and not _shared(path, [p for f, p in paths.items() if f != field])
    ]
    if "type" in lone:
        assert event.type == {"key": "k", "topic": "t"}.get(str(paths["type"]), "forwarder.test")
    if "severity" in lone and paths["severity"] not in ("key", "topic"):
        assert event.severity == Severity.MEDIUM


def _shared(path: str, others: list[str | None]) -> bool:
    """Paths that lead through one another cannot all be served."""
    return any(other and (other.startswith(path) or path.startswith(other)) for other in others)


def test_a_sources_envelope_overrides_the_users_preset() -> None:
    value, _ = made_up(Preset(type="kind"), Envelope(type="meta.kind"))
    assert b'"meta":{"kind":"forwarder.test"}' in value
