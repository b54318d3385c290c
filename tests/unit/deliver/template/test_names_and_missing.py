"""Variables: what is there, what is refused when a template is loaded, and what ends a rendering. Always with line and column."""

from __future__ import annotations

import pytest

from forwarder.deliver.template.tree import RenderError, TemplateError
from tests.unit.deliver.template.make import compiled, render, subject

REFUSED = (
    ("jinja", "a\n  {{ evnt.id }}", False, "2:6: unknown variable evnt, did you mean event?"),
    ("jinja", "{{ event.idd }}", False, "1:9: an event has no field idd, did you mean id?"),
    ("jinja", "{{ event['sevrity'] }}", False, "1:9: an event has no field sevrity, did you mean severity?"),
    ("jinja", "{{ rulename }}", False, "1:4: unknown variable rulename, did you mean RuleName?"),
    ("jinja", "{% if x %}{% endif %}", False, "1:7: unknown variable x"),
    ("jinja", "{% for a in data.l %}{% endfor %}{{ a }}", False, "1:37: unknown variable a"),
    ("jinja", "{{ data.x | uper }}", False, "1:13: unknown filter uper, did you mean upper?"),
    ("jinja", "{{ data.x is defind }}", False, "1:11: unknown test defind, did you mean defined?"),
    ("jinja", "{{ data.x.shout() }}", False, "1:10: unknown method shout"),
    ("jinja", "{{ now() }}", False, "1:7: unknown function now"),
    ("jinja", "{{ data.x | safe }}", False, "1:13: there is no filter safe"),
    ("jinja", "{{ data.x | join(1, 2, 3, 4) }}", False, "1:13: join: too many arguments"),
    ("jinja", "{{ data.x | replace('a') }}", False, "1:13: replace: missing a required argument: 'new'"),
    ("jinja", "{{ events | length }}", False, "1:4: events is there only where one body holds the whole batch"),
    ("jinja", "{{ count }} {{ data.x }}", True, "1:16: data is that of one event"),
    ("jinja", "{% for e in events %}{{ e.idd }}{% endfor %}", True, "1:26: an event has no field idd"),
    ("jinja", "{% for e in events %}{{ RuleName }}{% endfor %}", True, "1:25: RuleName is that of one event"),
    ("jinja", "{{ values.chanel }}", False, "1:10: values.chanel is not among `payload.values` (given: channel)"),
    ("jinja", "a\n{{ 1 + }}", False, "2:8: "),
    ("jinja", "{% if data.x %}", False, "1:14: "),
    ("jinja", "{% for x in data.l %}{% endif %}", False, "1:25: "),
    ("go", "a\n  {{.Rulename}}", False, "2:5: unknown variable Rulename, did you mean RuleName?"),
    ("go", "{{.event.idd}}", False, "1:9: an event has no field idd"),
    ("go", "{{if eq .Stats \"x\"}}{{end}}", False, "1:9: unknown variable Stats, did you mean Status?"),
    ("go", "{{.}}", False, "1:3: all variables together are no value"),
    ("go", "{{json .}}", False, "1:8: all variables together are no value"),
    ("go", "{{shout .data.x}}", False, "1:3: unknown function shout"),
    ("go", "{{upper .data.x .data.y}}", False, "1:3: upper: too many arguments"),
    ("go", "{{range .events}}{{.idd}}{{end}}", True, "1:20: an event has no field idd"),
    ("go", "{{range $i, $e := .events}}{{$e.RuleNam}}{{end}}", True, "1:32: an event has no field RuleNam"),
    ("go", "{{.data.x}}", True, "1:3: data is that of one event"),
    ("go", "{{$x}}", False, "1:3: unknown variable $x"),
    ("go", "{{.values.chanel | upper}}", False, "1:10: values.chanel is not among"),
)  # fmt: skip


@pytest.mark.parametrize(("syntax", "source", "digest", "said"), REFUSED)
def test_what_is_known_to_be_wrong_is_refused_when_it_is_loaded(
    syntax: str, source: str, digest: bool, said: str
) -> None:
    with pytest.raises(TemplateError) as refused:
        compiled(source, syntax, digest=digest, values={"channel": "#ops"})
    assert str(refused.value).startswith(said)


MISSING = (
    ("jinja", "a\n {{ data.user.name }}", "2:14: data.user.name is missing"),
    ("jinja", "{{ data.a.b.c }}", "1:12: data.a.b.c is missing"),
    ("jinja", "{{ data.nope | upper }}", "1:8: data.nope is missing"),
    ("jinja", "{% for x in data.nope %}{% endfor %}", "1:4: data.nope is missing"),
    ("jinja", "{% if data.nope == 'x' %}{% endif %}", "1:11: data.nope is missing"),
    ("jinja", "{{ data.list[7] }}", "1:13: data.list[7] is missing"),
    ("jinja", "{{ RunId }}", "1:4: RunId is missing"),
    ("go", "a\n{{.data.user.nope}}", "2:13: data.user.nope is missing"),
    ("go", "{{if eq .data.nope 1}}{{end}}", "1:14: data.nope is missing"),
    ("go", "{{.data.nope | upper}}", "1:8: data.nope is missing"),
    ("go", "{{range .data.nope}}{{end}}", "1:14: data.nope is missing"),
    ("go", "{{.RunId}}", "1:3: RunId is missing"),
)  # fmt: skip


@pytest.mark.parametrize(("syntax", "source", "said"), MISSING)
def test_what_an_event_lacks_ends_its_rendering(syntax: str, source: str, said: str) -> None:
    data = {"list": [1], "user": {}}
    with pytest.raises(RenderError) as ended:
        render(source, syntax, data)
    assert str(ended.value).startswith(said)
    assert not ended.value.bounded


@pytest.mark.parametrize(
    ("syntax", "source", "expected"),
    [
        ("jinja", "{{ data.a.b | default('x') }}{{ data.n | default('y') }}", "xy"),
        ("jinja", "{% if data.a %}a{% else %}none{% endif %}{{ data.a or 'or' }}", "noneor"),
        ("jinja", "{{ 'there' if data.a is defined else 'not' }} {{ values.no | default('v') }}", "not v"),
        ("go", '{{.data.a.b | default "x"}}{{.data.n | default "y"}}{{.data.empty | default "z"}}', "xyz"),
        ("go", '{{if .data.a}}a{{else}}none{{end}}{{or .data.a "or"}}{{with .RunId}}r{{else}}-{{end}}', "noneor-"),
    ],
)
def test_what_may_be_missing_is_said_in_the_template(syntax: str, source: str, expected: str) -> None:
    assert render(source, syntax, {"n": None, "empty": ""}) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", "id-7"), ("type", "rule.violated"), ("time", "2026-03-14T12:41:07.358Z"), ("severity", "4"),
        ("severityName", "high"), ("tenant", "acme"), ("topic", "topic"), ("partition", "1"), ("offset", "7"),
    ],
)  # fmt: skip
def test_the_envelope(name: str, expected: str) -> None:
    assert compiled(f"{{{{ event.{name} }}}}").render((subject(index=7),)).decode() == expected
    assert compiled(f"{{{{.event.{name}}}}}", "go").render((subject(index=7),)).decode() == expected
    of_each = compiled(f"{{% for e in events %}}{{{{ e.{name} }}}}{{% endfor %}}", digest=True)
    assert of_each.render((subject(index=7),)).decode() == expected


def test_an_event_without_an_id_has_its_identity() -> None:
    assert (
        compiled("{{ event.id }} {{ EventId }}").render((subject(index=7, id=""),))
        == b"cluster/topic/1/7 cluster/topic/1/7"
    )


def test_the_batch() -> None:
    template = compiled(
        "{{ count }} {{ worstSeverity }} {{ worstSeverityName }}{% for e in events %} {{ e.data.n }}{{ e.RuleName }}{% endfor %}",
        digest=True,
    )
    batch = [subject({"n": n, "ruleName": "r"}, n, severity=n) for n in (1, 5, 2)]
    assert template.render(batch) == b"3 5 critical 1r 5r 2r"


def test_an_event_is_blamed_where_a_loop_over_events_stops_at_it() -> None:
    template = compiled("{% for e in events %}{% for x in e.data.l %}{{ x.y }}{% endfor %}{% endfor %}", digest=True)
    batch = [subject({"l": [{"y": 1}]}, 0), subject({"l": [{"y": 1}, {}]}, 1)]
    with pytest.raises(RenderError) as ended:
        template.render(batch)
    assert ended.value.event == 1
    template = compiled("{{range .events}}{{.data.y}}{{end}}", "go", digest=True)
    with pytest.raises(RenderError) as ended:
        template.render([subject({"y": 1}, 0), subject({}, 1)])
    assert ended.value.event == 1


def test_a_value_that_is_no_json_is_an_error_only_where_it_is_looked_at() -> None:
    broken = subject(index=3)
    text = broken.event.__class__(
        **{name: getattr(broken.event, name) for name in broken.event.__struct_fields__} | {"value": b"{"}
    )
    again = broken.__class__(text, 3, "c")
    assert compiled("{{ event.type }}").render((again,)) == b"rule.violated"
    with pytest.raises(RenderError, match="not JSON") as ended:
        compiled("{{ data.x }}").render((again,))
    assert ended.value.event == 3
