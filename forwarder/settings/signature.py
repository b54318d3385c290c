"""How a webhook's requests are signed. Holds settings only; the schemes are in deliver/sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from forwarder.settings.secrets import Secret
from forwarder.settings.types import Duration, Model, Start, parse_start

SchemeName = Literal[
    "stalwart", "standard-webhooks", "github", "stripe", "slack", "sift", "sift-stack", "custom", "rfc9421"
]
Algorithm = Literal["hmac-sha256", "hmac-sha512", "hmac-sha1", "ed25519", "ecdsa-p256-sha256"]
Encoding = Literal["hex", "base64", "base64url"]
KeyEncoding = Literal["plain", "base64", "hex", "whsec"]
TimestampUnit = Literal["s", "ms", "rfc3339"]

COMPONENTS = ("@method", "@target-uri", "content-digest", "content-type", "forwarder-batch-id")
"""What an RFC 9421 signature covers unless told otherwise: a change of any of these is noticed."""


def _moment(text: str) -> str:
    """Raises ValueError for anything but a time with its zone (RFC 3339)."""
    try:
        if isinstance(parse_start(text), Start):
            raise ValueError
    except ValueError:
        raise ValueError("a time is expected, such as 2026-01-31T12:00:00Z") from None
    return text.strip()


Moment = Annotated[str, AfterValidator(_moment)]


class KeyState(Enum):
    """Whether a key signs now. The value is a metric label."""

    ACTIVE = "active"
    UPCOMING = "upcoming"
    EXPIRED = "expired"


class SigningKey(Model):
    """A key with a name and a time in which it signs."""

    key: Secret
    """The key: text for HMAC; `whsk_...` or a PEM private key for Ed25519; PEM for ECDSA P-256."""
    id: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Name of the key in metrics, in `keyid` (RFC 9421) and in `kid` (JWKS); a fingerprint when not set."""
    not_before: Moment | None = None
    """It signs from this time on (RFC 3339)."""
    not_after: Moment | None = None
    """It signs until this time (RFC 3339), itself not included."""

    def state(self, now: float) -> KeyState:
        """At `now`, in seconds since the Unix epoch."""
        if self.not_after is not None and now >= seconds(self.not_after):
            return KeyState.EXPIRED
        if self.not_before is not None and now < seconds(self.not_before):
            return KeyState.UPCOMING
        return KeyState.ACTIVE


def seconds(moment: str) -> float:
    """Of a checked RFC 3339 time, since the Unix epoch."""
    return datetime.fromisoformat(moment.upper()).timestamp()


def _key_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "@key" if value and "@type" not in value else "@secret"
    return "@key" if isinstance(value, SigningKey) else "@secret"


Key = Annotated[Annotated[SigningKey, Tag("@key")] | Annotated[Secret, Tag("@secret")], Discriminator(_key_kind)]


class Signature(Model):
    """Which scheme signs the body, with which keys. The fields below `keys` shape `custom`, `sift`, `sift-stack` and `rfc9421`."""

    scheme: SchemeName = "stalwart"
    """stalwart: `X-Signature`; standard-webhooks: `Webhook-Signature`; github: `X-Hub-Signature-256`; stripe: `Stripe-Signature`;
    slack: `X-Slack-Signature`; sift: `X-Sift-Science-Signature`; sift-stack: `X-Sift-Signature`; rfc9421: `Signature`."""
    keys: tuple[Key, ...] = ()
    """Keys, newest first: a secret, or `{key, id, notBefore, notAfter}`. All that are valid now sign, if the scheme knows several."""
    algorithm: Algorithm | None = None
    """hmac-sha256 unless set; for rfc9421 the key's own kind. sift knows hmac-sha256 and hmac-sha1."""
    encoding: Encoding | None = None
    """How the signature is written: custom and sift-stack; hex unless set."""
    content: str | None = Field(None, min_length=1)
    """What is signed: text with `{id} {timestamp} {sentAt} {body} {method} {url} {path}`; `{body}` unless set.
    custom, sift, sift-stack."""
    header: str | None = Field(None, min_length=1)
    """Name of the header that holds the signature: custom (required), sift, sift-stack."""
    value: str | None = None
    """That header's value: text with `{signature}` once, and the variables of `content` but `{body}`. `{signature}` unless set."""
    separator: str | None = Field(None, min_length=1)
    """What stands between the signatures of several valid keys in `{signature}`; not set: only the newest valid key signs."""
    timestamp_unit: TimestampUnit = "s"
    """What `{timestamp}` is: seconds or milliseconds since 1970, or an RFC 3339 time. custom, sift, sift-stack."""
    timestamp_header: str | None = Field(None, min_length=1)
    """Header that tells `{timestamp}`: custom, sift, sift-stack."""
    id_header: str | None = Field(None, min_length=1)
    """Header that tells `{id}`, the batch's id, which stays the same on every retry: custom, sift, sift-stack."""
    sent_at_header: str | None = Field(None, min_length=1)
    """Header that tells `{sentAt}`, when the batch was first made (RFC 3339): custom, sift, sift-stack."""
    key_encoding: KeyEncoding = "plain"
    """How HMAC keys are written: plain: their text is the key; base64; hex; whsec: `whsec_` and base64.
    custom, sift, sift-stack, rfc9421."""
    components: tuple[str, ...] = COMPONENTS
    """What an RFC 9421 signature covers: `@method @target-uri @authority @scheme @path @query`, and names of headers that are sent."""
    expires: Duration | None = Field(None, gt=0)
    """How long an RFC 9421 signature holds (its `expires`); not set: none is written."""
    nonce: bool = False
    """Write an RFC 9421 `nonce`: different at each attempt."""
    tag: str | None = Field(None, pattern=r"^[ !#-\[\]-~]{1,64}$")
    """The RFC 9421 `tag`: names the application, where a receiver asks for one."""


@dataclass(frozen=True, slots=True)
class Named:
    """A key with the place in the configuration where it stands."""

    key: SigningKey
    path: tuple[str | int, ...]


def listed(single: Secret, signature: Signature | None) -> tuple[Named, ...]:
    """All keys, newest first: `signatureKey`, then `signature.keys`. Those of type None are no keys."""
    found = [] if single.type == "None" else [Named(SigningKey(key=single), ("signatureKey",))]
    for index, key in enumerate(signature.keys if signature else ()):
        path = ("signature", "keys", index)
        found.append(Named(key, path) if isinstance(key, SigningKey) else Named(SigningKey(key=key), path))
    return tuple(named for named in found if named.key.key.type != "None")
