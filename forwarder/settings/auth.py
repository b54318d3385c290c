"""How a webhook logs in to its receiver: the tagged union of `httpAuth`. Holds no other field of a webhook."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from forwarder.settings.secrets import NO_SECRET, Secret, TextOrSecret
from forwarder.settings.types import Duration, Model, Strings


class Unauthenticated(Model):
    """No authentication."""

    type: Literal["Unauthenticated"] = Field("Unauthenticated", alias="@type")


class Basic(Model):
    """HTTP Basic (RFC 7617)."""

    type: Literal["Basic"] = Field("Basic", alias="@type")
    username: str
    """User name; must not hold a colon."""
    secret: Secret
    """Password."""


class Bearer(Model):
    """`Authorization: Bearer ...` (RFC 6750)."""

    type: Literal["Bearer"] = Field("Bearer", alias="@type")
    bearer_token: Secret
    """Token."""


class HeaderAuth(Model):
    """A header of the receiver's own choosing."""

    type: Literal["Header"] = Field("Header", alias="@type")
    name: str
    """Name of the header."""
    value: Secret
    """Its whole value."""


class TokenAuth(Model):
    """What the forms that fetch a token have in common: where it stands in the answer, how long it holds, where it goes."""

    header: str = "Authorization"
    """Header of the webhook's requests that carries the token."""
    prefix: str = "Bearer "
    """What stands before the token in the header; may be empty."""
    token_path: str = ""
    """Path of the token in the JSON answer, such as `data.access_token`, `tokens[0]` or `data["access.token"]`; not set: the usual
    names (`access_token`, `accessToken`, `token`, `jwt`), also inside `data` and `result`."""
    expires_in_path: str = ""
    """Path of the token's lifetime in seconds; not set: `expires_in` or `expiresIn` beside the token."""
    expires_at_path: str = ""
    """Path of the moment when the token ends: RFC 3339, or seconds or milliseconds since 1970."""
    lifetime: Duration = Field(3600.0, ge=1)
    """How long a token is used where the answer does not say. A 401 ends it at once in any case."""


class Login(TokenAuth):
    """User name and password are sent to a login URL; the token in its answer goes into a header of every request."""

    type: Literal["Login"] = Field("Login", alias="@type")
    url: str = Field(repr=False)
    """Where to log in, by POST. https only, unless the webhook's `allowPlainHttp`."""
    username: str
    """User name."""
    secret: Secret
    """Password."""
    as_: Literal["json", "form"] = Field("json", alias="as")
    """How the login is written: a JSON object, or an HTML form."""
    username_field: str = Field("username", min_length=1)
    """Name of the user name in it."""
    password_field: str = Field("password", min_length=1)
    """Name of the password in it."""
    fields: dict[str, TextOrSecret] = Field({}, repr=False)
    """Further fields of the login: name -> text or secret."""
    headers: dict[str, TextOrSecret] = Field({}, repr=False)
    """Headers of the login request: name -> text or secret."""


class OAuth2(TokenAuth):
    """OAuth 2.0: client credentials (RFC 6749, section 4.4), with a client secret or a signed assertion (RFC 7523)."""

    type: Literal["OAuth2"] = Field("OAuth2", alias="@type")
    token_url: str = Field(repr=False)
    """The token endpoint. https only, unless the webhook's `allowPlainHttp`."""
    client_id: str = Field(min_length=1)
    """Client identifier."""
    client_secret: Secret = NO_SECRET
    """Client secret; this or `privateKey`."""
    private_key: Secret = NO_SECRET
    """Private key (PEM, without a password) that signs an assertion instead: RSA signs RS256, P-256 ES256, Ed25519 EdDSA."""
    key_id: str = ""
    """`kid` of the assertion."""
    assertion_audience: str = ""
    """`aud` of the assertion; not set: `tokenUrl`."""
    subject: str = ""
    """`sub` of the assertion; not set: `clientId` (with `grant: jwtBearer` none)."""
    grant: Literal["clientCredentials", "jwtBearer"] = "clientCredentials"
    """jwtBearer: the assertion itself is the grant (RFC 7523, section 2.1), as Google's service accounts want it."""
    scopes: Strings = ()
    """Scopes to ask for."""
    audience: str = ""
    """The request's `audience`, where the server wants one."""
    params: dict[str, TextOrSecret] = Field({}, repr=False)
    """Further parameters of the request, such as `resource`: name -> text or secret."""
    auth_style: Literal["header", "body"] = "header"
    """Where the client secret goes: HTTP Basic, or the body."""


class AwsSigV4(Model):
    """AWS Signature Version 4: every request is signed with an access key. `X-Amz-Date` and the body are covered."""

    type: Literal["AwsSigV4"] = Field("AwsSigV4", alias="@type")
    region: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    """Region, such as `eu-central-1`."""
    service: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    """Service, such as `execute-api`, `es`, `aoss` or `lambda`."""
    access_key_id: str = Field(pattern=r"^[\w]{1,128}$")
    """Access key id."""
    secret_access_key: Secret
    """Secret access key."""
    session_token: Secret = NO_SECRET
    """Session token of temporary credentials."""


HttpAuth = Annotated[
    Unauthenticated | Basic | Bearer | HeaderAuth | Login | OAuth2 | AwsSigV4, Field(discriminator="type")
]
