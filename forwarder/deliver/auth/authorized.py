"""One request with a token: fetched before, and fetched once more where the receiver answers 401. Knows no login and no request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from forwarder.deliver.auth.account import Account
from forwarder.deliver.auth.token import Token
from forwarder.deliver.auth.tokens import Tokens
from forwarder.deliver.redact import scrubbed
from forwarder.model.attempt import Failure, Response

_UNAUTHORIZED = 401

Sending = Callable[[Token], Awaitable[Response | Failure]]


async def authorized(tokens: Tokens, account: Account, left: Callable[[], float], send: Sending) -> Response | Failure:
    """What `send` says at last. `left` is the attempt's time (seconds). The token is blotted out of what the receiver echoes."""
    token = await tokens.get(account, left())
    if isinstance(token, Failure):
        return token
    result = await send(token)
    if _refused(result) and left() > 0:
        renewed = await tokens.renew(account, token, left())
        if isinstance(renewed, Failure):
            return renewed
        if renewed is not token:
            token = renewed
            result = await send(token)
    if not isinstance(result, Response):
        return result
    if not _refused(result):
        tokens.accepted(account, token)
    return scrubbed(result, (token.value,))


def _refused(result: Response | Failure) -> bool:
    return isinstance(result, Response) and result.status == _UNAUTHORIZED
