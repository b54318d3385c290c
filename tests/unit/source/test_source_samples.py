"""The conformance suite of presets: each sample of a real producer, read as configured, detected, and after any other record."""

from __future__ import annotations

import pytest
from source_records import SAMPLES, TP0, Record, Sample, decoder, samples

from forwarder.model.event import EVENT_OVERHEAD_BYTES, Event
from forwarder.source.presets import registry

ALL = samples()


def label(sample: Sample) -> str:
    return f"{sample.preset}/{sample.name}"


def envelope(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in ("id", "type", "time_ns", "severity", "tenant", "text")}


def is_read_by_auto(sample: Sample) -> bool:
    """All but plain text, which only `raw` takes."""
    return sample.preset != "raw" or not sample.expected["text"]


each_sample = pytest.mark.parametrize("sample", ALL, ids=label)
each_of_json = pytest.mark.parametrize("sample", list(filter(is_read_by_auto, ALL)), ids=label)


@each_sample
def test_its_own_preset_reads_the_envelope(sample: Sample) -> None:
    event = decoder(sample.preset).decode(sample.record)
    assert event.problem is None
    assert envelope(event) == sample.expected


@each_sample
def test_the_loop_and_the_careful_way_agree(sample: Sample) -> None:
    quick = decoder(sample.preset)
    assert quick.decode_all(TP0, [sample.record] * 3) == [decoder(sample.preset).decode(sample.record)] * 3


@each_of_json
def test_auto_finds_the_preset(sample: Sample) -> None:
    event = decoder("auto").decode(sample.record)
    assert event.problem is None
    assert envelope(event) == sample.expected


@each_sample
def test_auto_is_never_misled_by_the_record_before(sample: Sample) -> None:
    fresh = decoder("auto").decode(sample.record)
    for before in ALL:
        warm = decoder("auto")
        warm.decode_all(TP0, [before.record] * 2)
        assert warm.decode_all(TP0, [sample.record] * 2) == [fresh] * 2, before.name


@each_sample
def test_what_kafka_gave_is_kept_byte_for_byte(sample: Sample) -> None:
    record = Record(sample.record.value, sample.record.headers, key=b"k" * 10)
    event = decoder(sample.preset).decode_all(TP0, [record])[0]
    assert (event.value, event.headers, event.key) == (record.value, record.headers, record.key)
    assert (event.tp, event.offset, event.timestamp_ms) == (TP0, record.offset, record.timestamp)
    headers = sum(len(name) + len(content) for name, content in record.headers)
    assert event.size == len(record.value or b"") + 10 + headers + EVENT_OVERHEAD_BYTES


@pytest.mark.parametrize("sample", [s for s in ALL if s.record.value and not s.expected["text"]], ids=label)
def test_a_truncated_sample_is_refused_and_not_misread(sample: Sample) -> None:
    value = sample.record.value
    assert value is not None
    preset = sample.preset if sample.preset != "raw" else "auto"
    cut = [Record(value[:end], sample.record.headers) for end in range(len(value))]
    for event in decoder(preset).decode_all(TP0, cut):
        assert event.problem is not None and event.problem.value in ("not_json", "not_utf8")


def test_every_preset_has_samples() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == set(registry.NAMES) - {"auto"}
    assert {sample.preset for sample in ALL} == set(registry.NAMES) - {"auto"}


def test_a_decoder_reads_a_topic_in_which_all_producers_meet() -> None:
    mixed = [sample for sample in ALL if is_read_by_auto(sample)] * 2
    events = decoder("auto").decode_all(TP0, [sample.record for sample in mixed])
    assert [envelope(event) for event in events] == [sample.expected for sample in mixed]
