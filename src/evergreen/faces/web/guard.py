"""What every request must pass before it is looked at: it comes from this machine, not from a page elsewhere.

Without logins the server binds to this machine only. A foreign page in a browser on this machine could still reach it:
Host (DNS rebinding), Origin and Sec-Fetch-Site (cross-site requests) are checked for that.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from evergreen.core.errors import Denied, Invalid
from evergreen.faces.web.answers import problem_answer

__all__ = ["Guard", "require_loopback"]

LARGEST_BODY_BYTES = 8 << 20
LARGEST_OBJECT_BYTES = 4 << 30


class Guard:
    """ASGI middleware that refuses foreign hosts, foreign pages and bodies that are too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with what is wrong."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        error = _foreign(headers) or _too_large(headers, scope["path"])
        if error is not None:
            await problem_answer(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def require_loopback(host: str) -> None:
    """Raise ``Denied`` unless ``host`` is this machine: other addresses need logins, which this version has not."""
    if not _is_loopback(host):
        raise Denied(
            f"cannot listen on {host}: without logins Evergreen answers this machine only",
            hint="use --host 127.0.0.1; to reach it from elsewhere, use an SSH tunnel",
        )


def _foreign(headers: dict[str, str]) -> Denied | None:
    host = headers.get("host", "")
    if not _is_loopback(_name_of(f"//{host}")):
        return Denied(f'the request is for host "{host[:80]}", not for this machine', hint="use http://127.0.0.1:PORT")
    origin = headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return Denied(f'the request comes from a page of "{origin[:80]}"')
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return Denied("the request comes from another site's page")
    return None


def _too_large(headers: dict[str, str], path: str) -> Invalid | None:
    most = LARGEST_OBJECT_BYTES if "/objects/" in path else LARGEST_BODY_BYTES
    length = headers.get("content-length", "0")
    if "chunked" in headers.get("transfer-encoding", "") or not length.isdigit():
        return Invalid("the request does not say how long it is", hint="send a Content-Length header")
    if int(length) > most:
        return Invalid(f"the request has {int(length):,} bytes, at most {most:,} fit", hint="send it in parts")
    return None


def _name_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a bracket that does not close
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
