"""`payload: {format: template}`: how events share requests, what goes to the dead letters, and the templates that ship."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forwarder.cli import samples
from forwarder.clock import ManualClock
from forwarder.deliver.client import Client
from forwarder.deliver.payload.provider import Unrenderable
from forwarder.deliver.payload.template import Templated
from forwarder.deliver.sender import Prepared, Sender, Unsendable
from forwarder.deliver.template.check import problem_of
from forwarder.lane.policy import policy_of
from forwarder.model.batch import Batch
from forwarder.model.verdict import Halve
from forwarder.settings.payload import payload_of
from forwarder.settings.process import Egress
from forwarder.settings.templates.resolve import batch_of, filled, syntax_of
from forwarder.settings.templates.sources import starters
from tests.unit.deliver.make import event, webhook


def provider(hook: str = "hook", **options: Any) -> Templated:
    return Templated(filled(payload_of({"format": "template", **options}), {}, hook), "c")


def events(*values: dict[str, Any]) -> list[Any]:
    return [event(json.dumps(value).encode(), at) for at, value in enumerate(values)]


class TestBatches:
    def test_a_template_of_one_event_is_one_request_per_event(self) -> None:
        made = provider(body='{"x": "{{ data.x }}"}')
        assert made.options["batch"] == "one"
        assert made.render(events({"x": 1})).content == b'{"x": "1"}'
        assert policy_of(webhook(payload=made.payload)).max_events == 1
        with pytest.raises(ValueError, match="2 events"):
            made.render(events({"x": 1}, {"x": 2}))

    def test_a_template_that_uses_the_batch_is_one_request_per_batch(self) -> None:
        made = provider(body='{"n": {{ count }}, "x": [{{ events | map(attribute="data.x") | join(",") }}]}')
        made = provider(body='{"n": {{ count }}, "x": {{ events | map(attribute="data.x") | tojson }}}')
        assert made.options["batch"] == "digest"
        assert json.loads(made.render(events({"x": 1}, {"x": "b"})).content) == {"n": 2, "x": [1, "b"]}
        assert policy_of(webhook(payload=made.payload)).max_events == 1000

    def test_an_array_holds_the_template_of_each_event(self) -> None:
        body = provider(body='{"x": {{ data.x }}}', batch="array").render(events({"x": 1}, {"x": 2}))
        assert (body.content, body.content_type) == (b'[{"x": 1},{"x": 2}]', "application/json")

    def test_lines_hold_the_template_of_each_event_on_one_line(self) -> None:
        body = provider(body='{\n "x": {{ data.x }}\n}', batch="lines").render(events({"x": 1}, {"x": 2}))
        assert (body.content, body.content_type) == (b'{  "x": 1 }\n{  "x": 2 }\n', "application/x-ndjson")

    def test_a_digest_of_lines_is_parsed_line_by_line(self) -> None:
        line = '{"index": {}}\n{"x": "{{ e.data.x }}"}\n'
        source = f"{{% for e in events %}}{line}{{% endfor %}}"
        made = provider(body=source, contentType="application/x-ndjson")
        assert made.render(events({"x": '"'}, {"x": 2})).content == (
            b'{"index": {}}\n{"x": "\\""}\n{"index": {}}\n{"x": "2"}\n'
        )
        with pytest.raises(Unrenderable, match="the body is no JSON"):
            provider(body=source + "}", contentType="application/x-ndjson").render(events({"x": 1}))

    def test_a_plain_text_is_sent_as_it_is(self) -> None:
        body = provider(body="{{ data.x }}\n", contentType="text/plain; charset=utf-8").render(events({"x": 'a"b'}))
        assert (body.content, body.content_type) == (b'a"b\n', "text/plain; charset=utf-8")

    @pytest.mark.parametrize(
        "kind", ["application/json", "application/json; charset=utf-8", "application/vnd.x+json", "APPLICATION/JSON"]
    )
    def test_every_json_type_escapes(self, kind: str) -> None:
        assert provider(body='"{{ data.x }}"', contentType=kind).render(events({"x": '"'})).content == b'"\\""'


class TestDeadLetters:
    def test_one_event_that_cannot_be_rendered_is_named_alone(self) -> None:
        made = provider(body='{"x": {{ data.x.y }}}', batch="array")
        with pytest.raises(Unrenderable, match=r"template: 1:16: data\.x\.y is missing") as refused:
            made.render(events({"x": {"y": 1}}, {"x": {}}, {"x": {"y": 3}}))
        assert refused.value.events == (1,)

    def test_a_digest_names_the_event_that_its_loop_was_at(self) -> None:
        made = provider(body="{{range .events}}{{.data.x}}{{end}}", contentType="text/plain")
        with pytest.raises(Unrenderable) as refused:
            made.render(events({"x": 1}, {"y": 2}, {"x": 3}))
        assert refused.value.events == (1,)

    def test_a_digest_that_fails_outside_of_its_events_names_them_all(self) -> None:
        made = provider(body="{{ count.x }}", contentType="text/plain")
        with pytest.raises(Unrenderable) as refused:
            made.render(events({"x": 1}, {"y": 2}))
        assert refused.value.events == (0, 1)

    @pytest.mark.parametrize(
        ("batch", "body"),
        [
            ("array", '"{% for i in range(1000) %}{{ data.x }}{% endfor %}"'),
            ("lines", '"{% for i in range(60000) %}{% endfor %}"'),
            ("digest", '"{% for e in events %}{% for i in range(60000) %}{{ e.data.x }}{% endfor %}{% endfor %}"'),
        ],
    )
    def test_events_that_take_too_much_only_together_are_sent_in_halves(self, batch: str, body: str) -> None:
        clock = ManualClock()
        made = Sender(webhook(payload=provider(body=body, batch=batch).payload), Client(Egress(), clock), "c", clock)
        many = Batch("hook", tuple(events(*[{"x": "y" * 999}] * 9)))
        found = made.prepare(many)
        assert isinstance(found, Unsendable)
        assert isinstance(found.verdict, Halve)
        assert "one rendering may" in found.failure.text or "larger than 8388608" in found.failure.text
        if batch != "digest":
            assert isinstance(made.prepare(Batch("hook", many.events[:1])), Prepared)

    def test_a_body_that_is_no_json_is_not_sent(self) -> None:
        with pytest.raises(Unrenderable, match="the body is no JSON"):
            provider(body='{"x": {% if data.x %}1{% endif %}}').render(events({"x": 0}))


CHOICES = [(name, syntax) for name, bodies in starters().items() for syntax in bodies]


class TestStarters:
    def test_there_is_one_for_each_of_sifts_receivers_and_two_in_both_syntaxes(self) -> None:
        assert {f"{name}-violation" for name in ("slack", "opsgenie", "jira", "pagerduty", "teams")} <= set(starters())
        assert set(starters()["slack-violation"]) == set(starters()["teams-violation"]) == {"go", "jinja"}

    @pytest.mark.parametrize(("name", "syntax"), CHOICES)
    @pytest.mark.parametrize("preset", samples.NAMES)
    def test_each_renders_every_kind_of_event(self, name: str, syntax: str, preset: str) -> None:
        made = provider(template=name, syntax=syntax, values={"project": "SEC"})
        assert problem_of(made.payload) == ""
        assert isinstance(json.loads(made.render([event(samples.value(preset))]).content), dict)

    @pytest.mark.parametrize("name", ["slack-violation", "teams-violation"])
    @pytest.mark.parametrize("status", ["violated", "resolved"])
    def test_both_syntaxes_give_the_same(self, name: str, status: str) -> None:
        one = events({"ruleName": 'a "b" <!channel>', "status": status, "assetName": "x", "runId": "y"})
        found = [json.loads(provider(template=name, syntax=s).render(one).content) for s in ("go", "jinja")]
        assert found[0] == found[1]

    def test_an_event_cannot_mention_anybody_in_slack(self) -> None:
        content = provider(template="slack-digest").render(events({"ruleName": "<!channel> & <@U1>"})).content
        assert b"<!" not in content and b"<@" not in content and b"&lt;!channel&gt; &amp;" in content

    @pytest.mark.parametrize(("status", "action"), [("violated", "trigger"), ("resolved", "resolve")])
    def test_pagerduty_resolves_what_it_triggered(self, status: str, action: str) -> None:
        found = json.loads(
            provider(template="pagerduty-violation")
            .render(events({"ruleId": "r", "assetName": "a", "status": status}))
            .content
        )
        assert (found["event_action"], found["dedup_key"]) == (action, "r/a")

    def test_jiras_needs_its_project_when_it_is_loaded(self) -> None:
        payload = filled(payload_of({"format": "template", "template": "jira-violation"}), {}, "hook")
        assert "values.project is not among `payload.values` (given: none)" in problem_of(payload)

    @pytest.mark.parametrize(("name", "syntax"), CHOICES)
    def test_texts_beyond_the_receivers_limits_are_cut(self, name: str, syntax: str) -> None:
        long = dict.fromkeys(("ruleName", "status", "assetName", "ruleId", "eventId", "runId"), "x" * 50000)
        made = provider(template=name, syntax=syntax, values={"project": "SEC"})
        found = json.loads(made.render(events(long)).content)
        limits = {
            "message": 130,
            "alias": 512,
            "summary": 1024 if "pager" in name else 255,
            "dedup_key": 255,
            "header": 150,
        }
        for key, most in limits.items():
            assert all(len(text) <= most for text in texts_of(found, key)), key
        assert all(len(text) <= 3000 for text in texts_of(found, "text")) or "jira" in name


def texts_of(node: Any, key: str) -> list[str]:
    """Every text under a key, wherever it is; those of Slack's header under `header`."""
    if isinstance(node, list):
        return [text for item in node for text in texts_of(item, key)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]["text"]] if key == "header" and node.get("type") == "header" else []
    own += [node[key]] if isinstance(node.get(key), str) else []
    return own + [text for item in node.values() for text in texts_of(item, key)]


GO = (
    "{{.RuleName}}",
    '{"a": "{{ .RuleName }}"}',
    "{{- if eq .Status `x`}}{{end}}",
    "{{/* c */}}",
    "{{$x := 1}}",
    "{{range .events}}{{end}}",
    '{{printf "%s" .RuleName}}',
    "{{ upper .RuleName }}",
    '{{"x"}} {{(index .data "x")}}',
)
JINJA = (
    "{{ RuleName }}",
    "{% if x %}{% endif %}",
    "no action",
    "{# c #}{{ data.x }}",
    "{{ data.x | upper }}",
    "{{ count }}",
    "{{ 'x' }}",
    "{{ (data.x) }}",
    "{{ date.x }}",
)


@pytest.mark.parametrize(("body", "syntax"), [*((body, "go") for body in GO), *((body, "jinja") for body in JINJA)])
def test_the_syntax_shows_in_the_actions(body: str, syntax: str) -> None:
    assert syntax_of(body) == syntax


@pytest.mark.parametrize(
    ("body", "batch"),
    [
        ("{{ count }}", "digest"),
        ("{% for e in events %}{% endfor %}", "digest"),
        ("{{ worstSeverityName }}", "digest"),
        ("{{ data.count }}", "one"),
        ("{{ data.l | count }}", "one"),
        ("{{ data['events'] }} events", "one"),
        ("{{.count}}", "digest"),
        ("{{range .events}}{{end}}", "digest"),
        ("{{$.worstSeverity}}", "digest"),
        ("{{if gt .count 1}}{{end}}", "digest"),
        ("{{.data.count}}", "one"),
        ('{{"  .count " | .x}}', "one"),
    ],
)
def test_a_template_of_a_batch_shows_in_its_variables(body: str, batch: str) -> None:
    assert batch_of(body, syntax_of(body)) == batch


def test_times_are_rfc3339_unless_the_webhook_says_otherwise() -> None:
    one = [event(b"{}", when="2026-03-14T12:41:07.5Z")]
    assert provider(body='"{{ event.time }}"').render(one).content == b'"2026-03-14T12:41:07.5Z"'
    made = provider(body="{{ event.time }}", timestampFormat="milliseconds")
    assert made.render(one).content == b"1773492067500"


def test_a_body_that_tells_when_it_was_sent_tells_its_signature_too() -> None:
    one = events({"sentAt": "2026-01-02T03:04:05Z"})
    assert provider(body='{"t": "{{.SentAt}}"}').render(one).sent_at == "2026-01-02T03:04:05Z"
    assert provider(body='{"t": "{{.RuleName}}"}').render(one).sent_at == ""


def test_the_webhooks_name_is_its_id_unless_it_is_given_one() -> None:
    assert provider(body='"{{.WebhookId}}"').render(events({})).content == b'"hook"'
    assert provider(body='"{{.WebhookId}}"', webhookId="w-1").render(events({})).content == b'"w-1"'


def test_the_same_events_give_the_same_bytes() -> None:
    one = events({"a": {"c": 1, "b": 2.5}, "t": "é\u2028"})
    made = provider(body='{"d": {{ data }}, "e": {{ event }}, "t": "{{ data.t }}"}')
    assert made.render(one).content == made.render(one).content
    assert json.loads(made.render(one).content)["e"]["data"] == {"a": {"c": 1, "b": 2.5}, "t": "é\u2028"}
