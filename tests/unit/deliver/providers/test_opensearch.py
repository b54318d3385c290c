"""`opensearch` is `elastic` under its own name: same body, same reading, no API keys."""

from __future__ import annotations

from forwarder.deliver.payload.registry import provider_of
from forwarder.settings.payload import MODELS, payload_of
from tests.unit.deliver.make import event


def test_its_body_is_that_of_elastic() -> None:
    events = [event(b'{"a":1}', 1), event(None, 2)]
    same = {"index": "sec-{yyyy}", "envelope": "ecs"}
    bodies = [
        provider_of(payload_of({"format": name, **same}), "c").render(events) for name in ("elastic", "opensearch")
    ]
    assert bodies[0] == bodies[1]


def test_it_has_no_api_key() -> None:
    assert set(MODELS["elastic"].model_fields) - set(MODELS["opensearch"].model_fields) == {"apiKey"}
    assert MODELS["opensearch"].spec.auth is None
