"""How the records of one source are read: which preset, by which table of severities, with which overrides. No loop, no events.

Everything here takes its time and never loses a record; `decode` has the short way for records without surprises.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec

from forwarder.errors import ConfigurationError
from forwarder.model.event import Headers, Unreadable
from forwarder.model.severity import NAMES
from forwarder.settings.process import Preset as UserPreset
from forwarder.settings.process import Source
from forwarder.source.overrides import Override, compile_overrides
from forwarder.source.presets import auto, cloudevents, raw, registry
from forwarder.source.presets.base import NOTHING, Body, Preset, Reading
from forwarder.source.presets.lenient import read_lenient
from forwarder.source.screen import Refused, check_bytes, check_json, is_json
from forwarder.source.severity import Levels

Parse = Callable[[bytes], Any]
ShortWay = tuple[Parse, Callable[[Any], bool], Callable[[Any, Headers], Reading], Levels]
Interpreted = tuple[Reading, bool, Levels]
"""`(reading, whether the value is text, the levels of the preset that read it)`."""


class Reader:
    """`short_way` fits the preset that read the last record; `interpret` fits any record.

    Raises ConfigurationError for a preset that does not exist and for a path that cannot be read.
    """

    def __init__(self, source: Source, presets: Mapping[str, UserPreset]) -> None:
        own = presets.get(source.preset)
        self._raw = _raw(source.topic)
        self.limit = source.max_record_bytes
        self.override = _overrides(source, own)
        self.auto = own is None and source.preset == registry.AUTO
        self._in_order = (*registry.IN_ORDER, self._raw)
        self._everything, self._parse_everything, self._guesses = _auto()
        self._preset = self._raw if self.auto else _find(source, own, presets, self._raw)
        self._parse: Parse = msgspec.json.Decoder(self._preset.fields).decode
        self.knows_binary = self.auto or self._preset is cloudevents.PRESET
        self._levels = _levels((*self._in_order, self._preset), source, own)

    def short_way(self) -> ShortWay:
        """`(parse, detect, read, levels)` for records like the last one. Where `auto` guesses, `detect` must agree."""
        preset = self._preset
        parse = self._guesses[preset.name] if self.auto else self._parse
        return parse, preset.detect, preset.read, self._levels[preset.name]

    def interpret(self, value: bytes | None, headers: Headers, key: bytes | None, topic: str) -> Interpreted:
        """Any record. Raises Refused where it cannot be read, and nothing else."""
        reading, text, levels = self._interpret(value, headers)
        if self.override is not None:
            reading = self.override(reading, value, headers, key, topic)
        return reading, text, levels

    def _interpret(self, value: bytes | None, headers: Headers) -> Interpreted:
        if self.knows_binary and headers and cloudevents.is_binary(headers):
            return cloudevents.read_binary(headers), self._is_text(value, headers), self._levels["cloudevents"]
        if value is None:
            raise Refused(Unreadable.NULL, "the record has no value")
        check_bytes(value, self.limit)
        if self._preset is self._raw and not self.auto:
            return self._raw.read(None, headers), not is_json(value), self._levels[registry.RAW]
        check_json(value)
        return self._detected(value, headers) if self.auto else self._as_configured(value, headers)

    def _is_text(self, value: bytes | None, headers: Headers) -> bool:
        """The data of a binary event: null is legal (there is none); JSON where promised, else JSON or text."""
        if value is None:
            return False
        check_bytes(value, self.limit)
        media = cloudevents.content_type(headers)
        if cloudevents.promises_json(media):
            check_json(value)
            return False
        return bool(media) or not is_json(value)

    def _as_configured(self, value: bytes, headers: Headers) -> Interpreted:
        preset = self._preset
        fields = read_lenient(preset.fields, value)
        if fields is None:
            raise Refused(Unreadable.NOT_AN_ENVELOPE, f"JSON, but not an object as events of {preset.name} are")
        return preset.read(fields, headers), False, self._levels[preset.name]

    def _detected(self, value: bytes, headers: Headers) -> Interpreted:
        """In order of precedence, and remembered for the next record. JSON that is no object fits no preset."""
        try:
            fields = self._parse_everything(value)
        except msgspec.ValidationError:
            fields = read_lenient(self._everything, value)
        preset = self._raw if fields is None else auto.choose(self._in_order, fields)
        self._preset = preset
        return preset.read(fields, headers), False, self._levels[preset.name]


@cache
def _auto() -> tuple[type[msgspec.Struct], Parse, dict[str, Parse]]:
    """`(everything, how to parse it, guesses)`: the same for all sources."""
    everything = auto.everything(registry.IN_ORDER)
    return everything, msgspec.json.Decoder(everything).decode, auto.guesses((*registry.IN_ORDER, _raw("")))


def _raw(topic: str) -> Preset:
    """`raw` as a preset that fits everything."""
    return Preset(registry.RAW, Body, (), _always, lambda fields, headers: raw.read(headers, topic))


def _always(fields: Any) -> bool:
    return True


def _find(source: Source, own: UserPreset | None, presets: Mapping[str, UserPreset], raw: Preset) -> Preset:
    """The configured preset; one of the user's own reads no fields, for all come from its paths."""
    if own is not None:
        return Preset(source.preset, Body, (), _always, lambda fields, headers: NOTHING)
    found = raw if source.preset == registry.RAW else registry.BY_NAME.get(source.preset)
    if found is not None:
        return found
    known = [*registry.NAMES, *presets]
    close = difflib.get_close_matches(source.preset, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
    raise ConfigurationError([f"source {source.topic}: there is no preset {source.preset!r}; {hint}"])


def _levels(presets: tuple[Preset, ...], source: Source, own: UserPreset | None) -> dict[str, Levels]:
    """One table per preset that may read this source; the source's own map comes before a user preset's."""
    overrides = {**(own.severity_map if own else {}), **source.severity_map}
    # A severity that is read elsewhere than where the preset has it (or has none) may be any of the common words.
    common = NAMES if source.envelope.severity is not None else {}
    return {preset.name: Levels(preset.scale, {**common, **preset.level_words}, overrides) for preset in presets}


def _overrides(source: Source, own: UserPreset | None) -> Override | None:
    """The preset's paths, over which go the source's."""
    paths = own.model_dump(exclude={"severity_map"}) if own else {}
    paths.update({field: path for field, path in source.envelope.model_dump().items() if path is not None})
    try:
        return compile_overrides(paths)
    except ValueError as error:
        raise ConfigurationError([f"source {source.topic}: {error}"]) from None
