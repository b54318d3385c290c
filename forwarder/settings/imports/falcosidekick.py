"""Falcosidekick's configuration file (github.com/falcosecurity/falcosidekick, config_example.yaml and docs/outputs).

An output that Forwarder has a format for becomes a webhook; every other one, and every setting without a counterpart, is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from forwarder.settings.imports.outcome import Outcome, Unusable
from forwarder.settings.imports.outputs import OUTPUTS, Output
from forwarder.settings.imports.section import Section
from forwarder.settings.providers.catalogue import builtin

_TRUST = ("mutualtlsfilespath", "mutualtlsclient", "tlsclient")
_NOT_OUTPUTS = {
    "customfields": "fields added to events: Forwarder sends the producer's own bytes",
    "templatedfields": "fields added to events: Forwarder sends the producer's own bytes",
    "tlsserver": "Forwarder reads from Kafka and has no such server",
    "listenaddress": "Forwarder reads from Kafka and listens for no events",
    "listenport": "Forwarder reads from Kafka and listens for no events",
}
_EVERYTHING = ("", "debug")


def translate(content: str, outcome: Outcome, topic: str) -> None:
    """Adds every output to the outcome. Raises Unusable for a file that is no such configuration."""
    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise Unusable(f"it is no YAML{place}") from None
    if not isinstance(document, Mapping):
        raise Unusable("a mapping of outputs is expected, as in Falcosidekick's config.yaml")
    root = Section("", document)
    outcome.process = _process(root.inner("kafka"), outcome, topic)
    trust = {key: root.inner(key) if key != "mutualtlsfilespath" else root.take(key) for key in _TRUST}
    idle: list[str] = []
    for output in OUTPUTS:
        section = _find(root, output, outcome)
        if section.empty:
            continue
        if section.text(output.needs):
            _webhook(output, section, trust, outcome)
        else:
            idle.append(output.name)
    _rest(root, idle, outcome)


def _find(root: Section, output: Output, outcome: Outcome) -> Section:
    """The output's section; what lies beside a nested one is told, for nobody else looks there."""
    first, _, second = output.name.partition(".")
    outer = root.inner(first)
    if not second:
        return outer
    found = outer.inner(second)
    for place in outer.left():
        outcome.lose(place, "Forwarder has no such output or setting")
    return found


def _process(kafka: Section, outcome: Outcome, topic: str) -> dict[str, Any]:
    """Falcosidekick may write to Kafka: that is where Forwarder reads."""
    brokers = [broker.strip() for broker in kafka.text("hostport").split(",") if broker.strip()]
    written = kafka.text("topic")
    source = {"topic": written if brokers and written else topic, "preset": "falco"}
    for place in kafka.left() if brokers else ():
        outcome.lose(place, "write it under kafka.security, if Forwarder needs it too")
    if not brokers and not kafka.empty:
        outcome.lose(kafka.path, "not switched on in the file (hostport), so --topic says where Falco's events are")
    if not brokers:
        return {"sources": [source]}
    named = [broker if ":" in broker else f"{broker}:9092" for broker in brokers]
    return {"kafka": {"brokers": named}, "sources": [source]}


def _webhook(output: Output, section: Section, trust: Mapping[str, Any], outcome: Outcome) -> None:
    spec = builtin().get(output.format)
    if spec is None:
        outcome.lose(section.path, f"Forwarder has no format {output.format!r}")
        return
    urls = output.addresses(section)
    if not all(url.lower().startswith(("http://", "https://")) for url in urls):
        outcome.lose(section.path, f"{output.needs} is no http or https address, so there is nothing to send to")
        return
    fields: dict[str, Any] = {"payload": output.payload(section, spec, outcome)}
    fields |= output.authentication(section, outcome)
    level = section.text("minimumpriority").lower()
    if level not in _EVERYTHING:
        fields["level"] = level
    fields |= _tls(section, trust, outcome)
    _headers(section, fields, outcome)
    _method(section, outcome)
    for note in output.notes:
        outcome.lose(section.path, note)
    for place in section.left():
        outcome.lose(place, "Forwarder has no such setting")
    for url in urls:
        outcome.add(output.name, section.place(output.needs), url, fields, secret=output.secret_url)


def _method(section: Section, outcome: Outcome) -> None:
    method = section.text("method").upper()
    if method not in ("", "POST"):
        outcome.lose(section.place("method"), f"Forwarder always sends POST, not {method}")


def _tls(section: Section, trust: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Client certificate, authorities and whether to verify, as Falcosidekick decides it: mutual TLS always verifies."""
    mutual, verify = section.flag("mutualtls", False), section.flag("checkcert", True)
    made: dict[str, Any] = {}
    folder = str(trust["mutualtlsfilespath"] or "/etc/certs")
    files = trust["mutualtlsclient"]
    if mutual:
        made["clientCertificate"] = {
            "certificateFile": files.text("certfile") or f"{folder}/client.crt",
            "keyFile": files.text("keyfile") or f"{folder}/client.key",
        }
    authorities = files.text("cacertfile") or f"{folder}/ca.crt" if mutual else trust["tlsclient"].text("cacertfile")
    if authorities:
        made["caFile"] = authorities
    found: dict[str, Any] = {"tls": made} if made else {}
    return found if verify or mutual else found | {"allowInvalidCerts": True}


def _headers(section: Section, fields: dict[str, Any], outcome: Outcome) -> None:
    """Custom headers: a mapping, or text such as `name:value,name:value`. Their values are taken for secrets."""
    given = section.take("customheaders") or section.take("headers")
    if isinstance(given, str):
        pairs = (
            part.replace("=", ":", 1).partition(":") if ":" not in part else part.partition(":")
            for part in given.split(",")
        )
        given = {name.strip(): value.strip() for name, _, value in pairs if name.strip()}
    if not isinstance(given, Mapping) or not given:
        return
    place = section.place("customheaders")
    made = {str(name): outcome.secret(f"{place}.{name}", value) for name, value in given.items()}
    fields["httpHeaders"] = fields.get("httpHeaders", {}) | made


def _rest(root: Section, idle: list[str], outcome: Outcome) -> None:
    """What is in the file beside the outputs that Forwarder knows."""
    for place in root.left():
        first = place.partition(".")[0]
        if first not in _NOT_OUTPUTS:
            outcome.lose(place, "Forwarder has no such output or setting")
        else:
            outcome.lose(place, _NOT_OUTPUTS[first])
    if idle:
        outcome.lose(", ".join(idle), "not switched on in the file, so there is nothing to carry over")
