"""Which clauses an event satisfies, by topic, tenant, severity and type, without looking at the others. Holds no filter.

Each axis answers with the set of clauses that it lets pass, as a bit mask; an event's clauses are the axes joined with `&`.
So a look-up costs a few dictionary accesses and joins of (clauses / 8) bytes, then work for what is left: the matches.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_

from forwarder.model.event import Event
from forwarder.route import glob
from forwarder.route.clauses import Clause, Types
from forwarder.route.level import SEVERITIES, reaches, reaching
from forwarder.route.mask import mask_of

BySeverity = tuple[int, ...]
"""One mask for each of SEVERITIES."""


class NameAxis:
    """Exact names: a topic or a tenant. A clause that names none takes any."""

    def __init__(self, wanted: Sequence[frozenset[str] | None]) -> None:
        size = len(wanted)
        by_name: dict[str, list[int]] = defaultdict(list)
        for clause, names in enumerate(wanted):
            for name in names or ():
                by_name[name].append(clause)
        self._any = mask_of((clause for clause, names in enumerate(wanted) if names is None), size)
        self._named = {name: mask_of(clauses, size) | self._any for name, clauses in by_name.items()}

    def passing(self, name: str) -> int:
        """The clauses that take `name`."""
        return self._named.get(name, self._any)


class TypeAxis:
    """Event types by exact name, by beginning, by end, and the remaining globs under their literal beginning.

    `tried` counts the expressions that look-ups had to run, for tests of the cost.
    """

    def __init__(self, wanted: Sequence[tuple[Types, int | None]]) -> None:
        self.tried = 0
        self._size = len(wanted)
        self._excluding = mask_of((n for n, (types, _) in enumerate(wanted) if types.excluding), self._size)
        self._exact: dict[str, BySeverity] = {}
        self._prefixes: dict[int, dict[str, BySeverity]] = defaultdict(dict)
        self._suffixes: dict[int, dict[str, BySeverity]] = defaultdict(dict)
        self._wild: dict[int, dict[str, list[tuple[re.Pattern[str], BySeverity]]]] = defaultdict(dict)
        for pattern, entries in _by_pattern(wanted).items():
            self._add(glob.parse(pattern), _rows(entries, self._size))

    def passing(self, name: str, severity: int) -> int:
        """The clauses that take an event of type `name` with this severity (0..6)."""
        return self._listed(name, severity) ^ self._excluding

    def _add(self, pattern: glob.Glob, rows: BySeverity) -> None:
        match pattern:
            case glob.Exact(text):
                self._exact[text] = rows
            case glob.Prefix(text):
                self._prefixes[len(text)][text] = rows
            case glob.Suffix(text):
                self._suffixes[len(text)][text] = rows
            case glob.Wild(prefix, regex):
                self._wild[len(prefix)].setdefault(prefix, []).append((regex, rows))

    def _listed(self, name: str, severity: int) -> int:
        found = 0
        length = len(name)
        if rows := self._exact.get(name):
            found |= rows[severity]
        for size, table in self._prefixes.items():
            if size <= length and (rows := table.get(name[:size])):
                found |= rows[severity]
        for size, table in self._suffixes.items():
            if size <= length and (rows := table.get(name[length - size :])):
                found |= rows[severity]
        for size, patterns in self._wild.items():
            if size <= length and (tries := patterns.get(name[:size])):
                self.tried += len(tries)
                for regex, rows in tries:
                    found |= rows[severity] if regex.match(name) else 0
        return found


class Index:
    """All axes over one list of clauses. A clause is known by its place in that list."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        size = len(clauses)
        self._topics = NameAxis([clause.topics for clause in clauses])
        self._tenants = NameAxis([clause.tenants for clause in clauses])
        self._types = TypeAxis([(clause.types, clause.missing) for clause in clauses])
        self._rule_types = TypeAxis([(clause.rule_types, clause.missing) for clause in clauses])
        self._levels = tuple(
            mask_of((n for n, c in enumerate(clauses) if reaches(severity, c.level, c.missing)), size)
            for severity in SEVERITIES
        )

    @property
    def tried(self) -> int:
        """Expressions run so far."""
        return self._types.tried + self._rule_types.tried

    def find(self, event: Event) -> int:
        """The clauses that hold for the event, as a mask. A severity outside 0..6 counts as the nearest."""
        severity = min(max(event.severity, SEVERITIES[0]), SEVERITIES[-1])
        found = self._levels[severity] & self._topics.passing(event.tp.topic) & self._tenants.passing(event.tenant)
        if found:
            found &= self._types.passing(event.type, severity)
        return found and found & self._rule_types.passing(event.type, severity)


def _by_pattern(wanted: Sequence[tuple[Types, int | None]]) -> Mapping[str, list[tuple[int, tuple[bool, ...]]]]:
    entries: dict[str, list[tuple[int, tuple[bool, ...]]]] = defaultdict(list)
    for clause, (types, missing) in enumerate(wanted):
        for listed in types.listed:
            entries[listed.pattern].append((clause, reaching(listed.level, missing)))
    return entries


def _rows(entries: Iterable[tuple[int, tuple[bool, ...]]], size: int) -> BySeverity:
    """The masks of one pattern. Most lists have no level: then all severities share one mask."""
    clauses: dict[tuple[bool, ...], list[int]] = defaultdict(list)
    for clause, passing in entries:
        clauses[passing].append(clause)
    masks = {passing: mask_of(members, size) for passing, members in clauses.items()}
    return tuple(_union([mask for passing, mask in masks.items() if passing[severity]]) for severity in SEVERITIES)


def _union(masks: Sequence[int]) -> int:
    return masks[0] if len(masks) == 1 else reduce(or_, masks, 0)
