"""Calling an address outside: signed, bounded in time and size, never to a machine inside. No database, no clock.

The name is resolved once, every address it has is looked at, and the connection goes to the one looked at: a
name that changes its mind in between leads nowhere else. Redirects are not followed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10
# a receiver that answers byte by byte is cut off
LONGEST_SECONDS = 30
# of an answer no more is read than tells whether it arrived
MOST_READ = 4096
# answers after which another try makes sense
_AGAIN = frozenset({408, 409, 421, 423, 425, 429})


@dataclass(frozen=True)
class Answer:
    """What became of a call: `done`, `again` (try later) or `refused`, and why: a status code or a word."""

    outcome: str
    reason: str


class _Refused(OSError):
    """The address may not be called."""


def signature(secret: str, *, call_id: str, timestamp: int, body: bytes) -> str:
    """The signature of Standard Webhooks over id, seconds and body; `secret` begins with `whsec_`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{call_id}.{timestamp}.".encode() + body, "sha256")).decode()


def derived_secret(installation_secret: str, purpose: str) -> str:
    """A secret for one purpose that nobody has to store; another installation has another."""
    return "whsec_" + base64.b64encode(hmac.digest(hashlib.sha256(b"vefa outward calls").digest(), f"{installation_secret}:{purpose}".encode(), "sha256")).decode()


def is_public(address: str) -> bool:
    """Whether an address of the network is one of the open internet."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv6Address) and (found.sixtofour is not None or found.teredo is not None):
        return False
    # 64:ff9b::/96 leads to any address of the fourth version
    return found.is_global and not found.is_multicast and found not in ipaddress.ip_network("64:ff9b::/96")


def _reachable(host: str, port: int, *, private: bool) -> tuple[str, int]:
    """The address and port to go to. Raises OSError for a name without one, _Refused where one of its addresses lies inside."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found:
        raise OSError("The name has no address.")
    if not private and not all(is_public(address.partition("%")[0]) for address in found):
        raise _Refused("The address lies inside.")
    return found[0], port


class _Plain(http.client.HTTPConnection):
    """A connection to an address that was looked at, whatever the name says by now."""

    target: tuple[str, int]

    def connect(self) -> None:
        """Opens the socket to the target."""
        self.sock = socket.create_connection(self.target, timeout=self.timeout)


class _Secure(http.client.HTTPSConnection):
    """The same under TLS; the certificate is that of the name."""

    target: tuple[str, int]

    def connect(self) -> None:
        """Opens the socket to the target and proves whose it is."""
        plain = socket.create_connection(self.target, timeout=self.timeout)
        try:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _cut(connection: http.client.HTTPConnection) -> None:
    """Ends a conversation from outside."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def post(url: str, *, body: bytes, headers: Mapping[str, str], private: bool = False, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Posts a body of JSON and says what is known afterwards; never raises for the network. `private`: machines inside, and http, are allowed."""
    try:
        parts = urlsplit(url)
        secure, host = parts.scheme == "https", parts.hostname or ""
        if not host or parts.scheme not in {"https", "http"} or (not secure and not private):
            return Answer("refused", "address")
        target = _reachable(host, parts.port or (443 if secure else 80), private=private)
        connection: _Plain | _Secure = (_Secure if secure else _Plain)(host, parts.port, timeout=timeout)
        connection.target = target
    except _Refused:
        return Answer("refused", "private_address")
    except (OSError, ValueError, UnicodeError):
        return Answer("again", "no_address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    watch = threading.Timer(LONGEST_SECONDS, lambda: _cut(connection))
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", path, body=body, headers={"Content-Type": "application/json", "User-Agent": "Vefa", **headers})
        answer = connection.getresponse()
        answer.read(MOST_READ)
        status = answer.status
    except (OSError, http.client.HTTPException, ValueError) as fault:
        return Answer("again", type(fault).__name__)
    finally:
        watch.cancel()
        connection.close()
    if 200 <= status < 300:
        return Answer("done", str(status))
    return Answer("again" if status >= 500 or status in _AGAIN else "refused", str(status))
