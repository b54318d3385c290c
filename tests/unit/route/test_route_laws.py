"""Two laws: the index is the brute-force filter, and the explanation is the router's decision."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from forwarder.model.event import Event
from forwarder.route.explain import explain
from forwarder.route.filters import ask, compile_filter
from forwarder.route.router import Router
from forwarder.route.view import look
from forwarder.settings.process import EventSet, Tenant
from forwarder.settings.webhook import Rule, Webhook
from tests.unit.route.examples import event, webhook


class Trouble(Exception):
    """A filter that cannot be evaluated."""


def count_above_three(data: Any) -> bool:
    if "count" not in data:
        return False
    if isinstance(data["count"], str):
        raise Trouble
    return bool(data["count"] > 3)


def count_plus_fraction(data: Any) -> bool:
    if "count" not in data:
        return False
    if not isinstance(data["count"], float):
        raise Trouble
    return bool(data["count"] + 1.5 > 4.0)


FILTERS = {
    'event.type == "auth.login"': lambda e, d: e.type == "auth.login",
    "event.severity >= 4": lambda e, d: e.severity >= 4,
    'event.tenant.startsWith("acme") && event.topic != "orders"': lambda e, d: (
        e.tenant.startswith("acme") and e.tp.topic != "orders"
    ),
    "10 / event.severity > 2": lambda e, d: bool(10 // e.severity > 2) if e.severity else _raise(),
    'data.user == "root"': lambda e, d: d.get("user") == "root",
    "has(data.user)": lambda e, d: "user" in d,
    "data.count > 3": lambda e, d: count_above_three(d),
    "data.count + 1.5 > 4.0": lambda e, d: count_plus_fraction(d),
    'event.type == "net.flow" || data.user == "bob"': lambda e, d: e.type == "net.flow" or d.get("user") == "bob",
    "true": lambda e, d: True,
    "data.user": lambda e, d: _raise() if "user" in d else False,
}


def _raise() -> bool:
    raise Trouble


TYPES = ["auth.login", "auth.logout", "login.failed", "net.flow", "net.dns.query", "Auth.login", "", "x[1]"]
PATTERNS = [
    *TYPES,
    "auth.*",
    "*",
    "*.failed",
    "net.*.query",
    "?et.flow",
    "[al]*.log*",
    "*og*",
    "net.",
    "auth.*n",
    "[!a]*",
]
TENANTS = ["acme", "acme-eu", "acme-eu-1", "globex", "initech", ""]
TOPICS = ["audit", "orders", "net"]
SETS = {
    "identity": EventSet(events=("auth.*", "login.failed")),
    "loud": EventSet(events=("net.*", "auth.login"), level=4),
    "louder": EventSet(events=("net.flow", "*"), level=5),
    "empty": EventSet(),
}
TREES: list[dict[str, Tenant]] = [
    {},
    {"acme": Tenant(children=("acme-eu",)), "acme-eu": Tenant(children=("acme-eu-1", "acme"))},
    {"globex": Tenant(children=("globex", "initech"))},
]


def some(values: list[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most).map(tuple)


T = TypeVar("T")


def seldom(default: T, values: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Mostly the default: if every condition were drawn each time, hardly any event would reach the last one."""
    return st.integers(0, 2).flatmap(lambda n: values if n == 0 else st.just(default))


levels = st.integers(0, 6)
rules = st.builds(
    Rule,
    name=st.just("r"),
    events=seldom((), some(PATTERNS)),
    event_sets=seldom((), some(list(SETS), 2)),
    tenants=seldom((), some(TENANTS, 2)),
    level=seldom(0, levels),
    filter=st.none() | st.sampled_from(list(FILTERS)),
)
webhooks = st.builds(
    lambda **fields: webhook().model_copy(update=fields),
    enable=st.booleans(),
    sources=seldom((), some(TOPICS, 2)),
    tenants=seldom((), some(TENANTS, 2)),
    include_children=st.booleans(),
    events=seldom((), some(PATTERNS)),
    events_policy=seldom("exclude", st.just("include")),
    event_sets=seldom((), some(list(SETS), 2)),
    rules=st.lists(rules, max_size=3).map(tuple),
    level=seldom(0, levels),
    treat_missing_severity_as=st.none() | levels,
    filter=seldom(None, st.sampled_from(list(FILTERS))),
    on_filter_error=st.sampled_from(["noMatch", "match", "deadLetter"]),
)
events = st.builds(
    event,
    st.sampled_from(TYPES),
    severity=levels,
    tenant=st.sampled_from(TENANTS),
    topic=st.sampled_from(TOPICS),
    data=st.fixed_dictionaries(
        {}, optional={"user": st.sampled_from(["root", "bob"]), "count": st.sampled_from([1, 5, 5.5, "x"])}
    ),
)


class BruteForce:
    """A webhook's answer to one event, told from the meaning of the settings, condition by condition."""

    def __init__(self, hook: Webhook, seen: Event, tree: Mapping[str, Tenant]) -> None:
        self.hook, self.seen, self.tree = hook, seen, tree
        self.data = msgspec.json.decode(seen.value or b"null")

    def decide(self) -> tuple[bool, bool]:
        """(wanted, an error decided it)."""
        ruled = [self.by_rule(rule) for rule in self.hook.rules] or [True]
        parts = [True if True in ruled else None if None in ruled else False, self.by(self.hook.filter)]
        if not self.cheap() or False in parts:
            return False, False
        if None in parts:
            return self.hook.on_filter_error == "match", True
        return True, False

    def cheap(self) -> bool:
        hook = self.hook
        on_list = self.listed(hook.events, hook.event_sets)
        if hook.sources and self.seen.tp.topic not in hook.sources:
            return False
        if not self.of_tenants(hook.tenants) or not self.reaches(hook.level):
            return False
        return on_list if hook.events_policy == "include" else not on_list

    def by_rule(self, rule: Rule) -> bool | None:
        cheap = self.of_tenants(rule.tenants) and self.reaches(rule.level)
        if rule.events or rule.event_sets:
            cheap = cheap and self.listed(rule.events, rule.event_sets)
        return self.by(rule.filter) if cheap else False

    def by(self, text: str | None) -> bool | None:
        try:
            return True if text is None else FILTERS[text](self.seen, self.data)
        except Trouble:
            return None

    def reaches(self, level: int) -> bool:
        if self.seen.severity:
            return self.seen.severity >= level
        return self.hook.treat_missing_severity_as is None or self.hook.treat_missing_severity_as >= level

    def listed(self, patterns: tuple[str, ...], sets: tuple[str, ...]) -> bool:
        counting = [SETS[name].events for name in sets if self.reaches(SETS[name].level)]
        return any(fnmatch.fnmatchcase(self.seen.type, p) for group in (patterns, *counting) for p in group)

    def of_tenants(self, names: tuple[str, ...]) -> bool:
        if self.hook.include_children:
            return not names or any(self.seen.tenant in self.family(name, set()) for name in names)
        return not names or self.seen.tenant in names

    def family(self, name: str, known: set[str]) -> set[str]:
        known = known | {name}
        for child in self.tree[name].children if name in self.tree else ():
            known |= set() if child in known else self.family(child, known)
        return known


@settings(max_examples=400, deadline=None)
@given(st.lists(webhooks, max_size=6), st.lists(events, min_size=1, max_size=6), st.sampled_from(TREES))
def test_the_index_is_the_brute_force_filter(hooks: list[Webhook], seen: list[Event], tree: dict[str, Tenant]) -> None:
    errors: list[int] = []
    router = Router(
        list(zip(hooks, range(len(hooks)), strict=True)),
        event_sets=SETS,
        tenants=tree,
        on_filter_error=lambda target, hook, event, text: errors.append(target),
    )
    for one in [*seen, *seen]:
        errors.clear()
        expected = [BruteForce(hook, one, tree).decide() for hook in hooks]
        assert list(router.match(one)) == [n for n, (wanted, _) in enumerate(expected) if wanted]
        assert errors == [n for n, (_, failed) in enumerate(expected) if failed]


@settings(max_examples=400, deadline=None)
@given(st.lists(webhooks, max_size=4), events, st.sampled_from(TREES))
def test_the_explanation_is_the_routers_decision(hooks: list[Webhook], seen: Event, tree: dict[str, Tenant]) -> None:
    router = Router(list(zip(hooks, range(len(hooks)), strict=True)), event_sets=SETS, tenants=tree)
    told = explain(seen, hooks, event_sets=SETS, tenants=tree)
    assert [n for n, one in enumerate(told) if one.matched] == list(router.match(seen))
    for one in told:
        outright = [step.passed for step in one.steps if not step.check.startswith("rule ")]
        assert (
            (False not in outright and None not in outright)
            or not one.matched
            or one.steps[-1].check == "onFilterError"
        )


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["x", "a"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    def path() -> str:
        steps = [draw(st.sampled_from([".{0}", '["{0}"]', " . {0} ", "['{0}'] "])).format(n) for n in draw(PATHS)]
        return "data" + "".join(steps)

    forms = [
        "{0} == {1}",
        "{0} != null && {1} == 1",
        "{0} in {1}",
        "{0}.exists(q, q == {1})",
        "{0}.exists(q, q == 'd' || q == 'a')",
        "{0}.size() == 1 || {1}.size() == 2",
        "{0}.startsWith({1})",
        "{0}[0] == {1}",
        "size({0}) > 0 ? {1} : {0} == {1}",
        "type({0}) == type({1})",
        "[{0}, {1}].all(q, q == 'x') // {0}\n",
        "{{'a': {0}}}.a == {1} || 'data.d' == r'event.zz'",
        '{0}["a" + "b"] == {1}',
    ]
    text = draw(st.sampled_from(forms)).format(path(), path())
    field = draw(st.sampled_from(["a", "b", "c"]))
    return draw(st.sampled_from(["{0}", "has({1}.{2}) && {0}", "!({0})", "{0} || {1}"])).format(text, path(), field)


@settings(max_examples=600, deadline=None)
@given(expressions(), JSON)
def test_a_filter_cannot_tell_that_it_sees_only_the_fields_it_names(text: str, data: Any) -> None:
    compiled = compile_filter(text)
    seen = event(data=data) if data is not None else event(raw=b"null")
    assert ask(compiled, look(seen, compiled.needs)) == ask(compiled, look(seen, {"data": {}}))
