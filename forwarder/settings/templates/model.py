"""`templates.NAME`: a body that several webhooks may use. Reads no file."""

from __future__ import annotations

from typing import Literal

from forwarder.settings.types import Model

Syntax = Literal["auto", "go", "jinja"]
BatchOf = Literal["auto", "one", "array", "lines", "digest"]


class Template(Model):
    """A template for `payload: {format: template, template: NAME}`."""

    body: str | None = None
    """The template itself."""
    file: str | None = None
    """File that holds it (UTF-8, at most 64 KiB), instead of `body`; read when the configuration is loaded."""
    syntax: Syntax = "auto"
    """What it is written in; auto: Go where an action starts with a field, a variable or one of Go's words, else Jinja."""
    content_type: str | None = None
    """Media type of the body; application/json when not set."""
    batch: BatchOf = "auto"
    """How events share a request, as in `payload.batch`."""
