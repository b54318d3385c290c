"""One suite for all payload formats, those of the catalogue now and those that come later."""

from __future__ import annotations

import json
import re
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forwarder.clock import ManualClock
from forwarder.configuration import load_checked
from forwarder.deliver.client import Client
from forwarder.deliver.payload.provider import Provider, Unrenderable
from forwarder.deliver.payload.registry import provider_of
from forwarder.deliver.sender import Prepared, Sender
from forwarder.lane.sizes import body_size
from forwarder.model.attempt import Response
from forwarder.model.event import Event, identity
from forwarder.model.verdict import Delivered, Halve, Partial, Verdict
from forwarder.settings.payload import MODELS, payload_of
from forwarder.settings.process import Egress
from forwarder.settings.providers import reference
from forwarder.settings.providers.shapes import complaints
from tests.support.receivers.data import PLACES
from tests.unit.deliver.make import batch, event, secret, webhook
from tests.unit.deliver.providers.reading import shape, values, words

FORMATS = tuple(MODELS)
DATA = tuple(name for name in FORMATS if MODELS[name].spec.body is not None)
KEY = "s3cr3t-" + "k" * 25
DOCS = Path(__file__).resolve().parents[4] / "docs" / "providers.md"
SAMPLES = [
    path
    for path in sorted((Path(__file__).resolve().parents[3] / "samples").glob("*/*"))
    if ".expected." not in path.name
]
GIVEN: dict[str, dict[str, Any]] = {
    "template": {
        "body": '{"id": {{ event.id }}, "type": {{ event.type }}, "data": {{ data }}}',
        "syntax": "jinja",
        "batch": "array",
    },
}
"""What a format needs beside what its file says."""
BARE = frozenset({"json", "ndjson", "secops", "template"})
"""Formats that hand records on as they are: who an event is, is in the headers (Forwarder-Offsets)."""
DIGESTS = frozenset(name for name in FORMATS if MODELS[name].spec.batch == "digest") - {"template"}
PLAIN = frozenset({"json", "ndjson", "stalwart", "template"})

HOSTILE = [
    '"',
    "\\",
    "a\r\nb",
    "\x00\x1b[2J",
    "\u202egnp",
    "a\ud800b",
    '","id":"x',
    "</script>",
    "${x}",
    "$(id)",
    "{{ 7*7 }}",
    "]]>",
    "",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def options(name: str) -> dict[str, Any]:
    """What the format needs, and its credential."""
    spec = MODELS[name].spec
    found: dict[str, Any] = {"format": name, **GIVEN.get(name, {})}
    for option, known in spec.options.items():
        if known.type == "secret":
            found[option] = secret(KEY)
        elif known.required and option not in found:
            found[option] = "main"
    return found


def provider(name: str) -> Provider:
    return provider_of(payload_of(options(name)), "c")


def sender(name: str, **more: Any) -> Sender:
    hook = webhook(payload=options(name), maxBytes="1GiB", **more)
    return Sender(hook, Client(Egress(), ManualClock()), "c", ManualClock())


def most(name: str) -> int:
    return MODELS[name].spec.caps.max_events or 1000


def events_of(count: int, **fields: Any) -> list[Event]:
    return [event(b'{"message":"m%d","n":%d}' % (at, at), at, severity=at % 7, **fields) for at in range(count)]


@pytest.mark.parametrize("name", FORMATS)
class TestEveryFormat:
    def test_the_same_events_give_the_same_bytes(self, name: str) -> None:
        events = events_of(min(3, most(name)))
        assert provider(name).render(events) == provider(name).render(events)

    def test_a_body_is_valid_for_its_media_type(self, name: str) -> None:
        events = events_of(min(3, most(name)))
        body = provider(name).render(events)
        assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+(; ?[a-z]+=[\w-]+)*", body.content_type)
        assert values(body)
        if "ndjson" in body.content_type or MODELS[name].spec.batch == "lines":
            assert body.content.endswith(b"\n") and b"\n\n" not in body.content
            assert all(json.loads(line) is not Ellipsis for line in body.content.decode().split("\n")[:-1])

    def test_events_keep_their_order(self, name: str) -> None:
        count = min(5, most(name))
        found = words(provider(name).render(events_of(count)))
        places = [found.find(f"m{at}") for at in range(count)]
        known = [place for place in places if place >= 0]
        assert known == sorted(known) and (known or name in DIGESTS)

    def test_each_event_is_known_again_by_its_identity(self, name: str) -> None:
        spec = MODELS[name].spec
        events = events_of(min(3, most(name)))
        if name in BARE or name in DIGESTS or "header" in spec.identity:
            assert name in DIGESTS or "header" in spec.identity or spec.identity == ""
            return
        assert spec.identity, "the file names the field that holds it"
        found = words(provider(name).render(events))
        assert all(identity(each, "c") in found for each in events)

    def test_a_repeat_is_known_again_even_where_the_names_are_long(self, name: str) -> None:
        """Two events never share what their receiver merges by."""
        if name in BARE or name in DIGESTS:
            return
        first, second = (event(b"{}", offset, topic="t" * 249) for offset in (10**17, 10**17 + 1))
        bodies = [provider(name).render([each]) for each in (first, second)]
        assert bodies[0] != bodies[1] or "header" in MODELS[name].spec.identity

    def test_what_is_too_large_is_cut_or_refused_and_never_sent(self, name: str) -> None:
        caps = MODELS[name].spec.caps
        cap = min(caps.event_bytes or 8_000_000, caps.max_bytes or 8_000_000, 8_000_000)
        huge = event(b'{"message":"' + b"x" * (cap + 10) + b'"}')
        prepared = sender(name).prepare(batch(huge))
        limit = caps.max_bytes or 10**9
        if isinstance(prepared, Prepared):
            assert prepared.content_length <= limit
            if prepared.content_length < cap:
                shown = prepared.body().content.decode()
                assert MODELS[name].spec.marker in shown or "…" in shown or "..." in shown or "more" in shown
        else:
            assert prepared.verdict is not None and not isinstance(prepared.verdict, Delivered)

    def test_a_full_batch_is_never_larger_than_its_receiver_takes(self, name: str) -> None:
        caps = MODELS[name].spec.caps
        if caps.max_bytes is None or caps.max_bytes > 30_000_000:
            return
        count = min(most(name), 40)
        each = b'{"message":"' + b"y" * (caps.max_bytes // count) + b'"}'
        prepared = sender(name).prepare(batch(*[event(each, at) for at in range(count)]))
        if isinstance(prepared, Prepared):
            assert prepared.content_length <= caps.max_bytes
        else:
            assert prepared.verdict is not None

    def test_more_events_than_it_takes_are_never_sent_together(self, name: str) -> None:
        """A batch may have been frozen for another format, before the configuration changed."""
        if (cap := MODELS[name].spec.caps.max_events) is None:
            return
        prepared = sender(name).prepare(batch(*events_of(cap + 1)))
        assert not isinstance(prepared, Prepared) and isinstance(prepared.verdict, Halve)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(records=st.lists(JSON, min_size=1, max_size=3), kind=st.text(max_size=20), text=st.booleans())
    def test_a_body_is_as_large_as_was_thought_at_most(
        self, name: str, records: list[Any], kind: str, text: bool
    ) -> None:
        events = [event(json.dumps(one).encode(), at, type=kind, text=text) for at, one in enumerate(records)][
            : most(name)
        ]
        sizing = MODELS[name].spec.sizing
        if name == "template" or name in DIGESTS:  # as large as the template says; as small as a message
            return
        content = provider(name).render(events).content
        assert len(content) <= sizing.frame + sum(body_size(each, sizing) for each in events)

    def test_every_severity_has_a_word(self, name: str) -> None:
        spec = MODELS[name].spec
        assert len(spec.severity) in (0, 7)
        for level in range(7):
            body = provider(name).render([event(b"{}", severity=level)])
            if spec.severity and name in DATA:
                assert spec.severity[level] in words(body)

    def test_every_status_means_something(self, name: str) -> None:
        made = sender(name)
        prepared = made.prepare(batch(event(b"{}")))
        assert isinstance(prepared, Prepared)
        for status, content in product(range(200, 600), (b"", b"{}", b"[1]", b"\xff<html>")):
            verdict = made.judge(prepared, Response(status, {}, content), 1)
            assert isinstance(verdict, Verdict)
            if status >= 300 and not MODELS[name].spec.status.get(str(status)):
                assert not isinstance(verdict, Delivered), status
            assert not isinstance(verdict, Partial) or all(at == 0 for at in (*verdict.again, *verdict.refused))

    def test_no_secret_is_shown(self, name: str) -> None:
        made = provider(name)
        body = made.render([event(b"{}")])
        shown = [repr(made), repr(body), repr(made.payload), str(made.payload), repr(dict(made.options))]
        assert all(KEY not in text and "k" * 20 not in text for text in shown)

    async def test_no_secret_is_in_the_preview(self, name: str) -> None:
        made = sender(name)
        prepared = made.prepare(batch(event(b"{}")))
        assert isinstance(prepared, Prepared)
        shown = await made.preview(prepared)
        assert KEY not in shown and shown.startswith("POST ")

    @pytest.mark.parametrize("word", HOSTILE)
    def test_no_text_breaks_out_of_its_place(self, name: str, word: str) -> None:
        record = json.dumps({"message": word, word: [word], "status": word}).encode()
        kept: dict[str, Any] = {"type": word or "t", "tenant": word}
        if name == "template" and "\ud800" in word:  # it reads the record, which is no text that UTF-8 knows
            with pytest.raises(Unrenderable):
                provider(name).render([event(record, **kept)])
            return
        odd = provider(name).render([event(record, **kept)])
        plain = provider(name).render(
            [event(b'{"message":"m","k":["m"],"status":"m"}', type="t", tenant="m" if word else "")]
        )
        assert [shape(value) for value in values(odd)] == [shape(value) for value in values(plain)]
        for header, value in odd.headers:
            assert not set("\r\n\x00") & set(header + value)
        assert not set("\r\n\x00 ") & set(odd.path)

    def test_every_sample_can_be_written(self, name: str) -> None:
        made = provider(name)
        for path in SAMPLES:
            assert values(made.render([event(path.read_bytes(), text=path.suffix == ".txt")])), path

    @pytest.mark.parametrize("value", [None, b"null", b"[]", b'""', b"0", b"{}"])
    def test_records_with_little_in_them_can_be_written(self, name: str, value: bytes | None) -> None:
        assert values(provider(name).render([event(value, type="", tenant="", when=0, timestamp_ms=-1)]))
        assert values(provider(name).render([event(b"plain \xff text", text=True, type="")]))

    def test_its_file_says_what_it_follows_and_what_its_options_do(self, name: str) -> None:
        spec = MODELS[name].spec
        page = DOCS.read_text("utf-8")
        assert spec.documents and all(len(document) > 7 for document in spec.documents)
        assert f"\n## {name}\n" in page
        for option, known in spec.options.items():
            assert len(known.meaning) > 7 and f"- `{option}`" in page
        assert spec.example.startswith("https://")
        assert "receiver.example" not in spec.example or name in PLAIN | {
            "cloudevents",
            "standard-webhooks",
            "connectsecure",
        }

    def test_its_example_loads(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = reference.example(name)
        assert text.rstrip() in DOCS.read_text("utf-8")
        for variable in re.findall(r"variableName: (\w+)", text):
            monkeypatch.setenv(variable, "x" * 32)
        path = tmp_path / "forwarder.yaml"
        path.write_text(text, "utf-8")
        loaded = load_checked(path)
        assert loaded.settings.webhooks[0].payload.format == name

    def test_a_strict_double_or_a_real_receiver_stands_for_it(self, name: str) -> None:
        if name in PLACES or name in PLAIN:
            return
        module = {"opensearch": "elastic", "googlechat": "chat", "mattermost": "chat", "discord": "chat"}.get(
            name, name
        )
        found = [import_module(f"tests.support.receivers.{each}") for each in (module.replace("-", "_"),)]
        assert found


@pytest.mark.parametrize("name", DATA)
def test_a_format_that_is_data_has_nothing_to_complain_of(name: str) -> None:
    assert list(complaints(MODELS[name].spec)) == []
