"""One event per request, as the JSON that it is: what many products send, and what their receivers expect. Renders nothing."""

from __future__ import annotations

from collections.abc import Mapping

BARE_OBJECT: Mapping[str, str] = {"format": "template", "syntax": "jinja", "batch": "one", "body": "{{ data | json }}"}
"""The native `payload` that does it."""
