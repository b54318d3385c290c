"""Checks of URLs: scheme, host, and that no password is written into one. Never quotes more than scheme and host."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from forwarder.settings.problems import Finding, Weight, nearest, safe_url
from forwarder.settings.process import PROXY_PORTS, Egress, Settings

_INSTEAD = 'httpAuth: {"@type": Basic, ...}'


def addresses(settings: Settings) -> Iterator[Finding]:
    """All URLs."""
    for index, hook in enumerate(settings.webhooks):
        for text, weight in url_problems(hook.url, hook.allow_plain_http):
            yield Finding(("url",), text, index, weight)
    for field, text in _proxy(settings.egress):
        yield Finding(("egress", field), text)
    if not settings.egress.guard:
        text = "is off: every URL may lead into this network and to a metadata service; `egress.allow` permits what is needed"
        yield Finding(("egress", "guard"), text, weight=Weight.WARNING)


def _proxy(egress: Egress) -> Iterator[tuple[str, str]]:
    named = bool(egress.proxy_username) or egress.proxy_password.type != "None"
    if egress.proxy is None:
        if named or egress.proxy_ca_file:
            yield "proxy", "is missing, and proxyUsername, proxyPassword or proxyCaFile are given"
        return
    parts = _split(egress.proxy)
    if parts is None or parts.scheme not in PROXY_PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        yield (
            "proxy",
            "a proxy is expected: http://, https://, socks5:// or socks5h:// with host and port, such as http://proxy:3128",
        )
    elif "@" in parts.netloc:
        yield "proxy", "the URL holds a user or password, which would end in logs; use proxyUsername and proxyPassword"
    elif egress.proxy_ca_file and parts.scheme != "https":
        yield "proxyCaFile", "has no effect: the proxy is not https"
    if egress.proxy_username and egress.proxy_password.type == "None":
        yield "proxyPassword", "is missing beside proxyUsername"
    if egress.proxy_password.type != "None" and not egress.proxy_username:
        yield "proxyUsername", "is missing beside proxyPassword"


def _split(url: str) -> SplitResult | None:
    """The parts; None where the text is no URL. Spaces and control characters are never part of one."""
    if any(ord(character) <= 32 or ord(character) == 127 for character in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def url_problems(
    url: str, plain_allowed: bool, carried: str = "events", instead: str = _INSTEAD
) -> Iterator[tuple[str, Weight]]:
    """What is wrong with a URL that `carried` is sent to; `instead` is where a user and password belong."""
    parts = _split(url)
    if "@" in url.partition("://")[2].partition("?")[0].partition("#")[0] and (parts is None or "@" in parts.netloc):
        yield f"the URL holds a user or password, which would end in logs; use {instead}", Weight.ERROR
    elif parts is None or not parts.scheme or not parts.hostname:
        yield (
            f"an absolute URL with a host is expected, such as https://siem.example/events ({safe_url(url)!r})",
            Weight.ERROR,
        )
    elif parts.scheme not in ("https", "http"):
        yield f"the scheme must be https{nearest(parts.scheme, ('https',))} ({parts.scheme!r})", Weight.ERROR
    elif parts.scheme == "http" and not plain_allowed:
        yield f"http sends {carried} in the clear; use https, or say allowPlainHttp: true", Weight.ERROR
    elif parts.scheme == "http":
        yield f"http sends {carried} in the clear: everybody on the way can read and change them", Weight.WARNING
    if parts is not None and parts.fragment:
        yield "a fragment (#...) is never sent; remove it", Weight.ERROR
