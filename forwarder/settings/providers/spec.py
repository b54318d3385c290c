"""What a provider is, as data: where its rules are written down, its caps, options, statuses and, for most, its body.

The built-in files and the ones that users add have this one form. Renders nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from forwarder.settings.types import Model, Size, StatusAction

Batch = Literal["array", "lines", "concatenated", "envelope", "digest", "one"]
"""How the events of a batch share a body: a JSON array; one JSON value per line; JSON values one after the other; one object
around all; one message about all; one event per request."""


class Option(Model):
    """A key that `payload` may have beside `format`."""

    type: Literal["text", "secret", "number", "flag", "duration", "size", "names"] = "text"
    """What its value is; names: a mapping of text to text."""
    default: Any = None
    """Its value when it is not given."""
    required: bool = False
    """Whether it must be given."""
    choices: tuple[str, ...] = ()
    """The words allowed; empty: any."""
    meaning: str
    """What it does."""


class AuthDefault(Model):
    """How the provider's usual credential is sent when `httpAuth` is not given."""

    option: str
    """The secret option that holds it."""
    header: str = "Authorization"
    """The header that carries it."""
    prefix: str = ""
    """What stands before it in the header, such as `Splunk `."""


class Caps(Model):
    """What the receiver takes at most. Enforced before sending, whatever the webhook's own caps are."""

    max_events: int | None = Field(None, ge=1)
    """Events per request."""
    max_bytes: Size | None = None
    """Bytes of a body before compression."""
    event_bytes: Size | None = None
    """Bytes of one event's part of the body."""
    answer_bytes: Size = 16 * 1024
    """How much of an answer is read: per-item results need room."""


class Sizing(Model):
    """What one event adds to a body beyond its own bytes, never less than the truth: so that windows close in time."""

    frame: int = Field(2, ge=0)
    """Bytes around all events."""
    event: int = Field(0, ge=0)
    """Bytes around one event, without its names."""
    names: int = Field(0, ge=0)
    """How often its id and its type are in there."""
    places: int = Field(0, ge=0)
    """How often its identity (cluster, topic, partition, offset) and its tenant are in there."""
    values: int = Field(1, ge=0)
    """How often its value is in there."""
    quoted: bool = False
    """Whether its value is written as text inside a JSON string, which escapes it."""


class ProviderSpec(Model):
    """One provider."""

    title: str
    """What people call it."""
    documents: tuple[str, ...] = Field(min_length=1)
    """The vendor's documents that this follows (title or address), or the source that was used instead."""
    example: str = "https://receiver.example/events"
    """A URL as users have it."""
    path: str = ""
    """Path that is added to a URL that has none."""
    secret_url: bool = False
    """Whether who knows the URL may post: then it is shown nowhere beyond its host."""
    content_type: str = "application/json"
    """The body's media type."""
    batch: Batch = "array"
    """How events share a body."""
    headers: dict[str, str] = Field({})
    """Headers added to each request; a value may be `$option.NAME`; one that is empty then is left out."""
    auth: AuthDefault | None = None
    """How the usual credential is sent."""
    options: dict[str, Option] = Field({})
    """Keys of `payload` beside `format` and `timestampFormat`."""
    caps: Caps = Caps()
    """What the receiver takes at most."""
    sizing: Sizing = Sizing()
    """What an event adds to a body; not set: worked out from `body`."""
    severity: tuple[str, ...] = Field((), max_length=7)
    """The receiver's word for each level: unknown, informational, low, medium, high, critical, fatal."""
    identity: str = ""
    """The field or header that carries the event identity, so that repeats merge."""
    status: dict[str, StatusAction] = Field({})
    """What a status means, where it is not the usual: under the webhook's `statusPolicy`, over the built-in table."""
    marker: str = "... [truncated]"
    """What stands where text was cut to fit a field."""
    body: Any = None
    """The body of one event as a tree, `$name` standing for a part of the event; none: the format is code."""
    also: dict[str, Any] = Field({})
    """Further settings that a webhook to it usually needs; shown in the documentation's example."""
    around: Any = None
    """With `batch: envelope`: the tree around all events, `$events` standing for them."""
