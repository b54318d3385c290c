"""A configuration is accepted as a whole, or refused with every mistake of every file in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forwarder.errors import ConfigurationError
from forwarder.settings.load import load
from forwarder.settings.problems import Finding
from forwarder.settings.process import Settings

from .place import SOURCES, Place


def test_all_mistakes_of_all_files_are_said_at_once_in_the_order_of_their_places(place: Place) -> None:
    place.write("name: first\nurl: https://a.example/\nthrotle: 5s\n", "hooks/a.yaml")
    place.write('{"name": "second",\n "url": "https://b.example/",\n "maxEvents": 0}', "hooks/b.json")
    place.write("name: [\n", "hooks/c.yml")
    text = "kafka: {brokres: [a]}\nwebhooksDir: hooks\n" + SOURCES + "memory: {budget: lots}\n"
    assert [problem.split(": ")[0] for problem in place.problems(text)] == [
        "forwarder.yaml:1:9",
        "forwarder.yaml:4:10",
        "hooks/a.yaml:3:1",
        "hooks/b.json:3:2",
        "hooks/c.yml:2:1",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("maxEvent: 5", "maxEvent: unknown key (did you mean `maxEvents`?)"),
        ("max_events: 5", "max_events: unknown key (did you mean `maxEvents`?)"),
        ("zzz: 5", "zzz: unknown key; known: name, enable, onEnable, url"),
        ("maxEvents: 1.5", "maxEvents: a whole number is expected ('1.5')"),
        ("maxEvents: 0", "maxEvents: must be at least 1 ('0')"),
        ("concurrency: 300", "concurrency: must be at most 256 ('300')"),
        ("timeout: 0", "timeout: must be greater than 0.0 ('0')"),
        ("enable: maybe", "enable: true or false is expected ('maybe')"),
        ("events: auth.success", "events: a list is expected; put the value in brackets: [...] ('auth.success')"),
        ("tls: yes", "tls: a mapping of keys is expected ('yes')"),
        ("filter: [a]", "filter: text is expected"),
        ("payload: {format: xml}", "payload.format: no payload format is called 'xml'; known: "),
        ("level: loud", "level: a level is expected: 0..6, or one of unknown, informational"),
        ("startAt: yesterday", "startAt: a start is expected: now, earliest, or a time such as"),
        ('httpAuth: {"@type": Bearr}', "httpAuth: \"@type\" is 'Bearr'; it must be one of Unauthenticated, Basic"),
        ("httpAuth: {username: me}", 'httpAuth: "@type" is missing'),
        ('httpAuth: {"@type": Basic, username: me}', "httpAuth.secret: is missing, and required"),
        ("signatureKey: abc", 'signatureKey: a mapping of keys is expected, such as {"@type": Value, secret: ...}'),
        ('signatureKey: {"@type": File, path: /x}', "signatureKey.filePath: is missing, and required"),
        ('httpHeaders: {X-A: {"@type": Valu}}', "httpHeaders.X-A: \"@type\" is 'Valu'"),
        ("statusPolicy: {404: explode}", "statusPolicy.404: must be one of deliver, retry, retrySlow"),
        ("rules: [{level: low}]", "rules[0].name: is missing, and required"),
        ("deadLetterLimit: {ratio: nan}", "deadLetterLimit.ratio: must be"),
    ],
)
def test_a_mistake_says_what_is_wrong_and_what_is_allowed(place: Place, line: str, said: str) -> None:
    problem = place.problems(place.hook(line))[0]
    assert problem.startswith("forwarder.yaml:5:")
    assert f"webhooks[siem].{said}" in problem


def test_a_hint_inside_a_nested_form_comes_from_that_form(place: Place) -> None:
    problems = place.problems(place.hook('signatureKey: {"@type": File, filPath: /x}\nretry: {bse: 1s}'))
    assert any("filPath: unknown key (did you mean `filePath`?)" in problem for problem in problems)
    assert any("retry.bse: unknown key (did you mean `base`?)" in problem for problem in problems)


def test_a_broken_field_hides_no_other_mistake_and_makes_none_of_its_own(place: Place) -> None:
    text = place.hook("maxEvents: ten\nsources: [nope]\neventsPolicy: include\nevents: auth.*\nname: x").replace(
        "name: siem", "enable: 1"
    )
    problems = place.problems(text)
    assert len(problems) == 3
    assert [word for word in ("maxEvents", "sources[0]", "events:") if any(word in p for p in problems)] == [
        "maxEvents",
        "sources[0]",
        "events:",
    ]


def test_webhooks_are_not_blamed_for_broken_sources(place: Place) -> None:
    assert len(place.problems(place.hook("sources: [a]").replace("topic: events", "topik: events"))) == 2


def test_null_means_not_set(place: Place) -> None:
    loaded = place.load(
        place.hook("maxEvents:\nhttpHeaders: ~\nsignatureKey: null\ntls: {caFile: }", "kafka:\ntenants: {acme: }\n")
    )
    hook = loaded.settings.webhooks[0]
    assert (hook.max_events, hook.http_headers, hook.signature_key.type, hook.tls.ca_file) == (1000, {}, "None", None)
    assert list(loaded.settings.tenants) == ["acme"]


def test_yaml_words_are_no_surprise(place: Place) -> None:
    hook = place.load(
        place.hook("events: [on, off, no, 12]\nenable: no\ntls: {minVersion: 1.3}\nfilter: 0123")
    ).settings.webhooks[0]
    assert hook.events == ("on", "off", "no", "12")
    assert (hook.enable, hook.tls.min_version, hook.filter) == (False, "1.3", "0123")


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nurl: https://a.example/\n",
        "- name: a\n  url: https://a.example/\n",
        "webhooks:\n- name: a\n  url: https://a.example/\n",
        "---\nname: a\nurl: https://a.example/\n---\n",
    ],
)
def test_a_webhook_file_may_have_each_of_its_shapes(place: Place, text: str) -> None:
    place.write(text, "hooks/a.yaml")
    assert [hook.name for hook in place.load(SOURCES + "webhooksDir: hooks\n").settings.webhooks] == ["a"]


def test_a_file_of_several_documents_holds_several_webhooks(place: Place) -> None:
    place.write("name: b\nurl: https://b.example/\n---\n- name: a\n  url: https://a.example/\n", "hooks/x.yaml")
    assert [hook.name for hook in place.load(SOURCES + "webhooksDir: hooks\n").settings.webhooks] == ["b", "a"]


def test_links_in_a_circle_and_pipes_in_a_folder_neither_break_nor_hold_up_the_reading(place: Place) -> None:
    place.write("name: a\nurl: https://a.example/\n", "hooks/a.yaml")
    os.mkfifo(place.folder / "hooks" / "pipe.yaml")
    assert [hook.name for hook in place.load(SOURCES + "webhooksDir: hooks\n").settings.webhooks] == ["a"]
    (place.folder / "hooks" / "round.yaml").symlink_to("round.yaml")
    [problem] = place.problems(SOURCES + "webhooksDir: hooks\n")
    assert problem.startswith("hooks/round.yaml: cannot be read")


def test_webhooks_come_from_the_file_and_then_from_the_folder_by_file_name(place: Place) -> None:
    for name in ("z", "a"):
        place.write(f"name: {name}\nurl: https://{name}.example/\n", f"hooks/{name}.yaml")
    loaded = place.load(place.hook("level: low", "webhooksDir: hooks\n"))
    assert [hook.name for hook in loaded.settings.webhooks] == ["siem", "a", "z"]
    assert [file.name for file in loaded.files] == ["forwarder.yaml", "a.yaml", "z.yaml"]
    assert loaded.watched == (place.folder / "forwarder.yaml", place.folder / "hooks")


def test_the_same_name_in_two_files_is_refused_in_both_places(place: Place) -> None:
    place.write("name: siem\nurl: https://b.example/\n", "hooks/a.yaml")
    problems = place.problems(place.hook("level: low", "webhooksDir: hooks\n"))
    assert [problem.split(": ")[0] for problem in problems] == ["forwarder.yaml:4:5", "hooks/a.yaml:1:1"]


def test_a_configmap_folder_is_read_through_its_links_once(place: Place) -> None:
    data = place.folder / "hooks" / "..2026_01"
    place.write("name: a\nurl: https://a.example/\n", "hooks/..2026_01/a.yaml")
    place.write("not a webhook", "hooks/README.md")
    place.write("not: a webhook", "hooks/.hidden.yaml")
    (place.folder / "hooks" / "..data").symlink_to(data, target_is_directory=True)
    (place.folder / "hooks" / "a.yaml").symlink_to(Path("..data") / "a.yaml")
    (place.folder / "hooks" / "loop").symlink_to(place.folder / "hooks", target_is_directory=True)
    loaded = place.load(SOURCES + "webhooksDir: hooks\n")
    assert [file.name for file in loaded.files] == ["forwarder.yaml", "a.yaml"]


def test_the_configuration_is_no_webhook_of_its_own_folder(place: Place) -> None:
    assert place.load(place.hook("level: low", "webhooksDir: .\n")).settings.webhooks[0].name == "siem"


def test_a_missing_folder_is_said_where_it_is_named(place: Place) -> None:
    assert place.problems(SOURCES + "webhooksDir: nope\n") == ["forwarder.yaml:2:1: webhooksDir: nope: no such folder"]


def test_a_dangling_link_in_the_folder_is_said(place: Place) -> None:
    (place.folder / "hooks").mkdir()
    (place.folder / "hooks" / "a.yaml").symlink_to("gone.yaml")
    assert place.problems(SOURCES + "webhooksDir: hooks\n") == [
        "hooks/a.yaml: cannot be read: No such file or directory"
    ]


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file or directory"):
        load(tmp_path / "nope.yaml", {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sources: is missing, and required"),
        ("just text", "a mapping is expected"),
        ("sources: []\n", "sources: entries needed, at least: 1"),
        (SOURCES + "---\n" + SOURCES, "a second YAML document"),
        (SOURCES + "webhooks: text\n", "a webhook is expected here"),
        (SOURCES + "webhooks: [text]\n", "a webhook is expected here"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(place: Place, text: str, said: str) -> None:
    assert any(said in problem for problem in place.problems(text))


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(place: Place) -> None:
    path = place.write("")
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigurationError, match=r"forwarder.yaml:2:1: is not UTF-8 text"):
        load(path, {})


def test_a_huge_file_is_refused_unread(place: Place) -> None:
    assert place.problems("# " + "x" * 10_000_000)[0] == "forwarder.yaml: is larger than 4 MiB; split it"


def test_a_byte_order_mark_is_no_mistake(place: Place) -> None:
    assert place.load("\ufeff" + place.hook("level: low")).settings.webhooks[0].level == 2


def test_json_is_read_too(place: Place) -> None:
    path = place.write(
        '{"sources": [{"topic": "t"}], "webhooks": [{"name": "a", "url": "https://a.example/"}]}', "c.json"
    )
    assert load(path, {}).settings.webhooks[0].name == "a"


def test_no_webhook_at_all_is_only_a_warning(place: Place) -> None:
    (warning,) = place.load(SOURCES).warnings
    assert warning.endswith("webhooks: no webhook is configured: events are read and go nowhere")


def test_loading_twice_gives_the_same(place: Place) -> None:
    text = place.hook("concurrency: 2\nhttpHeaders: {X-A: b}")
    assert place.load(text) == place.load(text)


def test_a_fingerprint_changes_with_any_field_and_with_no_other_webhook(place: Place) -> None:
    extra = "  - {name: other, url: 'https://o.example/'}\n"
    first = place.load(place.hook("httpHeaders: {X-A: b}") + extra).fingerprints
    second = place.load(place.hook("httpHeaders: {X-A: c}") + extra).fingerprints
    assert first["siem"] != second["siem"]
    assert first["other"] == second["other"]


def test_upper_layers_add_checks_that_name_a_webhook_and_a_field(place: Place) -> None:
    def check(settings: Settings) -> Iterator[Finding]:
        for hook in settings.webhooks:
            yield Finding(("rules", 0, "filter"), "no CEL", hook.name)

    path = place.write(place.hook("rules:\n  - name: a\n    filter: '('"))
    with pytest.raises(ConfigurationError, match=r"forwarder.yaml:7:9: webhooks\[siem\].rules\[0\].filter: no CEL"):
        load(path, {}, [check])


def test_a_file_that_cannot_be_read_lacks_nothing_besides(place: Place) -> None:
    [problem] = place.problems("{{{{")
    assert "not valid YAML" in problem
    with pytest.raises(ConfigurationError) as caught:
        load(place.folder / "nowhere.yaml", {})
    assert caught.value.problems == [f"{place.folder}/nowhere.yaml: cannot be read: No such file or directory"]
