"""Falcosidekick's outputs that Forwarder has a format for: which setting is what. Reads no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from forwarder.settings.bare import BARE_OBJECT
from forwarder.settings.imports.outcome import Outcome
from forwarder.settings.imports.section import Section
from forwarder.settings.providers.spec import ProviderSpec


@dataclass(frozen=True, slots=True)
class Output:
    """`needs` is the setting that switches it on. `url` makes the address (else it is `needs` itself), `secret_url` says that it
    opens the door by itself. `options` are settings that are options of the format, `fixed` are options of their own, `made` makes
    some of several settings, `token` is the credential. `notes` say what differs."""

    name: str
    needs: str
    format: str
    url: Callable[[Section], str] | None = None
    secret_url: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    login: tuple[str, str] = ("username", "password")
    header: tuple[str, str] = ("", "")
    made: Callable[[Section], Mapping[str, str]] | None = None
    notes: tuple[str, ...] = ()

    def addresses(self, section: Section) -> list[str]:
        """The URLs: more than one where the setting holds several, separated by commas."""
        made = self.url(section) if self.url else section.text(self.needs)
        return [url.strip() for url in made.split(",") if url.strip()]

    def payload(self, section: Section, spec: ProviderSpec, outcome: Outcome) -> dict[str, Any]:
        """`payload` with the format's options."""
        made: dict[str, Any] = {"format": self.format, **self.fixed, **(self.made(section) if self.made else {})}
        for theirs, ours in self.options.items():
            if ours in spec.options and (value := section.text(theirs)):
                made[ours] = value
        if self.token and (token := section.text(self.token)):
            option = _credential(spec)
            if option:
                made[option] = outcome.secret(section.place(self.token), token)
            else:
                outcome.lose(section.place(self.token), f"format {self.format} has no place for it; use httpAuth")
        return made

    def authentication(self, section: Section, outcome: Outcome) -> dict[str, Any]:
        """`httpAuth` and headers that say who is sending."""
        made: dict[str, Any] = {}
        user, password = (section.text(key) for key in self.login)
        name, value = (section.text(key) if key else "" for key in self.header)
        if user and password:
            place = section.place(self.login[1])
            made["httpAuth"] = {"@type": "Basic", "username": user, "secret": outcome.secret(place, password)}
        elif name and value:
            place = section.place(self.header[1])
            made["httpAuth"] = {"@type": "Header", "name": name, "value": outcome.secret(place, value)}
        elif user or password or name or value:
            outcome.lose(section.path, "half of a login is missing, so it is left out")
        return made


def _credential(spec: ProviderSpec) -> str:
    """The option that holds the format's usual credential."""
    if spec.auth is not None:
        return spec.auth.option
    secrets = [name for name, option in spec.options.items() if option.type == "secret"]
    return secrets[0] if len(secrets) == 1 else ""


def _beside(default: str) -> Callable[[Section], str]:
    """`hostport` and the path that is another setting."""
    return lambda section: section.text("hostport").rstrip("/") + (section.text("endpoint") or default)


def _by_region(us: str, eu: str) -> Callable[[Section], str]:
    return lambda section: eu if section.text("region").lower() == "eu" else us


def _dated_index(section: Section) -> dict[str, str]:
    """The index with the date that Falcosidekick adds to its name."""
    dates = {"daily": "-{yyyy.MM.dd}", "monthly": "-{yyyy.MM}", "annually": "-{yyyy}", "none": ""}
    suffix = section.text("suffix") or "daily"
    return {"index": (section.text("index") or "falco") + dates.get(suffix.lower(), f"-{suffix}")}


def _alertmanager(section: Section) -> str:
    """Several of them get each alert. The path is version 2's, whatever `endpoint` says: version 1 is gone."""
    section.take("endpoint")
    return ",".join(f"{one.strip().rstrip('/')}/api/v2/alerts" for one in section.text("hostport").split(","))


def _chat(name: str) -> Output:
    return Output(name, "webhookurl", name, secret_url=True, options={"channel": "channel", "username": "username"})


def _generic(name: str, needs: str = "address", **more: Any) -> Output:
    """A receiver of Falcosidekick's own JSON: the event as an object."""
    fixed = {key: value for key, value in BARE_OBJECT.items() if key != "format"}
    return Output(name, needs, BARE_OBJECT["format"], fixed=fixed, **more)


OUTPUTS = (
    _generic("webhook"),
    _generic("nodered", login=("user", "password")),
    _generic("n8n", login=("user", "password"), header=("headerauthname", "headerauthvalue")),
    _generic("tekton", needs="eventlistener"),
    _generic("talon"),
    *map(_chat, ("slack", "teams", "discord", "googlechat", "mattermost")),
    Output("splunk", "host", "splunk", token="token"),
    Output(
        "elasticsearch", "hostport", "elastic", options={"pipeline": "pipeline"}, token="apikey", made=_dated_index
    ),
    Output(
        "loki", "hostport", "loki", url=_beside("/loki/api/v1/push"), login=("user", "apikey"),
        options={"tenant": "tenantId"},
    ),
    Output(
        "datadog", "apikey", "datadog", token="apikey", fixed={"source": "falco"},
        url=lambda section: section.text("host").replace("://api.", "://http-intake.logs.").rstrip("/")
        or "https://http-intake.logs.datadoghq.com",
        notes=("Falcosidekick writes to Datadog's event stream; this goes to its logs",),
    ),
    Output(
        "datadoglogs", "apikey", "datadog", token="apikey", options={"service": "service"}, fixed={"source": "falco"},
        url=lambda section: section.text("host").rstrip("/") or "https://http-intake.logs.datadoghq.com",
    ),
    Output(
        "opsgenie", "apikey", "opsgenie", token="apikey",
        url=_by_region("https://api.opsgenie.com/v2/alerts", "https://api.eu.opsgenie.com/v2/alerts"),
    ),
    Output(
        "pagerduty", "routingkey", "pagerduty", token="routingkey",
        url=_by_region("https://events.pagerduty.com/v2/enqueue", "https://events.eu.pagerduty.com/v2/enqueue"),
    ),
    Output("alertmanager", "hostport", "alertmanager", url=_alertmanager),
    Output("cloudevents", "address", "cloudevents"),
    Output(
        "sumologic", "receiverurl", "sumologic", secret_url=True,
        options={"sourcecategory": "category", "sourcehost": "host", "name": "name"},
    ),
    Output("otlp.logs", "endpoint", "otlp"),
)  # fmt: skip
