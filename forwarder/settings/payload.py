"""`payload` of a webhook: which format, and the options that this format knows. The models are made from the providers' files."""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, create_model

from forwarder.settings.providers.catalogue import builtin
from forwarder.settings.providers.measure import complete
from forwarder.settings.providers.spec import Option, ProviderSpec
from forwarder.settings.secrets import NO_SECRET, Secret
from forwarder.settings.types import Duration, Model, Size

TimestampFormat = Literal["seconds", "milliseconds", "microseconds", "nanoseconds", "rfc3339"]
CUSTOM = "@custom"
_TYPES: dict[str, Any] = {
    "text": str,
    "secret": Secret,
    "number": float,
    "flag": bool,
    "duration": Duration,
    "size": Size,
    "names": dict[str, str],
}


class Payload(Model):
    """The body's format, and what every format has."""

    spec: ClassVar[ProviderSpec]
    """What is known about the format."""
    format: str = "json"
    """Name of the format."""
    timestamp_format: TimestampFormat = "nanoseconds"
    """Of the envelope's time, in formats that render one."""

    @property
    def options(self) -> dict[str, Any]:
        """The format's own options by the name that files use."""
        known = {info.alias or name: getattr(self, name) for name, info in type(self).model_fields.items()}
        return {k: v for k, v in known.items() if k not in ("format", "timestampFormat")} | (self.model_extra or {})


class CustomPayload(Payload):
    """A format that is not built in: one of `providers`. Its options are checked against that provider's."""

    model_config = ConfigDict(extra="allow")
    spec: ClassVar[ProviderSpec] = ProviderSpec(title="A format that is not known", documents=("none",))
    """A stand-in, so that other checks can look at a webhook whose format is refused."""


def model_of(name: str, spec: ProviderSpec) -> type[Payload]:
    """The settings of one format: its options as fields. The same facts give the same model, so that settings can be compared."""
    return _model(name, spec.model_dump_json(by_alias=True, exclude_unset=True))


@lru_cache(maxsize=256)
def _model(name: str, facts: str) -> type[Payload]:
    spec = ProviderSpec.model_validate_json(facts)
    options: dict[str, Any] = {key: _field(option) for key, option in spec.options.items()}
    kind = "".join(part.capitalize() for part in name.split("-")) + "Payload"
    default: Any = "json" if name == "json" else ...
    tag: Any = (Literal[name], Field(default, description="This format."))
    made = create_model(kind, __base__=Payload, __doc__=f"{spec.title}.", format=tag, **options)
    made.spec = complete(spec)
    return made


def _field(option: Option) -> tuple[Any, Any]:
    kind = Literal[option.choices] if option.choices else _TYPES[option.type]
    default = NO_SECRET if option.type == "secret" and option.default is None else option.default
    if default is None and not option.required:
        kind = kind | None
    value: Any = ... if option.required else default
    return kind, Field(value, description=option.meaning, validate_default=not option.required and default is not None)


def _kind(value: Any) -> str:
    """The union's tag: the format's name where it is built in."""
    name = value.format if isinstance(value, Payload) else dict(value or {}).get("format", "json")
    return name if name in MODELS else CUSTOM


MODELS: dict[str, type[Payload]] = {name: model_of(name, spec) for name, spec in builtin().items()}
"""The built-in formats' settings by name."""

if TYPE_CHECKING:
    AnyPayload = Payload
else:
    _tagged = [Annotated[kind, Tag(tag)] for tag, kind in {**MODELS, CUSTOM: CustomPayload}.items()]
    AnyPayload = Annotated[reduce(or_, _tagged), Discriminator(_kind)]

_ADAPTER: TypeAdapter[Payload] = TypeAdapter(AnyPayload)


def payload_of(document: dict[str, Any]) -> Payload:
    """The payload that a document describes. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(document)
