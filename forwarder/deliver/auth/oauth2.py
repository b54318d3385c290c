"""`OAuth2`: the request for an access token (RFC 6749, sections 2.3.1 and 4.4; RFC 7523). Sends nothing itself."""

from __future__ import annotations

import base64
import secrets
from urllib.parse import quote_plus

from forwarder.deliver.auth.asking import FORM, Asking, form, texts
from forwarder.deliver.auth.assertion import assertion
from forwarder.deliver.auth.secret import required
from forwarder.settings.auth import OAuth2

_ASSERTION_SECONDS = 300
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def asking(auth: OAuth2, now: float) -> Asking:
    """The request at `now` (Unix seconds). Raises SecretUnavailable."""
    said = texts(auth.params, "the token request's parameter")
    said["grant_type"] = _JWT_BEARER if auth.grant == "jwtBearer" else "client_credentials"
    if auth.scopes:
        said["scope"] = " ".join(auth.scopes)
    if auth.audience:
        said["audience"] = auth.audience
    headers: list[tuple[str, str]] = []
    if auth.private_key.type != "None":
        said |= _asserted(auth, _assertion(auth, required(auth.private_key, "privateKey"), now))
    else:
        secret = required(auth.client_secret, "clientSecret")
        if auth.auth_style == "body":
            said |= {"client_id": auth.client_id, "client_secret": secret}
        else:
            headers.append(("Authorization", _basic(auth.client_id, secret)))
    return Asking(auth.token_url, FORM, form(said), tuple(headers))


def _asserted(auth: OAuth2, proof: str) -> dict[str, str]:
    if auth.grant == "jwtBearer":
        return {"assertion": proof}
    return {"client_id": auth.client_id, "client_assertion_type": _CLIENT_ASSERTION, "client_assertion": proof}


def _assertion(auth: OAuth2, pem: str, now: float) -> str:
    """RFC 7523, section 3. A new `jti` each time: servers refuse an assertion that they have seen."""
    granting = auth.grant == "jwtBearer"
    claims: dict[str, str | int] = {
        "iss": auth.client_id,
        "aud": auth.assertion_audience or auth.token_url,
        "iat": int(now),
        "exp": int(now) + _ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    subject = auth.subject or ("" if granting else auth.client_id)
    claims |= {"sub": subject} if subject else {}
    claims |= {"scope": " ".join(auth.scopes)} if granting and auth.scopes else {}
    return assertion(pem, claims, auth.key_id)


def _basic(client: str, secret: str) -> str:
    """Both parts are encoded as in a form before they are joined (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
