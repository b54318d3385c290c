"""How the records of one source are read: which preset, by which table of severities, with which overrides. No loop, no events.

Everything here takes its time and never loses a record; `decode` has the short way for records without surprises.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from forwarder.errors import ConfigurationError
from forwarder.model.event import Headers, Unreadable
from forwarder.model.severity import NAMES as LEVEL_NAMES
from forwarder.settings.process import Preset as UserPreset
from forwarder.settings.process import Source
from forwarder.source.overrides import Override, compile_overrides
from forwarder.source.presets import auto, cloudevents, raw, registry
from forwarder.source.presets.base import NOTHING, Body, Preset, Reading
from forwarder.source.presets.lenient import read_lenient
from forwarder.source.screen import Refused, check_bytes, check_json, is_json
from forwarder.source.severity import OCSF, Levels

Parse = Callable[[bytes], Any]
ShortWay = tuple[Parse, Callable[[Any], bool], Callable[[Any, Headers], Reading], Levels]
Interpreted = tuple[Reading, bool, Levels]
"""`(reading, whether the value is text, the levels of the preset that read it)`."""


class Reader:
    """`preset` is None for `raw`, and for `auto` until the first record that fits one."""

    def __init__(self, source: Source, presets: Mapping[str, UserPreset]) -> None:
        self.limit = source.max_record_bytes
        self._raw = source.preset == registry.RAW
        self.auto = source.preset == registry.AUTO
        self.knows_binary = self.auto or source.preset == cloudevents.PRESET.name
        self.preset: Preset | None = None
        self.parse: Parse | None = None
        own = presets.get(source.preset)
        if own is not None:
            self._use(_by_paths(source.preset))
        elif not (self._raw or self.auto):
            self._use(_built_in(source, presets))
        self._levels = _levels(source, own)
        self.override = _overrides(source, own)
        self._guesses = auto.guesses(registry.IN_ORDER) if self.auto else {}
        self._everything = auto.everything(registry.IN_ORDER)
        self._parse_everything = msgspec.json.Decoder(self._everything).decode

    def short_way(self) -> ShortWay:
        """What the loop needs for records like the last one; nothing to parse with where all need the long way."""
        if self.preset is None or self.parse is None:
            return _no_short_way, _never, _nothing, self._levels[registry.RAW]
        return self.parse, self.preset.detect, self.preset.read, self._levels[self.preset.name]

    def interpret(self, value: bytes | None, headers: Headers, key: bytes | None, topic: str) -> Interpreted:
        """Any record. Raises Refused where it cannot be read, and nothing else."""
        reading, text, levels = self._interpret(value, headers, topic)
        if self.override is not None:
            reading = self.override(reading, value, headers, key, topic)
        return reading, text, levels

    def _interpret(self, value: bytes | None, headers: Headers, topic: str) -> Interpreted:
        if self.knows_binary and headers and cloudevents.is_binary(headers):
            return self._binary(value, headers)
        if value is None:
            raise Refused(Unreadable.NULL, "the record has no value")
        check_bytes(value, self.limit)
        if self._raw:
            return raw.read(headers, topic), not is_json(value), self._levels[registry.RAW]
        check_json(value)
        if self.auto:
            return self._detect(value, headers, topic)
        assert self.preset is not None
        fields = _parse(self.preset.fields, self.parse, value)
        if fields is None:
            raise Refused(Unreadable.NOT_AN_ENVELOPE, f"JSON, and not an object as {self.preset.name} events are")
        return self.preset.read(fields, headers), False, self._levels[self.preset.name]

    def _binary(self, value: bytes | None, headers: Headers) -> Interpreted:
        """An event without data has a null value (CloudEvents Kafka binding): legal, and nothing to check."""
        text = False
        if value is not None:
            check_bytes(value, self.limit)
            if cloudevents.promises_json(headers):
                check_json(value)
            else:
                text = bool(cloudevents.content_type(headers)) or not is_json(value)
        return cloudevents.read_binary(headers), text, self._levels[cloudevents.PRESET.name]

    def _detect(self, value: bytes, headers: Headers, topic: str) -> Interpreted:
        """In order of precedence, and remembered for the next record."""
        fields = _parse(self._everything, self._parse_everything, value)
        found = None if fields is None else auto.choose(registry.IN_ORDER, fields)
        if found is None:
            return raw.read(headers, topic), False, self._levels[registry.RAW]
        if found is not self.preset:
            self.preset, self.parse = found, self._guesses[found.name].parse
        return found.read(fields, headers), False, self._levels[found.name]

    def _use(self, preset: Preset) -> None:
        self.preset, self.parse = preset, msgspec.json.Decoder(preset.fields).decode


def _parse(shape: type[msgspec.Struct], parse: Parse | None, value: bytes) -> Any:
    """`value` as `shape`, field by field where one is of the wrong type; None where it is no object. `value` is valid JSON."""
    try:
        return parse(value) if parse is not None else read_lenient(shape, value)
    except msgspec.ValidationError:
        return read_lenient(shape, value)


def _by_paths(name: str) -> Preset:
    """A user's preset reads no fields of its own: all five come from its paths."""
    return Preset(name=name, fields=Body, markers=(), detect=_never, read=_nothing)


def _no_short_way(value: bytes) -> Any:
    raise msgspec.ValidationError


def _never(fields: Any) -> bool:
    return False


def _nothing(fields: Any, headers: Headers) -> Reading:
    return NOTHING


def _built_in(source: Source, presets: Mapping[str, UserPreset]) -> Preset:
    found = registry.BY_NAME.get(source.preset)
    if found is not None:
        return found
    known = [*registry.NAMES, *presets]
    close = difflib.get_close_matches(source.preset, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
    raise ConfigurationError([f"source {source.topic}: there is no preset {source.preset!r}; {hint}"])


def _levels(source: Source, own: UserPreset | None) -> dict[str, Levels]:
    """One table per preset that may read this source; the source's own map comes before a user preset's."""
    overrides = {**(own.severity_map if own else {}), **source.severity_map}
    found = {preset.name: Levels(preset.scale, preset.level_words, overrides) for preset in registry.IN_ORDER}
    found[registry.RAW] = Levels(OCSF, LEVEL_NAMES, overrides)
    if own is not None:
        found[source.preset] = Levels(OCSF, LEVEL_NAMES, overrides)
    return found


def _overrides(source: Source, own: UserPreset | None) -> Override | None:
    """The preset's paths, over which go the source's."""
    paths = own.model_dump(exclude={"severity_map"}) if own else {}
    paths.update({field: path for field, path in source.envelope.model_dump().items() if path is not None})
    try:
        return compile_overrides(paths)
    except ValueError as error:
        raise ConfigurationError([f"source {source.topic}: {error}"]) from None
