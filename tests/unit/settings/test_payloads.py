"""Payload formats in the configuration: what is said about unknown ones, wrong options and users' own providers."""

from __future__ import annotations

import json

import pytest

from forwarder.deliver.payload.registry import provider_of
from forwarder.settings.reload import diff
from tests.unit.deliver.make import event
from tests.unit.settings.place import Place

OWN = """
providers:
  my-siem:
    title: Our SIEM
    documents: [the SIEM's own manual]
    batch: array
    severity: [u, i, l, m, h, c, f]
    options:
      index: {required: "true", meaning: where to}
      who: {default: user.name, meaning: path of the user}
      limit: {type: number, default: "5", meaning: how much}
    body: {index: $option.index, user: $at.who, limit: $option.limit, level: $severity, data: $data}
"""
HOOK = "payload: {format: my-siem, index: main}"


def test_a_provider_of_the_users_own_renders(place: Place) -> None:
    loaded = place.load(place.hook(HOOK, OWN.lstrip()))
    body = provider_of(loaded.settings.webhooks[0].payload, "c").render([event(b'{"user":{"name":"ada"}}')])
    expected = {"index": "main", "user": "ada", "limit": 5, "level": "m", "data": {"user": {"name": "ada"}}}
    assert json.loads(body.content) == [expected]


def test_providers_may_lie_in_a_folder_one_file_each(place: Place) -> None:
    place.write("title: T\ndocuments: [d]\nbody: {a: $data}\n", "own/plain.yaml")
    loaded = place.load(place.hook("payload: {format: plain}", "providersDir: own\n"))
    body = provider_of(loaded.settings.webhooks[0].payload, "c").render([event(b"1")])
    assert body.content == b'[{"a":1}]'
    assert place.folder / "own" in loaded.watched


def test_a_mistake_in_a_providers_file_names_that_file(place: Place) -> None:
    place.write("title: T\ndocuments: [d]\nbody:\n  a: $dta\n", "own/plain.yaml")
    said = place.problems(place.hook("payload: {format: plain}", "providersDir: own\n"))
    assert said == [
        "own/plain.yaml:4:3: providers.plain.body.a: no part of an event is called `dta` (did you mean `data`?)"
    ]


def test_a_provider_that_is_there_twice_is_refused(place: Place) -> None:
    place.write("title: T\ndocuments: [d]\nbody: $data\n", "own/my-siem.yaml")
    said = place.problems(place.hook(HOOK, OWN.lstrip() + "providersDir: own\n"))
    assert len(said) == 1 and "own/my-siem.yaml:1:1: the provider 'my-siem' is here and at " in said[0]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{format: jso}", "payload.format: no payload format is called 'jso' (did you mean `json`?); known: "),
        ("{format: my-seim}", "payload.format: no payload format is called 'my-seim' (did you mean `my-siem`?)"),
        ("{format: zzz}", "template, my-siem; your own go under `providers`"),
        ("{format: my-siem}", "payload.index: is missing, and required"),
        ("{format: my-siem, index: a, indx: b}", "payload.indx: unknown key (did you mean `index`?)"),
        ("{format: my-siem, index: a, limit: many}", "payload.limit: a number is expected ('many')"),
        ("{format: my-siem, index: a, who: '..'}", "payload.who: '..' is not a path"),
        ('{format: sumologic, category: "a\\nb"}', "payload.category: goes into a header"),
        ("{format: splunk, tokn: b}", "payload.tokn: unknown key (did you mean `token`?)"),
        (
            "{format: json, timestampFormt: rfc3339}",
            "payload.timestampFormt: unknown key (did you mean `timestampFormat`?)",
        ),
    ],
)
def test_a_wrong_payload_says_what_is_allowed(place: Place, payload: str, said: str) -> None:
    problems = place.problems(place.hook(f"payload: {payload}", OWN.lstrip()))
    assert len(problems) == 1 and said in problems[0], problems
    assert problems[0].startswith("forwarder.yaml:16:")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("body: {a: $nope}", "body.a: no part of an event is called `nope`; known: id, identity"),
        ("body: {a: [x, '$(id|cutt:3)']}", "body.a[1]: no filter is called `cutt` (did you mean `cut`?)"),
        ("body: {a: $id|cut}", "body.a: `cut` needs a number above zero"),
        ("body: {a: $id|cut:0}", "body.a: `cut` needs a number above zero"),
        ("body: {a: $id|upper:3}", "body.a: `upper` takes no argument"),
        ("body: {a: $id|or:idd}", "body.a: no part of an event is called `idd`"),
        ("body: {a: $option.b}", "body.a: no option is called `b`"),
        ("body: {a: $id and more}", "body.a: a value that starts with $ is one part of the event"),
        ("body: {a: 'see $(id'}", "body.a: $( must be followed by a part of the event and )"),
        ("body: {a: $events}", "body.a: `$events` belongs into `around`"),
        ("body: {a: $number:x}", "body.a: $number: must be followed by a number"),
        ("body: $id|map:words", "body: `map` needs the name of an option of type names, not `words`"),
        ("batch: envelope\nbody: $data", "around: `batch: envelope` needs the tree around all events"),
        ("batch: envelope\nbody: $data\naround: {e: $events, t: $type}", "around.t: `type` is a part of one event"),
        ("batch: envelope\nbody: $data\naround: [$events, '$(events)']", "around[1]: `$events` stands alone"),
        ("batch: envelope\nbody: $data\naround: {a: {$text: $events}}", "around.a.$text: `$events` stands alone"),
        ("batch: envelope\nbody: $data\naround: {e: $events, o: $at.x}", "around.o: `at` is a part of one event"),
        ("around: {e: $events}\nbody: $data", "around: has no effect with `batch: array`"),
        ("batch: digest\nbody: $data", "batch: a digest needs code"),
        ("title: X", "body: is missing, and required"),
        ("severity: [a, b]\nbody: $data", "severity: seven words are expected"),
        ("status: {4x: retry}\nbody: $data", "status.4x: a status is expected"),
        ("headers: {X-A: $option.t}\nbody: $data", "headers.X-A: no option is called `t`"),
        ("headers: {Host: x}\nbody: $data", "headers.Host: this header belongs to the connection"),
        (
            "headers: {X-A: $option.t}\noptions: {t: {type: secret, meaning: m}}\nbody: $data",
            "headers.X-A: a secret goes into",
        ),
        ("path: v1\nbody: $data", "path: a path is expected"),
        ("contentType: json\nbody: $data", "contentType: a media type is expected"),
        ("auth: {option: t}\nbody: $data", "auth.option: `t` must be one of `options`, of type secret"),
        ("options: {json: {meaning: m}}\nbody: $data", "options.json: is a name that every payload has already"),
        (
            "options: {a: {type: number, default: x, meaning: m}}\nbody: $data",
            "options.a.default: a number is expected",
        ),
        ("caps: {maxByts: 1}\nbody: $data", "caps.maxByts: unknown key (did you mean `maxBytes`?)"),
    ],
)
def test_a_wrong_provider_is_refused_in_its_place(place: Place, line: str, said: str) -> None:
    own = "providers:\n  own:\n    documents: [d]\n" + "".join(f"    {part}\n" for part in line.splitlines())
    own += "" if "title" in line else "    title: T\n"
    problems = place.problems(place.hook("payload: {format: own}", own))
    assert len(problems) == 1 and f"providers.own.{said}" in problems[0], problems
    assert problems[0].startswith("forwarder.yaml:")


def test_a_built_in_name_cannot_be_taken(place: Place) -> None:
    said = place.problems(place.hook("maxEvents: 5", "providers: {json: {title: T, documents: [d], body: $data}}\n"))
    assert said == ["forwarder.yaml:2:13: providers.json: 'json' is built in; choose another name"]


def test_a_provider_is_compared_by_its_facts(place: Place) -> None:
    first = place.load(place.hook(HOOK, OWN.lstrip()))
    again = place.load(place.hook(HOOK, OWN.lstrip()))
    other = place.load(place.hook(HOOK, OWN.lstrip().replace("[u, i,", "[u, x,")))
    assert diff(first.settings, again.settings).empty
    changed = diff(first.settings, other.settings)
    assert set(changed.changed) == {"siem"} and not changed.restart
    assert first.fingerprints == again.fingerprints
    assert first.fingerprints != other.fingerprints


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{format: pagerduty, routingKey: hunter2}", "payload.routingKey: a mapping of keys is expected, such as"),
        ("{format: own, pin: hunter2}", "payload.pin: a mapping of keys is expected, such as"),
        (
            '{format: own, pin: {"@type": Value, secrt: hunter2}}',
            "payload.pin.secrt: unknown key (did you mean `secret`?)",
        ),
        ('{format: datadog, apiKey: {"@type": Value, secrt: hunter2}}', "payload.apiKey.secrt: unknown key"),
    ],
)
def test_a_secret_in_the_wrong_form_is_not_shown(place: Place, payload: str, said: str) -> None:
    own = "providers: {own: {title: T, documents: [d], body: $data, options: {pin: {type: secret, meaning: m}}}}\n"
    problems = place.problems(place.hook(f"payload: {payload}", own))
    assert any(f"webhooks[siem].{said}" in problem for problem in problems), problems
    assert all("hunter2" not in problem for problem in problems)
