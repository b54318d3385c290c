"""Settings of the process: Kafka, sources, memory, checkpoint, shutdown, HTTP, egress. Holds no webhook's fields."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from forwarder.settings.kafka import Kafka
from forwarder.settings.limits import Limits
from forwarder.settings.providers.spec import ProviderSpec
from forwarder.settings.secrets import NO_SECRET, Secret
from forwarder.settings.templates.model import Template
from forwarder.settings.types import Duration, Level, Model, Size, StartAt, Strings
from forwarder.settings.webhook import Webhook

MIB = 1024 * 1024

PRESETS = (
    "auto", "cloudevents", "ocsf", "ecs", "falco", "sysdig", "stalwart", "sourcedefense", "standard-webhooks", "raw",
)  # fmt: skip
"""The built-in envelope presets."""


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError at the first value that is no CIDR block."""
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            problem = str(error)
        else:
            continue
        raise ValueError(f"{problem}; write a network such as 10.0.0.0/8 or fd00::/8, or one address")
    return values


def _addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError for what is no address, and for two of one family."""
    versions = [ipaddress.ip_address(value).version for value in values]
    if len(set(versions)) < len(versions):
        raise ValueError("one IPv4 and one IPv6 address at most are expected, such as 192.0.2.7 or 2001:db8::7")
    return values


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`. Raises ValueError with the accepted form."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or (":" in bare and bare == host) or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("host:port is expected, such as 127.0.0.1:9090, 0.0.0.0:9090 or [::1]:9090")
    return bare, int(port)


def _check_address(text: str) -> str:
    split_address(text)
    return text


Networks = Annotated[Strings, AfterValidator(_networks)]
Addresses = Annotated[Strings, AfterValidator(_addresses)]


class Envelope(Model):
    """Paths that override a preset's. Dots separate keys; a key with dots goes in brackets: `labels["k8s.ns"]`."""

    id: str | None = None
    """Path of the event's identifier."""
    type: str | None = None
    """Path of the event's type."""
    time: str | None = None
    """Path of the event's time."""
    severity: str | None = None
    """Path of the event's severity."""
    tenant: str | None = None
    """Path of the event's tenant."""


class Source(Model):
    """One topic and how its records are read."""

    topic: str = Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")
    """Name of the Kafka topic."""
    preset: str = "auto"
    """Where the envelope is found: a built-in preset, or one of `presets`. auto: detected per record."""
    envelope: Envelope = Envelope()
    """Single paths that differ from the preset's."""
    severity_map: dict[str, Level] = Field({})
    """Producer's word or number -> level; added to the preset's table."""
    start_at: StartAt = "now"
    """Where to begin when there is no checkpoint: now, earliest, or an RFC 3339 time."""
    dead_letter_topic: str | None = Field(None, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")
    """Topic of records that cannot be read or delivered; `<topic>.dead-letters` when not set."""
    max_record_bytes: Size = 4 * MIB
    """A larger record is dead-lettered unread."""

    @property
    def dead_letters(self) -> str:
        """The dead-letter topic: the configured one, else `<topic>.dead-letters`."""
        return self.dead_letter_topic or f"{self.topic}.dead-letters"


class Memory(Model):
    """One bound for all windows, bodies in flight and catch-up buffers together."""

    budget: Size = 256 * MIB
    """Bytes."""


class Checkpoint(Model):
    """How often progress is written to Kafka."""

    interval: Duration = Field(1.0, gt=0)
    """Also the bound on duplicates after a crash."""
    max_bytes: Size = 6 * MIB
    """The largest checkpoint record. One that would be larger is shortened: after a crash more is delivered twice, nothing lost."""


class Shutdown(Model):
    """What a stop waits for."""

    drain: Duration = 20.0
    """How long attempts in flight may take to finish; at most `kafka.rebalanceTimeout` - 5s."""


class Watchdog(Model):
    """What looks for work that is due and does not move. An endpoint or a Kafka that is down is no such thing."""

    after: Duration = Field(60.0, gt=0)
    """How long a partition or a webhook may stand still without a reason until it is called stuck."""
    restart_after: Duration = Field(300.0, gt=0)
    """How long something may be stuck, while Kafka answers, until /livez fails; not less than `after`."""


class Http(Model):
    """The server of /metrics, /livez and /readyz."""

    listen: Annotated[str, AfterValidator(_check_address)] = "127.0.0.1:9090"
    """`host:port`; 0.0.0.0 for all IPv4 addresses, port 0 for any free port."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        return split_address(self.listen)


PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""The schemes that `egress.proxy` may have, and the port of a URL that names none."""


class Egress(Model):
    """Which addresses webhooks may connect to. Special ranges are refused unless allowed here."""

    guard: bool = True
    """Refuse private, loopback, link-local, metadata and other special addresses."""
    allow: Networks = ()
    """Networks (CIDR) that are allowed in spite of the guard."""
    deny: Networks = ()
    """Networks (CIDR) that are refused, whatever `allow` says."""
    proxy: str | None = Field(None, repr=False)
    """Proxy that all webhook requests go through: `http://`, `https://`, `socks5://` (names are resolved here) or `socks5h://` (by the
    proxy), with host and port."""
    proxy_username: str = ""
    """User name at the proxy."""
    proxy_password: Secret = NO_SECRET
    """Password at the proxy."""
    proxy_ca_file: str | None = None
    """PEM file of the authorities to trust for an https proxy; the system's otherwise."""
    source_address: Addresses = ()
    """Local address that connections start from; one IPv4 and one IPv6 at most. A family without one is not used."""


class Tenant(Model):
    """A tenant, its companies and its child accounts."""

    title: str = ""
    """What people call it."""
    companies: tuple[str, ...] = ()
    """Ids and names that records give for it (company, account): an event of one of them is an event of this tenant."""
    children: tuple[str, ...] = ()
    """Names of the child tenants."""


class EventSet(Model):
    """A named group of event types."""

    title: str = ""
    """What people call it."""
    category: str = ""
    """What it belongs to, for lists."""
    events: tuple[str, ...] = ()
    """Event types: exact names, and globs such as `auth.*`."""
    level: Level = 0
    """Least severity of the events that come in through this set."""


class Preset(Model):
    """A preset of the user's own, by paths alone."""

    id: str | None = None
    """Path of the event's identifier."""
    type: str | None = None
    """Path of the event's type."""
    time: str | None = None
    """Path of the event's time."""
    severity: str | None = None
    """Path of the event's severity."""
    tenant: str | None = None
    """Path of the event's tenant."""
    severity_map: dict[str, Level] = Field({})
    """Producer's word or number -> level."""


class Settings(Model):
    """The whole configuration file."""

    kafka: Kafka = Kafka()
    """Where events come from."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """The topics to read; at least one."""
    memory: Memory = Memory()
    """The byte budget."""
    checkpoint: Checkpoint = Checkpoint()
    """How often progress is written."""
    shutdown: Shutdown = Shutdown()
    """What a stop waits for."""
    watchdog: Watchdog = Watchdog()
    """What looks for work that does not move."""
    http: Http = Http()
    """Metrics and health."""
    egress: Egress = Egress()
    """Which addresses webhooks may connect to."""
    limits: Limits = Limits()
    """What all webhooks together may do to one receiver."""
    tenants: dict[str, Tenant] = Field({})
    """The tree of tenants: name -> its children."""
    event_sets: dict[str, EventSet] = Field({})
    """Named groups of event types, for `eventSets` of webhooks and rules."""
    presets: dict[str, Preset] = Field({})
    """Envelope presets of your own: name -> paths."""
    providers: dict[str, ProviderSpec] = Field({})
    """Payload formats of your own: name -> what the receiver wants, in the form of the built-in ones."""
    templates: dict[str, Template] = Field({})
    """Bodies of your own for `payload: {format: template, template: NAME}`."""
    providers_dir: str | None = None
    """Folder of further `providers`, relative to this file: one file each (.yaml, .yml, .json), which the provider is named after."""
    webhooks_dir: str | None = None
    """Folder of webhook files (.yaml, .yml, .json), relative to this file."""
    webhooks: tuple[Webhook, ...] = ()
    """Webhooks written in this file, beside those of `webhooksDir`."""

    @property
    def companies(self) -> dict[str, str]:
        """Company -> tenant, for every company of every tenant."""
        return {company: name for name, tenant in self.tenants.items() for company in tenant.companies}
