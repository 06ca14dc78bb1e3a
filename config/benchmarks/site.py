"""The product's WSGI application, called inside this process as a server would, with what it does with connections."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections


def _heard(_status: str, _headers: list[tuple[str, str]], _fault: Any = None, /) -> Callable[[bytes], object]:
    """What a server does with the head of an answer: here, nothing."""
    return lambda _part: None


class Site:
    """The product's WSGI application, called as a server would."""

    def __init__(self) -> None:
        self._handler = WSGIHandler()

    def ask(self, path: str, *, form: dict[str, Any] | None = None) -> int:
        """The status of one request."""
        body = urlencode(form).encode() if form is not None else b""
        path, _mark, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "POST" if form is not None else "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
            "HTTP_HOST": "127.0.0.1", "HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_USER_AGENT": "Mozilla/5.0", "HTTP_ACCEPT_LANGUAGE": "en",
            "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http", "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.version": (1, 0), "SCRIPT_NAME": "",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        answer = self._handler(environ, _heard)
        for _part in answer:
            pass
        answer.close()
        return answer.status_code


@contextlib.contextmanager
def kept_connection() -> Iterator[None]:
    """Requests inside find the connection as they left it: Django does not look after it between them."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)
