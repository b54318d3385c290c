"""`loki`: few streams in order of time, lines that fit, and refusals that are read where they name an entry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.payload.loki import Loki, complaints
from forwarder.model.attempt import Response
from forwarder.model.event import Event
from forwarder.model.verdict import Pace, Partial, Retry
from forwarder.settings.payload import payload_of
from tests.unit.deliver.make import event

SECOND = 10**9
NOW = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z."""

OLD = "entry for stream '{}' has timestamp too old: 2025-12-31T23:58:20Z"
LONG = "'256' bytes exceeded for stream '{}' while adding an entry with length '300' bytes"


def loki(**options: Any) -> Loki:
    return Loki(payload_of({"format": "loki", **options}), "prod")


def streams(provider: Loki, *events: Event) -> list[dict[str, Any]]:
    document = json.loads(provider.render(events).content)
    assert set(document) == {"streams"}
    found: list[dict[str, Any]] = document["streams"]
    return found


class TestBody:
    def test_the_metadata_of_an_entry_never_exceeds_what_loki_takes(self) -> None:
        """validate.go, LimitsConfig: max_structured_metadata_size, 64 KB of names and values of one entry."""
        long = event(b"{}", id="i" * 70_000, type="\N{GRINNING FACE}" * 20_000, tenant="t" * 70_000)
        [[_, _, metadata]] = streams(loki(), long)[0]["values"]
        assert sum(len(name) + len(value.encode()) for name, value in metadata.items()) <= 64_000
        assert all(metadata[name].endswith("... [truncated]") for name in ("event_id", "event_type", "tenant"))

    def test_a_stream_per_topic_and_level_and_the_rest_as_metadata(self) -> None:
        one = event(b'{"a":1}', 5, id="e-1", when=NOW, severity=4, tenant="t")
        two = event(b"plain \xe2\x82\xac", 6, when=NOW + 1, severity=1, text=True, type="")
        assert streams(loki(severity={"informational": "debug"}), one, two) == [
            {
                "stream": {"level": "error", "service_name": "forwarder", "topic": "topic"},
                "values": [
                    [
                        str(NOW),
                        '{"a":1}',
                        {
                            "event_identity": "prod/topic/0/5",
                            "event_id": "e-1",
                            "event_type": "auth.failed",
                            "tenant": "t",
                        },
                    ]
                ],
            },
            {
                "stream": {"level": "debug", "service_name": "forwarder", "topic": "topic"},
                "values": [[str(NOW + 1), "plain €", {"event_identity": "prod/topic/0/6"}]],
            },
        ]

    def test_labels_are_what_the_webhook_wants_and_empty_ones_are_left_out(self) -> None:
        provider = loki(labels={"job": "sec", "tenant": "$tenant", "kind": "$type"}, metadata=False)
        found = streams(provider, event(b"1", when=NOW, tenant="t"), event(b"2", when=NOW, type=""))
        assert [stream["stream"] for stream in found] == [
            {"job": "sec", "kind": "auth.failed", "tenant": "t"},
            {"job": "sec"},
        ]
        assert found[0]["values"] == [[str(NOW), "1"]]

    def test_a_stream_has_a_label_whatever_happens(self) -> None:
        assert streams(loki(labels={"tenant": "$tenant"}), event())[0]["stream"] == {"service_name": "forwarder"}

    def test_a_label_is_cut_to_what_loki_takes(self) -> None:
        (stream,) = streams(loki(labels={"kind": "$type"}), event(type="ä" * 3000))
        assert len(stream["stream"]["kind"]) == 2048
        assert stream["stream"]["kind"].endswith("... [truncated]")

    @given(offsets=st.lists(st.integers(0, 5), min_size=1, max_size=8))
    def test_entries_of_a_stream_are_in_order_of_time_and_of_arrival_within(self, offsets: list[int]) -> None:
        events = [event(b"%d" % number, number, when=NOW + offset) for number, offset in enumerate(offsets)]
        (stream,) = streams(loki(), *events)
        found = [(int(value[0]), int(value[1])) for value in stream["values"]]
        assert found == sorted((NOW + offset, number) for number, offset in enumerate(offsets))

    @given(text=st.text(alphabet="aé€😀", max_size=120))
    def test_a_line_never_exceeds_its_bytes_and_says_when_it_was_cut(self, text: str) -> None:
        line = streams(loki(maxLine=64), event(text.encode(), text=True))[0]["values"][0][1]
        assert len(line.encode()) <= 64
        assert line == text if len(text.encode()) <= 64 else line.endswith("... [truncated]")


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "option"),
        [
            ({"labels": {"9a": "x"}}, "labels"),
            ({"labels": {"a.b": "x"}}, "labels"),
            ({"labels": {"a": "$severty"}}, "labels"),
            ({"labels": {f"l{number}": "x" for number in range(16)}}, "labels"),
            ({"maxLine": 10}, "maxLine"),
        ],
    )
    def test_what_loki_has_no_room_or_name_for_is_named(self, options: dict[str, Any], option: str) -> None:
        assert [name for name, _ in complaints(payload_of({"format": "loki", **options}))] == [option]

    def test_the_defaults_can_be_used(self) -> None:
        assert not list(complaints(payload_of({"format": "loki"})))


class TestRefusals:
    EVENTS = (
        event(b"0", 0, when=NOW - 100 * SECOND),
        event(b"1" * 300, 1, when=NOW),
        event(b"2", 2, when=NOW + 800_000_000),
    )

    @pytest.mark.parametrize(
        ("text", "refused"),
        [
            (f"{OLD}, oldest acceptable timestamp is: 2025-12-31T23:59:00Z", (0,)),
            ("entry for stream '{}' has timestamp too new: 2026-01-01T00:00:00Z", (1, 2)),
            (f"Max entry size {LONG}", (1,)),
            (f"max entry size {LONG}", (1,)),
            (
                "entry with timestamp 2026-01-01 00:00:00.8 +0000 UTC ignored, reason: 'entry too far behind',\nuser",
                (2,),
            ),
            (
                "entry with timestamp 2026-01-01 00:00:00 +0000 UTC ignored, reason: 'entry out of order',\n"
                "entry with timestamp 2025-12-31 23:58:20 +0000 UTC ignored, reason: 'entry out of order',\n",
                (0, 1),
            ),
        ],
    )
    def test_the_entries_that_are_named_are_refused_and_the_others_go_again(
        self, text: str, refused: tuple[int, ...]
    ) -> None:
        verdict = loki().read(Response(400, {}, text.encode()), self.EVENTS)
        assert isinstance(verdict, Partial)
        assert verdict.refused == refused
        assert sorted({*verdict.again, *verdict.refused}) == [0, 1, 2]

    @pytest.mark.parametrize(
        ("reason", "total", "refused"),
        [
            ("entry too far behind", "2 out of 2", (0, 1)),
            ("entry too far behind", "1 out of 2", (0,)),
            ("entry too far behind, oldest acceptable timestamp is: 2026-01-01T00:00:01Z", "2 out of 3", (0, 1)),
        ],
    )
    def test_a_stream_that_is_far_behind_is_refused_at_once(
        self, reason: str, total: str, refused: tuple[int, ...]
    ) -> None:
        events = [event(topic="a", when=NOW), event(topic="a", when=NOW + 5), event(topic="b", when=NOW)]
        stream = '{level="warn", service_name="forwarder", topic="a"}'
        text = (
            f"entry with timestamp 2026-01-01 00:00:00 +0000 UTC ignored, reason: '{reason}',\n"
            f"user 'fake', total ignored: {total} for stream: {stream}"
        )
        verdict = loki().read(Response(400, {}, text.encode()), events)
        assert isinstance(verdict, Partial)
        assert verdict.refused == refused

    def test_an_entry_of_the_oldest_acceptable_time_is_acceptable(self) -> None:
        text = f"{OLD}, oldest acceptable timestamp is: 2026-01-01T00:00:00Z"
        verdict = loki().read(Response(400, {}, text.encode()), self.EVENTS)
        assert isinstance(verdict, Partial)
        assert (verdict.again, verdict.refused) == ((1, 2), (0,))

    def test_an_entry_of_another_stream_with_the_same_time_is_not_meant(self) -> None:
        events = [event(b"1", topic="a", when=NOW), event(b"1", topic="b", when=NOW)]
        text = (
            "entry with timestamp 2026-01-01 00:00:00 +0000 UTC ignored, reason: 'entry too far behind',\n"
            'user \'fake\', total ignored: 1 out of 1 for stream: {level="warn", service_name="forwarder", topic="b"}'
        )
        verdict = loki().read(Response(400, {}, text.encode()), events)
        assert isinstance(verdict, Partial)
        assert (verdict.again, verdict.refused) == ((0,), (1,))

    @pytest.mark.parametrize(
        "text", ["", "something else", "has timestamp too old: x, oldest acceptable timestamp is: -"]
    )
    def test_what_names_nothing_is_left_to_the_status(self, text: str) -> None:
        assert loki().read(Response(400, {}, text.encode()), self.EVENTS) is None

    @pytest.mark.parametrize("status", [204, 401, 429, 500])
    def test_only_a_400_is_read(self, status: int) -> None:
        assert loki().read(Response(status, {}, b"Max entry size '1' bytes exceeded"), self.EVENTS) is None

    def test_forbidden_metadata_is_a_matter_for_a_person(self) -> None:
        text = b"stream '{}' includes structured metadata, but this feature is disallowed. Please see"
        verdict = loki().read(Response(400, {}, text), self.EVENTS)
        assert isinstance(verdict, Retry) and verdict.pace is Pace.SLOW
