"""Binding a port and serving on it, with one line on stdout once requests are answered."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

import uvicorn

from evergreen.core.errors import Unavailable
from evergreen.execution.fresh import parent_is_alive
from evergreen.faces.web.guard import require_loopback

__all__ = ["bind", "serve"]


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        Denied: the host is not this machine.
        Unavailable: the port is in use.
    """
    require_loopback(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio would not set TCP_NODELAY, and each answer would wait 40 ms for a delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise Unavailable(
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="use another --port (0 takes a free one), or stop what listens there",
                port=port,
            ) from error
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}", hint="check --host") from error
    listener.listen(128)
    return listener


def serve(app: Any, listener: socket.socket) -> None:  # an ASGI application
    """Serve ``app`` until a signal comes; requests under way are finished."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, http="httptools", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    threading.Thread(target=_end_with_parent, args=(server,), name="parent", daemon=True).start()
    server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    """Shut down when whoever started this process is gone, where that was asked for."""
    waiting = threading.Event()
    while parent_is_alive():
        waiting.wait(0.5)
    server.should_exit = True
