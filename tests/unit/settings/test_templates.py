"""Templates in the configuration: named, inline, from files; every mistake with its place; a changed file is a changed webhook."""

from __future__ import annotations

from pathlib import Path

import pytest

from forwarder.configuration import load_checked
from forwarder.deliver.payload.registry import provider_of
from forwarder.errors import ConfigurationError
from forwarder.settings.load import Loaded
from forwarder.settings.reload import diff
from tests.unit.deliver.make import event
from tests.unit.settings.place import Place


def checked(place: Place, text: str) -> Loaded:
    return load_checked(place.write(text), {})


def problems(place: Place, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        checked(place, text)
    return [problem.replace(f"{place.folder}/", "") for problem in caught.value.problems]


def body(loaded: Loaded) -> bytes:
    return provider_of(loaded.settings.webhooks[0].payload, "c").render([event(b'{"a":"x"}')]).content


def test_a_template_stands_in_the_webhook_under_a_name_or_in_a_file(place: Place) -> None:
    path = place.write('{"file": "{{ data.a }}"}', "own.tmpl")
    own = f"templates: {{one: {{body: '\"{{{{.data.a}}}}\"'}}, two: {{file: '{path}'}}}}\n"
    assert body(checked(place, place.hook("payload: {format: template, body: '[\"{{ data.a }}\"]'}"))) == b'["x"]'
    assert body(checked(place, place.hook("payload: {format: template, template: one}", own))) == b'"x"'
    assert body(checked(place, place.hook("payload: {format: template, template: two}", own))) == b'{"file": "x"}'


def test_a_template_of_the_users_own_goes_before_one_that_ships(place: Place) -> None:
    own = "templates: {slack-violation: {body: '1'}}\n"
    assert body(checked(place, place.hook("payload: {format: template, template: slack-violation}", own))) == b"1"


def test_the_webhook_decides_what_its_template_leaves_open(place: Place) -> None:
    own = "templates: {one: {body: '{{ data.a }}', contentType: text/plain}}\n"
    payload = (
        checked(place, place.hook("payload: {format: template, template: one, batch: lines}", own))
        .settings.webhooks[0]
        .payload
    )
    options = payload.options
    assert [options[name] for name in ("syntax", "contentType", "batch", "webhookId")] == [
        "jinja",
        "text/plain",
        "lines",
        "siem",
    ]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("", "payload: a template is given by its name"),
        ("template: x, body: y", "payload: a template is given by its name"),
        (
            "template: slack-violaton",
            "payload.template: no template is called 'slack-violaton' (did you mean `slack-viol",
        ),
        ("template: jira-violation, syntax: jinja", "payload.syntax: the template jira-violation ships in go only"),
        ("template: jira-violation", "payload.template: the template jira-violation:"),
        ("body: 'a{{ x }}'", "payload.body: the template:1:5: unknown variable x"),
        ("body: '{{.Rulename}}'", "payload.body: the template:1:3: unknown variable Rulename, did you mean RuleName?"),
        ("body: 'x', syntax: mustache", "payload.syntax: "),
        ("body: '{\"a\": ', syntax: go", "payload.body: the template:1:1: this never gives JSON"),
        (
            "body: x, contentType: text/plain, batch: array",
            "payload.body: the template: batch array needs a JSON content",
        ),
        ("body: '{{ data.x }} {{ count }}'", "payload.body: the template:1:4: data is that of one event"),
        (
            "body: '{% for i in range(10**9) %}x{% endfor %}'",
            "payload.body: the template:1:18: range: a list is larger",
        ),
        ("body: '{{ \"x\" * 10**9 }}'", "payload.body: the template:1:4: *: a text is larger"),
        ('body: x, contentType: "text/plain\\r\\nX-Other: 1"', "payload.contentType: is no media type"),
        ("body: x, contentType: text", "payload.contentType: is no media type"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_its_place(place: Place, payload: str, said: str) -> None:
    found = problems(place, place.hook(f"payload: {{format: template, {payload}}}"))
    assert len(found) == 1
    where, _, text = found[0].partition(": webhooks[siem].")
    assert where.startswith("forwarder.yaml:5:")
    assert text.startswith(said)


def test_a_shared_template_may_need_values_that_each_webhook_gives(place: Place) -> None:
    own = "templates: {one: {body: '[\"{{ values.team }}\"]'}}\n"
    payload = "payload: {format: template, template: one"
    assert body(checked(place, place.hook(payload + ", values: {team: blue}}", own))) == b'["blue"]'
    assert checked(place, place.hook("level: low", own))
    (found,) = problems(place, place.hook(payload + "}", own))
    assert "webhooks[siem].payload.template: the template one:1:12: values.team is not among" in found


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{body: x, contentType: text}", "templates.one.contentType: is no media type"),
        ("{}", "templates.one: a template has either `body` or `file`"),
        ("{body: x, file: y}", "templates.one: a template has either `body` or `file`"),
        ("{file: nowhere.tmpl}", "templates.one.file: 'nowhere.tmpl' cannot be read: No such file or directory"),
        ("{body: '{{ x }}'}", "templates.one.body: the template:1:4: unknown variable x"),
    ],
)
def test_a_template_of_the_configuration_is_checked_used_or_not(place: Place, template: str, said: str) -> None:
    for hook in ("", "payload: {format: template, template: one}"):
        found = problems(place, place.hook(hook or "level: low", f"templates: {{one: {template}}}\n"))
        assert len(found) == 1
        assert said in found[0]


def test_a_mistake_in_a_templates_file_names_that_file_with_line_and_column(place: Place) -> None:
    path = place.write('{\n  "a": {{ evnt.id }}\n}', "own.tmpl")
    found = problems(
        place, place.hook("payload: {format: template, template: one}", f"templates: {{one: {{file: '{path}'}}}}\n")
    )
    assert found == [next(one for one in found if "templates.one.file: own.tmpl:2:11: unknown variable evnt" in one)]


def test_a_file_that_is_no_text_or_too_large_is_refused(place: Place) -> None:
    for content, said in ((b"\xff\xfe", "is not UTF-8 text"), (b"x" * 70_000, "is larger than 65536 bytes")):
        (place.folder / "own.tmpl").write_bytes(content)
        found = problems(place, place.hook("level: low", f"templates: {{one: {{file: '{place.folder}/own.tmpl'}}}}\n"))
        assert said in found[0]


def test_a_changed_templates_file_changes_the_webhooks_that_use_it(place: Place) -> None:
    path = place.write('"{{ data.a }}"', "own.tmpl")
    text = place.hook("payload: {format: template, template: one}", f"templates: {{one: {{file: '{path}'}}}}\n")
    before = checked(place, text)
    place.write('["{{ data.a }}"]', "own.tmpl")
    after = checked(place, text)
    change = diff(before.settings, after.settings)
    assert [one.path for one in change.changed["siem"]] == ["payload.body"]
    assert before.fingerprints["siem"] != after.fingerprints["siem"]
    assert Path(path) in after.watched
    assert not change.restart
