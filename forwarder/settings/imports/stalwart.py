"""Stalwart's webhooks, exported: JMAP objects and responses (stalw.art/docs/ref/object/web-hook, 0.16), or the settings
`webhook.<id>.<key>` of earlier versions (stalw.art/docs/0.15/telemetry/webhooks) as TOML, as lines, or as JSON of the settings API."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from forwarder.settings.imports.outcome import Outcome, Unusable
from forwarder.settings.imports.section import Section

_CARRIED = (
    "enable", "allowInvalidCerts", "level", "lossy", "throttle", "timeout", "discardAfter", "events", "eventsPolicy",
)  # fmt: skip
_BEHAVIOUR = {"payload": {"format": "stalwart"}, "strictThrottle": True, "level": "info"}
_OLD = {
    "signature-key": "signatureKey", "allow-invalid-certs": "allowInvalidCerts", "discard-after": "discardAfter",
    "headers": "httpHeaders", "events-policy": "eventsPolicy",
}  # fmt: skip
_LINE = re.compile(r"webhook\.(?:\"([^\"]+)\"|([^.=\s]+))\.([^=\s]+)\s*=\s*(.*)")
_TYPE = "WebHook"
_SECRETS = frozenset({"secret", "bearerToken", "token", "password"})
_MACRO = re.compile(r"%\{(env|file):([^}]+)\}%")
_FORMS = "a WebHook object, a list of them, a JMAP request or response, or settings `webhook.ID.key = value`"


def translate(content: str, outcome: Outcome, topic: str) -> None:
    """Adds every webhook of the file to the outcome. Raises Unusable where there is none."""
    outcome.process = {"sources": [{"topic": topic, "preset": "stalwart"}]}
    found = list(_objects(content))
    if not found:
        raise Unusable(f"no webhook is in it; expected is {_FORMS}")
    for name, fields in found:
        _webhook(name, Section(name, fields), outcome)


def _objects(content: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every webhook with its name, in the form of version 0.16."""
    if content.lstrip().startswith(("{", "[")):
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if document is not None:
            yield from _json(document, "")
            return
    yield from _settings(content)


def _json(value: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Webhooks at any depth: what has a `url` is one, and what it is called is told by itself or by its key."""
    if isinstance(value, list):
        for item in value:
            yield from _json(item, "")
    elif isinstance(value, Mapping):
        flat = {key: item for key, item in value.items() if str(key).startswith("webhook.")}
        if flat:
            yield from _old(flat.items())
        elif isinstance(value.get("url"), str) and value.get("@type", _TYPE) == _TYPE:
            yield str(value.get("name") or value.get("description") or value.get("id") or name or "stalwart"), value
        else:
            for key, item in value.items():
                yield from _json(item, str(key))


def _settings(content: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Settings of earlier versions: TOML where it is, else line by line, as the settings of a database are listed."""
    try:
        hooks = tomllib.loads(content).get("webhook", {})
    except tomllib.TOMLDecodeError:
        lines = (_LINE.match(line.strip()) for line in content.splitlines())
        yield from _old((found[0].partition("=")[0].strip(), _bare(found[4])) for found in lines if found)
        return
    for name, fields in hooks.items() if isinstance(hooks, Mapping) else ():
        if isinstance(fields, Mapping):
            yield str(name), _modern(dict(fields))


def _bare(text: str) -> Any:
    """A value as TOML has it, or the text itself."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text.strip().strip("\"'")


def _old(pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Flat settings gathered by webhook: `events.0000` is an item of a list, `auth.username` a key below."""
    hooks: dict[str, dict[str, Any]] = {}
    for path, value in pairs:
        found = _LINE.fullmatch(f"{path}= ")
        if found is None:
            continue
        fields = hooks.setdefault(found[1] or found[2], {})
        key, _, rest = found[3].partition(".")
        if rest:
            fields.setdefault(key, {})[rest] = value
        else:
            fields[key] = value
    for name, fields in hooks.items():
        yield name, _modern(fields)


def _modern(fields: dict[str, Any]) -> dict[str, Any]:
    """The form of version 0.16. There `events` names what is wanted."""
    made = {_OLD.get(key, key): _listed(value) for key, value in fields.items() if key != "auth"}
    auth = fields.get("auth")
    if isinstance(auth, Mapping):
        secret = {"@type": "Value", "secret": auth.get("secret", "")}
        made["httpAuth"] = {"@type": "Basic", "username": auth.get("username", ""), "secret": secret}
    if isinstance(made.get("signatureKey"), str):
        made["signatureKey"] = {"@type": "Value", "secret": made["signatureKey"]}
    headers = made.get("httpHeaders")
    if isinstance(headers, str | list):
        lines = [headers] if isinstance(headers, str) else headers
        made["httpHeaders"] = {name.strip(): value.strip() for name, _, value in (str(x).partition(":") for x in lines)}
    if isinstance(made.get("events"), str):
        made["events"] = [made["events"]]
    made.setdefault("eventsPolicy", "include")
    return made


def _listed(value: Any) -> Any:
    """`{"0000": a, "0001": b}` is a list."""
    numbered = isinstance(value, Mapping) and value and all(str(key).isdigit() for key in value)
    return [value[key] for key in sorted(value, key=lambda key: int(key))] if numbered else value


def _webhook(name: str, section: Section, outcome: Outcome) -> None:
    url = section.text("url")
    for known in ("id", "name", "@type"):
        section.take(known)
    fields: dict[str, Any] = dict(_BEHAVIOUR)
    for key in _CARRIED:
        value = section.take(key)
        if value is not None:
            fields[key] = [event for event, on in value.items() if on] if isinstance(value, Mapping) else value
    for key in ("signatureKey", "httpAuth"):
        value = section.take(key)
        if isinstance(value, Mapping) and value.get("@type") not in (None, "None", "Unauthenticated"):
            fields[key] = _hidden(value, section.place(key), outcome)
    headers = section.take("httpHeaders")
    if isinstance(headers, Mapping) and headers:
        fields["httpHeaders"] = {
            key: _secret(section.place(f"httpHeaders.{key}"), value, outcome) for key, value in headers.items()
        }
    if not fields.get("events") and fields.get("eventsPolicy") == "include":
        outcome.lose(section.path, "it includes no event, so it sent nothing; give it `events` to switch it on")
        fields["enable"], fields["eventsPolicy"] = False, "exclude"
    for place in section.left():
        outcome.lose(place, "Forwarder has no such setting")
    outcome.add(name, f"{section.path}.url", url, fields)


def _hidden(value: Mapping[str, Any], place: str, outcome: Outcome) -> Any:
    """A tagged union with the secrets in it left out."""
    if value.get("@type") == "Value":
        return _secret(place, value.get("secret", ""), outcome)
    made = {}
    for key, item in value.items():
        inner = f"{place}.{key}"
        if isinstance(item, Mapping):
            made[key] = _hidden(item, inner, outcome)
        else:
            made[key] = _secret(inner, item, outcome) if key in _SECRETS else item
    return made


def _secret(place: str, value: Any, outcome: Outcome) -> Any:
    """A secret; what Stalwart itself takes from its environment or from a file is taken from there."""
    macro = _MACRO.fullmatch(str(value))
    if macro is None:
        return outcome.secret(place, value)
    if macro[1] == "env":
        return {"@type": "EnvironmentVariable", "variableName": macro[2]}
    return {"@type": "File", "filePath": macro[2]}
