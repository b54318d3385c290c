"""The catalogue of event types: what it counts, what it forgets, and who it says gets them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forwarder.model.event import Unreadable
from forwarder.route.catalogue import MAX_TYPE_LENGTH, Catalogue, Seen
from forwarder.route.router import Router
from forwarder.route.takers import Gets, Takers
from forwarder.route.titles import Titles
from forwarder.settings.process import EventSet, Settings
from tests.unit.route.examples import event, webhook


def rows(catalogue: Catalogue) -> dict[tuple[str, str | None], tuple[int, float, float]]:
    return {(one.topic, one.type): (one.count, one.first, one.last) for one in catalogue.seen()}


def test_types_are_counted_per_topic_with_first_and_last() -> None:
    catalogue = Catalogue()
    catalogue.note("audit", [event("a"), event("b"), event("a")], 10.0)
    catalogue.note("audit", [event("a")], 20.0)
    catalogue.note("other", [event("a")], 15.0)
    assert rows(catalogue) == {
        ("audit", "a"): (3, 10.0, 20.0), ("audit", "b"): (1, 10.0, 10.0), ("other", "a"): (1, 15.0, 15.0),
    }  # fmt: skip


def test_an_event_without_type_counts_and_a_record_nobody_can_read_does_not() -> None:
    catalogue = Catalogue()
    catalogue.note("audit", [event(""), event("", problem=Unreadable.NOT_JSON)], 1.0)
    assert rows(catalogue) == {("audit", ""): (1, 1.0, 1.0)}
    catalogue.note("bad", [event("", problem=Unreadable.NOT_JSON)], 1.0)
    assert ("bad", "") not in rows(catalogue)


def test_types_beyond_the_bound_and_too_long_ones_are_counted_together() -> None:
    catalogue = Catalogue(max_types=2)
    catalogue.note("audit", [event(kind) for kind in ("a", "b", "c", "d", "a", "x" * (MAX_TYPE_LENGTH + 1))], 5.0)
    assert rows(catalogue) == {
        ("audit", "a"): (2, 5.0, 5.0),
        ("audit", "b"): (1, 5.0, 5.0),
        ("audit", None): (3, 5.0, 5.0),
    }
    catalogue.shape(event("z"))
    assert catalogue.seen()[-1].shapes == ()


@given(st.lists(st.sampled_from("abcdefg"), max_size=60), st.integers(0, 5))
def test_no_event_is_counted_twice_or_lost_whatever_the_bound(kinds: list[str], bound: int) -> None:
    catalogue = Catalogue(max_types=bound)
    for start in range(0, len(kinds), 7):
        catalogue.note("t", [event(kind) for kind in kinds[start : start + 7]], 1.0)
    assert sum(one.count for one in catalogue.seen()) == len(kinds)
    assert len([one for one in catalogue.seen() if one.type is not None]) <= bound


def test_shapes_are_what_the_router_meets_first_and_where_there_is_no_room_the_row_says_so() -> None:
    catalogue = Catalogue(max_shapes=5)
    router = Router([(webhook(), "siem")], event_sets={}, tenants={}, on_key=catalogue.shape)
    for number in range(30):
        seen = event("a" if number < 20 else "b", tenant=f"t{number % 4}")
        catalogue.note("audit", [seen], 1.0)
        router.match(seen)
    one, two = catalogue.seen()
    assert (len(one.shapes), one.partial, len(two.shapes), two.partial) == (4, False, 1, True)


def test_of_a_type_that_is_only_partly_known_nobody_says_that_nobody_gets_it() -> None:
    (row,) = takers(hook("b", tenants=["far"])).list([Seen("audit", "a", 9, 1.0, 1.0, ((1, "near"),), partial=True)])
    assert (row.webhooks, row.nobody) == ({}, False)


def test_types_that_only_catch_up_brings_take_no_room_without_end() -> None:
    catalogue = Catalogue(max_types=10)
    for number in range(1000):
        catalogue.shape(event(f"type-{number}"))
    assert sum(len(types) for types in catalogue._shapes.values()) <= 20


def takers(*hooks: object, **rest: object) -> Takers:
    document = {"sources": [{"topic": "audit"}], "webhooks": list(hooks), **rest}
    return Takers(Settings.model_validate(document))


def hook(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "url": "https://x.example/", **fields}


def test_who_gets_a_type_is_the_routers_answer_for_every_severity_and_tenant_seen() -> None:
    asked = takers(
        hook("all"),
        hook("loud", level=5),
        hook("acme", tenants=["acme"]),
        hook("never", eventsPolicy="include", events=["b"]),
        hook("some", filter="data.n > 1"),
        hook("bykey", filter='event.severity == 5 && event.type == "a"'),
        hook("off", enable=False),
    )
    one = Seen("audit", "a", 2, 1.0, 1.0, ((2, "acme"), (5, "globex")))
    (row,) = asked.list([one])
    assert row.webhooks == {
        "all": Gets.YES, "loud": Gets.YES, "acme": Gets.YES, "some": Gets.FILTER, "bykey": Gets.YES, "off": Gets.DISABLED,
    }  # fmt: skip
    assert not row.nobody


@pytest.mark.parametrize("hooks", [[], [hook("b", eventsPolicy="include", events=["b"])], [hook("off", enable=False)]])
def test_a_type_that_nobody_gets_is_marked(hooks: list[dict[str, object]]) -> None:
    (row,) = takers(*hooks).list([Seen("audit", "a", 1, 1.0, 1.0, ((1, ""),))])
    assert row.nobody


def test_the_other_types_are_not_called_lost() -> None:
    (row,) = takers().list([Seen("audit", None, 9, 1.0, 1.0)])
    assert (row.nobody, row.webhooks, row.title) == (False, {}, "")


def test_titles_come_from_own_sets_first_named_before_matched_then_from_those_that_ship() -> None:
    titles = Titles({
        "wide": EventSet(title="Wide", events=("auth.*",)),
        "exact": EventSet(title="Exact", events=("auth.login", "site.header_change")),
        "plain": EventSet(events=("net",)),
    })  # fmt: skip
    assert [titles.of(kind) for kind in ("auth.login", "auth.x", "net", "site.header_change", "nothing")] == [
        "Exact", "Wide", "plain", "Exact", "",
    ]  # fmt: skip
    assert titles.sets("auth.login") == ("exact", "wide")
    assert titles.of("site_script.new_script") == "New Scripts"
    assert titles.of("My Solution is great") == "", "a set that ships does not claim what only its pattern matches"
