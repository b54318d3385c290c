"""All payload formats by the name that `payload.format` uses. Holds no format itself."""

from __future__ import annotations

from collections.abc import Mapping

from forwarder.deliver.payload import json_array, ndjson, stalwart
from forwarder.deliver.payload.body import Body, Format
from forwarder.model.batch import Batch
from forwarder.settings.webhook import Payload

FORMATS: Mapping[str, Format] = {
    "json": json_array.render,
    "ndjson": ndjson.render,
    "stalwart": stalwart.render,
}


def render(batch: Batch, payload: Payload, cluster: str) -> Body:
    """The batch as `payload.format`; deterministic."""
    return FORMATS[payload.format](batch.events, payload, cluster)
