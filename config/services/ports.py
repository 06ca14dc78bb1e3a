"""Free ports of this machine, and the one way a server can fail to start."""

from __future__ import annotations

import socket


class ServerFailed(Exception):
    """A server could not be started; the text says why, with the end of its log."""


def free_port(wish: int | None = None) -> int:
    """A free port of 127.0.0.1: the wished one when nobody listens there, else any."""
    for port in (wish or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise ServerFailed("No free port on 127.0.0.1.")
