"""Settings of how much may be asked of a receiver: rate and concurrency, per webhook and per host. Limits nothing itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from forwarder.settings.types import Model


class RateLimit(Model):
    """Sift's rule: `perSecond` requests in a second are free, each one above takes a token, and tokens come back at `perSecond`
    while fewer are made. All workers of the group share it."""

    per_second: float = Field(2.0, gt=0, le=10_000)
    """The baseline: requests per second that cost nothing, and tokens that come back per second below it."""
    burst: int = Field(100, ge=0, le=1_000_000)
    """Tokens when nothing was sent for long."""
    on_limit: Literal["wait", "fail"] = "wait"
    """wait: hold the batch until it may go; fail: give it up at once, logged and never repeated."""


class AdaptiveConcurrency(Model):
    """Requests in flight, found by what the receiver bears: more while it answers as fast as before, fewer at once when it gets
    slower or answers 429 or 503. `true` stands for the defaults."""

    enable: bool = True
    """false: always `concurrency`."""
    min: int = Field(1, ge=1, le=256)
    """Never fewer; also what it begins with."""
    max: int | None = Field(None, ge=1, le=256)
    """Never more; not set: `concurrency`, which it cannot exceed."""

    @model_validator(mode="before")
    @classmethod
    def _switch(cls, data: Any) -> Any:
        return {"enable": data} if isinstance(data, bool | str) else data

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "boolean"}, handler.resolve_ref_schema(handler(core))]}


class Limits(Model):
    """What all webhooks together may do."""

    per_host: int | None = Field(None, ge=1, le=10_000)
    """Most requests in flight to one host and port, for all webhooks on it and all workers of the group. Not set: no limit."""
