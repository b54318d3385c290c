"""A webhook receiver on 127.0.0.1 that checks signatures, counts repeats and misbehaves on demand.

For `forwarder listen`, the demo and the tests. Decides nothing about answers (behaviour.py) and knows no payload (arrivals.py).
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from forwarder.cli.arrivals import Arrival, Offsets, Seen, parse_offsets, unpacked
from forwarder.cli.behaviour import Answer, Behaviour, Dead, Ok, answer, parse_behaviour
from forwarder.cli.captures import Captured, Captures
from forwarder.cli.journal import Journal
from forwarder.cli.wire import pause, permission, send, told
from forwarder.clock import Clock, SystemClock
from forwarder.deliver.sign.schemes import SCHEMES
from forwarder.deliver.sign.verify import Rejected, verify
from forwarder.errors import ForwarderError

CONTROL_PATH = "/_behaviour"
MAX_BODY_BYTES = 256 * 1024 * 1024
_CLOSE_SECONDS = 0.05
"""How long requests in progress may take when the receiver closes or dies: it is meant to be abrupt."""


@dataclass(slots=True)
class Tally:
    """What came so far. Events are counted from accepted requests only; `signatures` counts those that do not hold."""

    requests: int = 0
    accepted: int = 0
    events: int = 0
    new: int = 0
    repeated: int = 0
    bytes: int = 0
    signatures: int = 0


class Receiver:
    """One receiver on one port, the same port for as long as the object is started, dead or alive.

    `keys` verify with `scheme`; without keys nothing is verified. `keep` bounds `arrivals` (None keeps all, with their bodies).
    `journal` gets a JSON line per accepted request before it is answered, so that evidence outlives this process; `capture` gets
    every request whole, for `forwarder verify`.
    """

    def __init__(
        self, *, port: int = 0, keys: Sequence[str] = (), scheme: str = "stalwart", behaviour: Behaviour | None = None,
        keep: int | None = None, journal: Path | None = None, on_arrival: Callable[[Arrival], None] | None = None,
        tls: ssl.SSLContext | None = None, clock: Clock | None = None, seed: int = 0, capture: Path | None = None,
    ) -> None:  # fmt: skip
        self.behaviour: Behaviour = behaviour or Ok()
        self.arrivals: deque[Arrival] = deque(maxlen=keep)
        self.tally = Tally()
        self._port = port
        self._keys = tuple(keys)
        self._scheme = SCHEMES[scheme]
        self._journal = Journal(journal) if journal else None
        self._captures = Captures(capture) if capture else None
        self._on_arrival = on_arrival
        self._tls = tls
        self._clock = clock or SystemClock()
        self._luck = random.Random(seed)
        self._seen = Seen()
        self._socket: socket.socket | None = None
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Event()
        self._changing = asyncio.Lock()
        self._pending: set[asyncio.Task[None]] = set()
        self._revival: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Takes the port (and listens, unless dead). Raises ForwarderError when it is in use."""
        self._take_port()
        await self.behave(self.behaviour)

    async def close(self) -> None:
        """Stops at once, cutting what is open. What came stays readable."""
        for task in self._pending:
            task.cancel()
        self._cancel_revival()
        await self._stop_serving()
        self._drop_port()
        if self._journal:
            self._journal.close()
            self._journal = None
        if self._captures:
            self._captures.close()
            self._captures = None

    async def behave(self, behaviour: Behaviour) -> None:
        """Changes the behaviour from now on; ends the waits of the former one."""
        async with self._changing:
            await self._change(behaviour)

    async def _change(self, behaviour: Behaviour) -> None:
        self._cancel_revival()
        self.behaviour = behaviour
        self._changed.set()
        self._changed = asyncio.Event()
        if not isinstance(behaviour, Dead):
            await self._serve()
            return
        await self._stop_serving()
        if self._socket is None:
            self._take_port()
        if behaviour.seconds is not None:
            loop = asyncio.get_running_loop()
            self._revival = loop.call_later(behaviour.seconds, lambda: self._soon(Ok()))

    # -- the port

    def _take_port(self) -> None:
        """Bound but not listening: connections are refused, and yet nobody else can take the port."""
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", self._port))
        except OSError as error:
            self._drop_port()
            why = "it is in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise ForwarderError(f"cannot listen on 127.0.0.1:{self._port}: {why}") from None
        # with the option set, Linux would let another socket that sets it bind beside this one
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        self._port = self._socket.getsockname()[1]

    def _drop_port(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _serve(self) -> None:
        if self._runner is not None or self._socket is None:
            return
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_get(CONTROL_PATH, self._get_behaviour)
        app.router.add_put(CONTROL_PATH, self._put_behaviour)
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_SECONDS, auto_decompress=False
        )
        await self._runner.setup()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await web.SockSite(self._runner, self._socket, ssl_context=self._tls, backlog=1024).start()

    async def _stop_serving(self) -> None:
        runner, self._runner = self._runner, None
        if runner is None:
            return
        await runner.cleanup()  # closes our socket too
        self._drop_port()

    def _soon(self, behaviour: Behaviour) -> None:
        task = asyncio.get_running_loop().create_task(self.behave(behaviour))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def _cancel_revival(self) -> None:
        if self._revival is not None:
            self._revival.cancel()
            self._revival = None

    # -- control

    async def _get_behaviour(self, _: web.Request) -> web.Response:
        return web.json_response({"behaviour": repr(self.behaviour), "tally": _as_dict(self.tally)})

    async def _put_behaviour(self, request: web.Request) -> web.Response:
        """Answers first: `dead` cuts this connection too."""
        try:
            behaviour = parse_behaviour(await request.text())
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self._soon, behaviour)
        return web.Response(status=202, text=f"{behaviour!r}\n")

    # -- requests

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        sent = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = unpacked(sent, headers.get("content-encoding", ""))
        whole = Captured(request.method, str(request.url), headers, sent, self._clock.wall())
        if self._captures:
            self._captures.write(whole)
        if granted := permission(request):
            return granted
        arrival = self._examine(whole, body)
        chosen = Answer(401, accepted=False)
        if arrival.verified is not False:
            chosen = answer(self.behaviour, body, self._luck.random())
        changed = self._changed
        taken = replace(arrival, status=told(chosen), accepted=chosen.accepted)
        if chosen.delay_before:
            await self._wait_for_turn(arrival, changed, chosen.delay_before)
        self._record(taken)
        if chosen.delay_after:
            await pause(changed, chosen.delay_after)
        return await send(request, chosen, changed)

    async def _wait_for_turn(self, arrival: Arrival, changed: asyncio.Event, seconds: float) -> None:
        """A sender that gives up meanwhile has delivered nothing."""
        try:
            await pause(changed, seconds)
        except asyncio.CancelledError:
            self._record(arrival)
            raise

    def _examine(self, whole: Captured, body: bytes) -> Arrival:
        """The signature covers the bytes as they were sent, before they are unpacked."""
        verified, reason = None, ""
        headers, now = whole.headers, self._clock.wall()
        if self._keys:
            result = verify(self._scheme, self._keys, headers, whole.body, now, method=whole.method, url=whole.url)
            verified = not isinstance(result, Rejected)
            reason = result.reason.value if isinstance(result, Rejected) else ""
        try:
            offsets = parse_offsets(headers.get("forwarder-offsets", ""))
        except ValueError as error:
            offsets, reason = Offsets(), reason or str(error)
        return Arrival(self._clock.wall(), headers, body, offsets, verified, reason, status=0, accepted=False)

    def _record(self, arrival: Arrival) -> None:
        self.tally.requests += 1
        self.tally.bytes += len(arrival.body)
        self.tally.signatures += arrival.verified is False
        if arrival.accepted:
            arrival = self._count(arrival)
            if self._journal:
                self._journal.write(arrival)
        self.arrivals.append(arrival)
        if self._on_arrival:
            self._on_arrival(arrival)

    def _count(self, arrival: Arrival) -> Arrival:
        count = arrival.count or len(arrival.events)
        cluster = arrival.headers.get("forwarder-cluster", "")
        new, repeated = self._seen.add(cluster, arrival.batch_id, arrival.offsets, count)
        self.tally.accepted += 1
        self.tally.events += new + repeated
        self.tally.new += new
        self.tally.repeated += repeated
        return replace(arrival, new=new, repeated=repeated)


def _as_dict(tally: Tally) -> dict[str, Any]:
    return {name: getattr(tally, name) for name in Tally.__slots__}
