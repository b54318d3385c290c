"""Whether the process moves and is ready, and the HTTP server that says so and shows the metrics.

The server answers before Kafka does. It judges nothing: others set the conditions.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from forwarder.clock import Clock
from forwarder.errors import StartupError
from forwarder.observe.metrics import Metrics
from forwarder.observe.redact import SECRETS

STALLED_AFTER_S = 15.0
"""Longer than any pause that is no fault (garbage collection, a large reload), shorter than a person's patience."""

_LISTEN = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]\s]*)):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Condition:
    """`reason` says what is missing, for people."""

    ok: bool
    reason: str = ""


class Health:
    """Alive while somebody calls `beat` and nothing is stuck for good;
    ready while every condition holds. A condition starts as not fulfilled."""

    def __init__(self, clock: Clock, conditions: Iterable[str], stalled_after: float = STALLED_AFTER_S) -> None:
        self._clock = clock
        self._conditions = {name: Condition(False, "not yet") for name in conditions}
        self._stalled_after = stalled_after
        self._beat: float | None = None
        self.books: Callable[[], dict[str, object]] = dict
        """What `GET /books` shows; set by whoever keeps them."""
        self.jwks: Callable[[], dict[str, object]] = lambda: {"keys": []}
        """What `GET /.well-known/jwks.json` shows: public keys only; set by whoever knows them."""
        self.events: Callable[[], Callable[[], dict[str, object]]] = lambda: lambda: {"webhooks": [], "types": []}
        """What `GET /events` shows, in two steps: a snapshot, and what makes the document of it; set by whoever reads events."""
        self.stuck: tuple[str, ...] = ()
        """What has been stuck for so long that a restart is the way out, for people; set by the watchdog."""
        self.beats = 0
        """Counts up with each beat: a watchdog in another thread compares it with what it saw last, without a clock."""

    def beat(self) -> None:
        """The process moves."""
        self.beats += 1
        self._beat = self._clock.monotonic()

    def set(self, name: str, ok: bool, reason: str = "") -> None:
        """Fulfil a condition or say why it is not."""
        self._conditions[name] = Condition(ok, SECRETS.text(reason))

    @property
    def conditions(self) -> dict[str, Condition]:
        """A copy of all conditions by name."""
        return dict(self._conditions)

    @property
    def ready(self) -> bool:
        """All conditions hold."""
        return all(condition.ok for condition in self._conditions.values())

    @property
    def stalled_for(self) -> float:
        """Seconds since the last beat, 0 before the first. Read it on the event loop's thread."""
        return 0.0 if self._beat is None else max(0.0, self._clock.monotonic() - self._beat)

    @property
    def alive(self) -> bool:
        """The last beat is recent enough, and nothing is stuck for good."""
        return self.stalled_for < self._stalled_after and not self.stuck


def parse_listen(listen: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9090`, `[::1]:9090`, `localhost:0` or `:9090` (every address: host is "").

    Raises StartupError naming `http.listen`.
    """
    match = _LISTEN.fullmatch(listen.strip())
    if match is None or int(match["port"]) > 65535:
        raise StartupError(
            f"http.listen: {listen!r} is not HOST:PORT, such as 127.0.0.1:9090 or [::]:9090", retryable=False
        )
    return match["v6"] or match["host"] or "", int(match["port"])


class HealthServer:
    """`/metrics`, `/livez`, `/readyz`, `/books`, `/events` and `/.well-known/jwks.json`. Never started twice."""

    def __init__(self, listen: str, metrics: Metrics, health: Health) -> None:
        self._listen = listen
        self._metrics = metrics
        self._health = health
        self._scraping = asyncio.Lock()
        # Its own thread: the default pool may be full of name look-ups just when metrics matter most.
        self._thread = ThreadPoolExecutor(1, "metrics")
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._show),
                web.get("/livez", self._live),
                web.get("/readyz", self._ready),
                web.get("/books", self._books),
                web.get("/.well-known/jwks.json", self._jwks),
                web.get("/events", self._events),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)

    async def start(self) -> tuple[str, int]:
        """Serve; the address really bound (port 0 chooses a free one). Raises StartupError naming `http.listen`."""
        host, port = parse_listen(self._listen)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host or None, port).start()
        except OSError as error:
            await self.stop()
            why = error.strerror or str(error)
            text = f"http.listen: cannot serve on {self._listen}: {why}; choose another http.listen or free this one"
            raise StartupError(text, retryable=False) from None
        self._health.beat()
        bound = self._runner.addresses[0]
        logging.getLogger(__name__).debug("serving metrics and health on %s port %d", bound[0], bound[1])
        return bound[0], bound[1]

    async def stop(self) -> None:
        """Close the port and all connections."""
        await self._runner.cleanup()
        self._thread.shutdown(wait=False)

    async def _show(self, request: web.Request) -> web.Response:
        """A thousand webhooks make megabytes: written in a thread, one scrape at a time, so that delivery goes on."""
        async with self._scraping:
            self._metrics.refresh()
            expose = self._metrics.expose
            loop = asyncio.get_running_loop()
            body, content_type = await loop.run_in_executor(self._thread, expose, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _books(self, _request: web.Request) -> web.Response:
        """The accounts of all webhooks as of one moment."""
        return await self._told(lambda: {"webhooks": self._health.books()}, lambda books: books)

    async def _events(self, _request: web.Request) -> web.Response:
        """The event types seen as of one moment."""
        return await self._told(self._health.events, lambda made: made())

    async def _told(self, snapshot: Callable[[], Any], document: Callable[[Any], object]) -> web.Response:
        """A document of one moment; put into words in the thread, as metrics are."""
        async with self._scraping:
            taken = snapshot()
            loop = asyncio.get_running_loop()
            text = await loop.run_in_executor(self._thread, lambda: json.dumps(document(taken)))
        return web.Response(text=text, content_type="application/json")

    async def _jwks(self, _request: web.Request) -> web.Response:
        """Receivers may keep it for a while: keys are told well before they sign, and a while after."""
        text = json.dumps(self._health.jwks())
        headers = {"Cache-Control": "public, max-age=300"}
        return web.Response(text=text, content_type="application/jwk-set+json", headers=headers)

    async def _live(self, _request: web.Request) -> web.Response:
        alive, stalled = self._health.alive, self._health.stalled_for
        told = {"alive": alive, "stalledForSeconds": round(stalled, 3), "stuck": list(self._health.stuck)}
        return web.json_response(told, status=200 if alive else 503)

    async def _ready(self, _request: web.Request) -> web.Response:
        conditions = {
            name: {"ok": condition.ok, "reason": condition.reason}
            for name, condition in self._health.conditions.items()
        }
        ready = self._health.ready
        return web.json_response({"ready": ready, "conditions": conditions}, status=200 if ready else 503)
