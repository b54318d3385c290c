"""JSON Schema (2020-12) of the configuration file, from the models. `python -m forwarder.settings.schema > config/schema.json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from forwarder.settings.dialects import NAMES
from forwarder.settings.payload import MODELS
from forwarder.settings.process import Settings

_REFERENCE = {"$ref": "#/$defs/FromEnvironment"}
_FROM_ENVIRONMENT = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "Text with `${ENV}` or `${ENV:-default}`, replaced at load.",
}
_DIALECT = {
    "type": "object",
    "description": "A webhook in another product's form.",
    "properties": {"dialect": {"enum": list(NAMES)}},
    "required": ["dialect", "name"],
}
_HEADING = ("title", "description", "default")


def schema() -> dict[str, Any]:
    """The schema. Where something else than free text is wanted, `${ENV}` text is allowed too."""
    document: dict[str, Any] = _open(Settings.model_json_schema(by_alias=True))
    document["title"] = "Forwarder configuration"
    document["$defs"] |= {"FromEnvironment": _FROM_ENVIRONMENT, "Dialect": _DIALECT}
    own = document["$defs"]["CustomPayload"]
    own["properties"]["format"] = {
        "type": "string",
        "not": {"enum": list(MODELS)},
        "description": "One of `providers`.",
    }
    own["required"] = ["format"]
    hooks = document["properties"]["webhooks"]
    hooks["items"] = {"anyOf": [hooks["items"], {"$ref": "#/$defs/Dialect"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | document


def _open(node: Any) -> Any:
    """The schema with the alternative of an environment reference beside every typed scalar."""
    if isinstance(node, list):
        return [_open(item) for item in node]
    if not isinstance(node, dict):
        return node
    if _is_typed_scalar(node):
        heading = {key: node[key] for key in _HEADING if key in node}
        return heading | {"anyOf": [{k: v for k, v in node.items() if k not in heading}, _REFERENCE]}
    return {key: item if key in ("default", "const", "required") else _open(item) for key, item in node.items()}


def _is_typed_scalar(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    return kind in ("integer", "number", "boolean") or "enum" in node or (kind == "string" and "pattern" in node)


def text() -> str:
    """What config/schema.json holds."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
