"""From a webhook's `payload` to its format: code where there is some, the shape of its file otherwise. Holds no format itself."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.deliver.payload.json_array import JsonArray
from forwarder.deliver.payload.ndjson import Ndjson
from forwarder.deliver.payload.provider import Provider
from forwarder.deliver.payload.shaped import Shaped
from forwarder.deliver.payload.stalwart import Stalwart
from forwarder.settings.payload import Payload

CODE: Mapping[str, type[Provider]] = {
    "json": JsonArray,
    "ndjson": Ndjson,
    "stalwart": Stalwart,
}
"""Formats whose body or answers are more than data."""


def provider_of(payload: Payload, cluster: str) -> Provider:
    """The format that `payload` asks for. Raises ValueError for a shape or template that cannot be used (refused at load)."""
    return CODE.get(payload.format, Shaped)(payload, cluster)
