"""Calling an address outside: signed, bounded in time and size, never to a machine inside. No database, no clock.

The name is resolved once, every address it has is looked at, and the connection goes to the one looked at: a
name that changes its mind in between leads nowhere else. Redirects are not followed, proxies of the
environment are not asked.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from standardwebhooks import Webhook

CONNECT_SECONDS = 3
# all of a call; a receiver that answers byte by byte is cut off
TIMEOUT_SECONDS = 10
# of an answer no more is read than tells whether it arrived
MOST_READ = 65_536
PORTS = frozenset({443, 8443})
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# all that is given out of the sixth version; whatever else there is (site-local, mapped, translated) leads inside
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
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
    return Webhook(secret).sign(call_id, dt.datetime.fromtimestamp(timestamp, dt.UTC), body.decode())


def derived_secret(installation_secret: str, purpose: str) -> str:
    """A secret for one purpose that nobody has to store; another installation has another."""
    return "whsec_" + base64.b64encode(hmac.digest(hashlib.sha256(b"vefa outward calls").digest(), f"{installation_secret}:{purpose}".encode(), "sha256")).decode()


def is_public(address: str) -> bool:
    """Whether an address of the network is one of the open internet."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv6Address) and (found not in _GIVEN_OUT or found.sixtofour is not None or found.teredo is not None):
        return False
    return found.is_global and not found.is_multicast


def _may_be_called(address: str, allowed: Collection[Network]) -> bool:
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return is_public(address) or any(found in network for network in allowed)


def fault_of(url: str, *, private: bool = False, allowed: Collection[Network] = (), resolve: bool = False) -> str:
    """Why an address cannot be called: "" or one of `address`, `port`, `private_address`, `no_address`.

    https on the usual ports, without a name and password in it. `private`: machines inside, any port, and http;
    `allowed`: networks inside that may be called. With `resolve` the name is looked up as well.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "address"
    if not parts.hostname or "@" in parts.netloc or parts.fragment or any(sign.isspace() or ord(sign) < 32 for sign in url):
        return "address"
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        return "address"
    if not private and (port or 443) not in PORTS:
        return "port"
    if resolve:
        try:
            _target(parts, private=private, allowed=allowed)
        except _Refused:
            return "private_address"
        except (OSError, ValueError, UnicodeError):
            return "no_address"
    return ""


def _target(parts: SplitResult, *, private: bool, allowed: Collection[Network]) -> tuple[str, int]:
    """The address and port to go to. Raises OSError for a name without one, _Refused where one of its addresses lies inside."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)]
    if not found:
        raise OSError("The name has no address.")
    if not private and not all(_may_be_called(address.partition("%")[0], allowed) for address in found):
        raise _Refused("The address lies inside.")
    return found[0], port


class _Plain(http.client.HTTPConnection):
    """A connection to an address that was looked at, whatever the name says by now."""

    target: tuple[str, int]

    def connect(self) -> None:
        """Opens the socket to the target."""
        self.sock = socket.create_connection(self.target, timeout=CONNECT_SECONDS)
        self.sock.settimeout(self.timeout)


class _Secure(http.client.HTTPSConnection):
    """The same under TLS; the certificate is that of the name."""

    target: tuple[str, int]

    def connect(self) -> None:
        """Opens the socket to the target and proves whose it is."""
        plain = socket.create_connection(self.target, timeout=CONNECT_SECONDS)
        plain.settimeout(self.timeout)
        # so that the watch can cut a handshake, too
        self.sock = plain
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


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], private: bool = False, allowed: Collection[Network] = (), timeout: float = TIMEOUT_SECONDS
) -> Answer:  # fmt: skip
    """Posts a body of JSON and says what is known afterwards; never raises for the network. `private` and `allowed` as in `fault_of`."""
    fault = fault_of(url, private=private, allowed=allowed)
    if fault:
        return Answer("refused", fault)
    parts = urlsplit(url)
    try:
        target = _target(parts, private=private, allowed=allowed)
        connection: _Plain | _Secure = (_Secure if parts.scheme == "https" else _Plain)(parts.hostname or "", parts.port, timeout=timeout)
        connection.target = target
    except _Refused:
        return Answer("refused", "private_address")
    except (OSError, ValueError, UnicodeError):
        return Answer("again", "no_address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    watch = threading.Timer(timeout, lambda: _cut(connection))
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", path, body=body, headers={"Content-Type": "application/json", "User-Agent": "Vefa", **headers})
        answer = connection.getresponse()
        status = answer.status
        answer.read(MOST_READ)
    except (OSError, http.client.HTTPException, ValueError) as broken:
        return Answer("again", type(broken).__name__)
    finally:
        watch.cancel()
        connection.close()
    if 200 <= status < 300:
        return Answer("done", str(status))
    return Answer("again" if status >= 500 or status in _AGAIN else "refused", str(status))
