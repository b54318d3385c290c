"""The handshake of CloudEvents' webhooks: may we send, and how often? Holds what was granted; opens no connection itself.

Source: github.com/cloudevents/spec, "HTTP 1.1 Web Hooks for Event Delivery", 1.0.2, section 4 (Abuse Protection).
"""

from __future__ import annotations

import asyncio
import math
import re
from dataclasses import dataclass, field, replace

from forwarder.deliver.payload.provider import Talk
from forwarder.model.attempt import Failure, Response

ORIGIN_HEADER = "WebHook-Request-Origin"
RATE_HEADER = "WebHook-Request-Rate"
REFUSED = ":handshake"
"""In the headers of a response that refuses: why. No receiver can send a header of this name (RFC 9110, section 5.1)."""
_WITHDRAWN = frozenset({401, 403, 404, 405, 410})
_REFUSAL_STATUS = 403
_RATE = re.compile(r"\*|[1-9][0-9]{0,8}", re.ASCII)


@dataclass(slots=True)
class Handshake:
    """One webhook's permission. `rate` is what is asked for, in requests per minute (0: nothing is); `lasts` in seconds."""

    origin: str
    rate: int
    lasts: float
    _until: float = -math.inf
    _spacing: float = 0.0
    _next: float = -math.inf
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def before(self, talk: Talk) -> Response | Failure | None:
        """Ask where there is no permission that still holds, and keep to the rate. None: go ahead."""
        async with self._asking:  # requests that start together ask once
            if talk.now >= self._until:
                refusal = await self._ask(talk)
                if refusal is not None:
                    return refusal
            return await self._turn(talk)

    def after(self, response: Response) -> None:
        """A delivery that is refused like this may mean that the permission is gone."""
        if response.status in _WITHDRAWN:
            self._until = -math.inf

    async def _ask(self, talk: Talk) -> Response | Failure | None:
        headers = {ORIGIN_HEADER: self.origin} | ({RATE_HEADER: str(self.rate)} if self.rate else {})
        answer = await talk.send("OPTIONS", talk.url, b"", "application/cloudevents+json", headers)
        if isinstance(answer, Failure) or answer.status in (408, 410, 425, 429) or answer.status >= 500:
            return answer
        problem = self._problem(answer)
        if problem:
            status = answer.status if answer.status >= 400 else _REFUSAL_STATUS
            return replace(answer, status=status, headers={**answer.headers, REFUSED: problem})
        allowed = answer.headers.get("webhook-allowed-rate", "*").strip()
        self._spacing = 0.0 if allowed == "*" else 60.0 / int(allowed)
        self._until = talk.now + self.lasts
        return None

    def _problem(self, answer: Response) -> str:
        """Why the answer is no permission. Its status says nothing about that (section 4.2)."""
        origin = answer.headers.get("webhook-allowed-origin", "").strip()
        rate = answer.headers.get("webhook-allowed-rate", "*").strip()
        if not origin:
            return f"status {answer.status} to OPTIONS without WebHook-Allowed-Origin: the receiver does not allow delivery"
        if origin != "*" and origin.lower() != self.origin.lower():
            return f"the receiver allows {origin[:100]!r}, not {self.origin!r}"
        if not _RATE.fullmatch(rate):
            return f"WebHook-Allowed-Rate {rate[:100]!r} is neither * nor a number above zero"
        return ""

    async def _turn(self, talk: Talk) -> Response | None:
        """Wait for this request's place in the permitted rate; where that is too far off, come back then."""
        wait = max(0.0, self._next - talk.now)
        if wait and not await talk.pause(wait):
            return Response(429, {"retry-after": str(math.ceil(wait))})
        self._next = talk.now + self._spacing
        return None
