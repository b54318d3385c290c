"""Mistakes in a CEL text that can be told without an event: syntax, unknown names, fields and functions, wrong types.

Finds and words problems; decides about no event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import cel

from forwarder.model.event import TP, Event
from forwarder.route.patterns import MAX_STATES, states
from forwarder.route.scan import (
    MACROS,
    Kind,
    Reference,
    Token,
    bound_names,
    calls_with_literal,
    is_call,
    macro_depth,
    references,
    tokens,
)
from forwarder.route.view import FIELDS, ROOTS, look

MAX_FILTER_BYTES = 4096
"""Longest filter. Together with MAX_MACRO_DEPTH it bounds what evaluating one may cost."""
MAX_MACRO_DEPTH = 2

FUNCTIONS = MACROS | {
    *("has", "size", "contains", "startsWith", "endsWith", "matches"),
    *("int", "uint", "double", "string", "bytes", "dyn", "type", "timestamp", "duration"),
    *("getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
}
"""What the CEL library knows, macros included."""

_TYPES = frozenset(("int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"))
_SYNTAX = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")
_SPOKEN = {"and": "&&", "or": "||", "not": "!", "=": "==", "is": "=="}
_LITERAL_TRIALS = {"matches": '"".matches({0})', "timestamp": "timestamp({0})", "duration": "duration({0})"}
_SAMPLE = Event(
    tp=TP("sample", 0),
    offset=0,
    timestamp_ms=0,
    key=b"sample",
    value=b"{}",
    headers=(),
    id="sample",
    type="sample",
    when=1,
    severity=4,
    tenant="sample",
    size=2,
)


def check_filter(text: str) -> str | None:
    """The first mistake in `text` as `line:column: what is wrong`, or None when it may be used as a filter."""
    if not text.strip():
        return "a filter must not be empty; leave it out to take every event"
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_FILTER_BYTES:
        return f"a filter may have {MAX_FILTER_BYTES} bytes; this one has {size}"
    try:
        program = cel.compile(text)
    except Exception as error:
        return _syntax_problem(str(error), text)
    line = tokens(text)
    problems = (
        *_depth_problem(line),
        *_function_problems(text, line, program.functions()),
        *_name_problems(text, line),
        *_rooted_problems(program.variables()),
        *_literal_problems(text, line),
        *_pattern_problems(text, line),
    )
    return problems[0] if problems else _type_problem(program, line)


def _syntax_problem(error: str, text: str) -> str:
    found = _SYNTAX.search(error)
    if not found:
        return "not a CEL expression: " + " ".join(error.split())[-200:]
    row, column, said = int(found[1]), int(found[2]), found[3]
    if "Recursion limit" in said:
        return f"{row}:{column}: parentheses lie too deep"
    said = re.sub(r"'<EOF>'", "the end", re.sub(r" expecting \{.*", "", said))
    rest = text.split("\n")[row - 1][column - 1 :] if row <= text.count("\n") + 1 else ""
    word = re.match(r"=(?!=)|[a-z]+", rest)
    hint = f"; write {_SPOKEN[word[0]]} instead of {word[0]}" if word and word[0] in _SPOKEN else ""
    return f"{row}:{column}: {said}{hint}"


def _depth_problem(line: list[Token]) -> Iterator[str]:
    depth = macro_depth(line)
    if depth > MAX_MACRO_DEPTH:
        yield f"1:1: all, exists, map and filter may lie {MAX_MACRO_DEPTH} deep; here they lie {depth} deep"


def _name_problems(text: str, line: list[Token]) -> Iterator[str]:
    bound = list(bound_names(line))
    for token in bound:
        if token.text in ROOTS:
            yield f"{_place(text, token.at)}: the name {token.text} is taken; call the element something else"
    known = {*ROOTS, *_TYPES, *(token.text for token in bound)}
    for reference in references(line):
        if reference.root not in known:
            near = _near(reference.root, (*ROOTS, *(token.text for token in bound)))
            yield f"{_place(text, reference.at)}: unknown name {reference.root}{near}; there are {', '.join(ROOTS)}"
        elif reference.root == "event" and reference.path and reference.path[0] not in FIELDS:
            yield _field_problem(text, reference)


def _field_problem(text: str, reference: Reference) -> str:
    field = reference.path[0]
    place = _place(text, reference.at)
    return f"{place}: unknown field event.{field}{_near(field, FIELDS)}; there are {', '.join(FIELDS)}"


def _rooted_problems(variables: Iterable[str]) -> Iterator[str]:
    for name in variables:
        if name.startswith("."):
            yield f"1:1: write {name[1:]} without the leading dot"


def _function_problems(text: str, line: list[Token], used: Iterable[str]) -> Iterator[str]:
    for name in used:
        if name.isidentifier() and not name.startswith("_") and name not in FUNCTIONS:
            at = next((token.at for token in line if token.text == name), 0)
            yield f"{_place(text, at)}: unknown function {name}{_near(name, FUNCTIONS)}"


def _literal_problems(text: str, line: list[Token]) -> Iterator[str]:
    """Patterns, times and durations written in the text: wrong once is wrong for every event."""
    for name, argument in calls_with_literal(line):
        trial = _LITERAL_TRIALS.get(name.text)
        if trial is None:
            continue
        try:
            cel.compile(trial.format(argument.text)).execute({})
        except Exception as error:
            said = " ".join(str(error).split()).removesuffix(" Check function arguments and their types.")
            yield f"{_place(text, argument.at)}: {said[:200]}"


def _pattern_problems(text: str, line: list[Token]) -> Iterator[str]:
    """Patterns that could hold up all other events: too costly, or not known before the record comes."""
    written = {name.at: argument for name, argument in calls_with_literal(line) if name.text == "matches"}
    for index, token in enumerate(line):
        if token.kind is not Kind.NAME or token.text != "matches" or not is_call(line, index):
            continue
        if token.at not in written:
            said = "write TEXT.matches('pattern') with the pattern in quotes: one that comes with the record could be hostile"
            yield f"{_place(text, token.at)}: {said}"
            continue
        argument = written[token.at]
        size = states(str(cel.compile(argument.text).execute({})))
        if size > MAX_STATES:
            said = f"the pattern has {size} states, repeats written out; {MAX_STATES} are allowed. Shorten the {{n,m}} in it"
            yield f"{_place(text, argument.at)}: {said}"


def _type_problem(program: cel.Program, line: list[Token]) -> str | None:
    """Tries the expression on a sample. What `data` holds is known at run time only, so those that use it pass."""
    roots = {reference.root for reference in references(line) if reference.root in ROOTS}
    if "data" in roots:
        return None
    try:
        result = program.execute(look(_SAMPLE, {root: {} for root in roots}).context)
    except TypeError:
        return "1:1: compares or combines values of types that do not fit together (event.severity is a number 0..6)"
    except Exception:
        return None
    if isinstance(result, bool):
        return None
    return f"1:1: a filter must give true or false; this one gives a {type(result).__name__}"


def _place(text: str, at: int) -> str:
    before = text[:at]
    return f"{before.count(chr(10)) + 1}:{at - before.rfind(chr(10))}"


def _near(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f", did you mean {close[0]}?" if close else ""
