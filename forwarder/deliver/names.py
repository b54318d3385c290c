"""What counts as a host name. Pure text; resolves nothing."""

from __future__ import annotations

import re

_HOST = re.compile(r"[A-Za-z0-9_.-]{1,255}")


def is_host_name(host: str) -> bool:
    """Whether a resolver, or a proxy, may be asked about it: letters, digits, hyphens and dots after IDNA (RFC 5890, RFC 952), and
    underscores, which are common. Anything else (percent signs, spaces) means different things to different ones."""
    return _HOST.fullmatch(host) is not None
