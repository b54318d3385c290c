"""`egress.sourceAddress`: sockets that start from it. Connects nothing and judges no address."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress

from forwarder.settings.process import Egress

_BIND_ADDRESS_NO_PORT = 24 if sys.platform == "linux" else None
"""IP_BIND_ADDRESS_NO_PORT, ip(7): the port is chosen when connecting, else all receivers together share 28,000 of them."""


class NoSource(OSError):
    """There is no source address to start from. `text` is for people."""

    def __init__(self, target: str, why: str = "egress.sourceAddress has none of its family") -> None:
        super().__init__(f"{target}: {why}")
        self.text = f"no way to {target}: {why}"


def has_source(address: str, egress: Egress) -> bool:
    """Whether a connection to the address has somewhere to start from."""
    return not egress.source_address or source_for(":" in address, egress) is not None


def source_for(ipv6: bool, egress: Egress) -> str | None:
    """The configured address of the family."""
    return next((source for source in egress.source_address if (":" in source) == ipv6), None)


def start_from(sock: socket.socket, target: str, egress: Egress) -> None:
    """Bind the socket before it connects to `target`. Raises NoSource; the socket is then closed."""
    if not egress.source_address:
        return
    source = source_for(sock.family == socket.AF_INET6, egress)
    if source is None:
        sock.close()
        raise NoSource(target)
    if _BIND_ADDRESS_NO_PORT is not None:
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    try:
        sock.bind((source, 0))
    except OSError as error:
        sock.close()
        word = errno.errorcode.get(error.errno or 0, "OSError")
        raise NoSource(target, f"egress.sourceAddress {source} cannot be used here ({word})") from error
