"""Resolves names for the HTTP client and lets only permitted addresses through. Never connects."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp.abc import AbstractResolver, ResolveResult

from forwarder.deliver.egress import Allowed, Denied, EgressDenied, Special, local_name, verdict_of
from forwarder.deliver.source import NoSource, has_source
from forwarder.settings.process import Egress

_LOOKUPS_AT_ONCE = 64

Found = tuple[socket.AddressFamily, str]
"""Family and numeric address."""

Lookup = Callable[[str, socket.AddressFamily], Awaitable[list[Found]]]
"""Resolves a name; raises OSError."""


class GuardedResolver(AbstractResolver):
    """Drops refused addresses, and those of a family that `egress.sourceAddress` leaves out; raises EgressDenied or NoSource when none
    is left, and OSError when the name does not resolve."""

    def __init__(self, egress: Egress, lookup: Lookup | None = None) -> None:
        self._egress = egress
        self._lookup = lookup or SystemLookup().lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._lookup(host, family)
        judged = [(kind, address, verdict_of(address, self._egress)) for kind, address in found]
        permitted = [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=socket.IPPROTO_TCP, flags=0)
            for kind, address, verdict in judged
            if isinstance(verdict, Allowed)
        ]
        usable = [found for found in permitted if has_source(found["host"], self._egress)]
        if usable:
            return usable
        if permitted:
            raise NoSource(permitted[0]["host"])
        for _, address, verdict in judged:
            if isinstance(verdict, Denied):
                raise EgressDenied(f"{host} ({address})", verdict.reason)
        raise socket.gaierror(socket.EAI_NONAME, "the name has no address")

    async def close(self) -> None:
        """Nothing is held."""


class PassingResolver(AbstractResolver):
    """Leaves names as they are: a proxy resolves them. Refuses those that mean the local machine or a metadata service."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        refuse_local_name(host, self._egress)
        return [ResolveResult(hostname=host, host=host, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""


def refuse_local_name(host: str, egress: Egress) -> None:
    """Raises EgressDenied for a name that means the local machine or a metadata service; where somebody else resolves it."""
    if egress.guard and local_name(host):
        raise EgressDenied(host, Special.LOCAL_NAME)


class SystemLookup:
    """getaddrinfo in threads of its own: a name server that hangs must not fill the pool that everybody shares, and must
    not hold up the end of the process either (the threads are daemons)."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

    async def lookup(self, host: str, family: socket.AddressFamily) -> list[Found]:
        """Addresses in the system's order of preference. Raises OSError."""
        async with self._room:
            return await _in_daemon_thread(lambda: _addresses(host, family))


def _addresses(host: str, family: socket.AddressFamily) -> list[Found]:
    try:
        answers = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    found: list[Found] = []
    for kind, _, _, _, address in answers:
        scope = f"%{address[3]}" if kind == socket.AF_INET6 and len(address) == 4 and address[3] else ""
        found.append((kind, f"{address[0]}{scope}"))
    return found


async def _in_daemon_thread(call: Callable[[], list[Found]]) -> list[Found]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[Found]] = loop.create_future()

    def settle(result: list[Found] | OSError) -> None:
        if future.done():  # nobody waits any more
            return
        if isinstance(result, OSError):
            future.set_exception(result)
        else:
            future.set_result(result)

    def run() -> None:
        result: list[Found] | OSError
        try:
            result = call()
        except OSError as error:
            result = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=run, name="forwarder-dns", daemon=True).start()
    return await future
