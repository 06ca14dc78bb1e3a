"""The settings that come from outside: read once, checked, and named when they are wrong.

Pure but for reading the `.env` file. `settings.py` asks this module; nothing else does.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import environ

ROOT = Path(__file__).resolve().parent.parent


class WrongSetting(SystemExit):
    """A setting from the environment that cannot be used: names the variable and what is expected.

    A `SystemExit`, because every process (web, worker, command) must stop with this one line
    instead of a traceback.
    """

    def __init__(self, name: str, value: str, expected: str):
        self.name, self.value, self.expected = name, value, expected
        shown = "•••" if name in {"SECRET_KEY"} else value
        super().__init__(f"{name}={shown!r} cannot be used: expected {expected}.")


@dataclass(frozen=True)
class Email:
    """Where mail goes. `embedded` means the catcher of this installation, not a real server."""

    host: str
    port: int
    user: str
    password: str
    use_ssl: bool
    use_starttls: bool
    embedded: bool


def _boolean(value: str) -> bool:
    if value.strip().lower() in {"1", "true", "yes", "on"}:
        return True
    if value.strip().lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError


def _port(value: str) -> int:
    port = int(value)
    if not 1 <= port <= 65535:
        raise ValueError
    return port


def _time_zone(value: str) -> str:
    zoneinfo.ZoneInfo(value)
    return value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return value.rstrip("/")


def _database_url(value: str) -> str:
    if urlsplit(value).scheme not in {"postgres", "postgresql"}:
        raise ValueError
    return value


def _redis_url(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError
    return value


def _from_address(value: str) -> str:
    if not re.fullmatch(r"(?:[^<>@\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)", value.strip()):
        raise ValueError
    return value.strip()


def parse_email_url(value: str) -> Email:
    """`smtp://user:password@host:port`, `smtps://…`, `?tls=1` for STARTTLS. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError
    return Email(
        host=parts.hostname,
        port=parts.port or (465 if parts.scheme == "smtps" else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_ssl=parts.scheme == "smtps",
        use_starttls=parts.scheme == "smtp" and _boolean(parse_qs(parts.query).get("tls", ["0"])[0]),
        embedded=False,
    )


class Reader:
    """Reads variables one by one and turns any fault into `WrongSetting`."""

    def __init__(self, variables: Mapping[str, str]):
        self._variables = variables

    def get(self, name: str, parse: Callable[[str], Any], expected: str, default: str | None = None) -> Any:
        """The parsed value of one variable; an empty variable counts as not set.

        Raises WrongSetting when it cannot be parsed, or is missing without a default.
        """
        raw = self._variables.get(name) or default
        if raw is None:
            raise WrongSetting(name, "", expected)
        try:
            return parse(raw)
        except (ValueError, zoneinfo.ZoneInfoNotFoundError) as fault:
            raise WrongSetting(name, raw, expected) from fault

    def boolean(self, name: str, default: str) -> bool:
        """A switch: 1/0, true/false, yes/no, on/off."""
        return self.get(name, _boolean, "1 or 0 (also true/false, yes/no, on/off)", default)

    def port(self, name: str, default: str) -> int:
        """A TCP port."""
        return self.get(name, _port, "a port number from 1 to 65535", default)

    def time_zone(self, name: str, default: str) -> str:
        """The name of a zone of the IANA time zone database."""
        return self.get(name, _time_zone, "an IANA time zone name such as Europe/Istanbul", default)

    def currency(self, name: str, default: str) -> str:
        """An ISO 4217 code in capitals."""
        return self.get(name, _currency, "a three-letter ISO 4217 currency code such as EUR", default)

    def http_url(self, name: str, default: str) -> str:
        """An absolute http(s) address without query, trailing slash removed."""
        return self.get(name, _http_url, "an absolute http:// or https:// address", default)

    def database_url(self, name: str) -> str:
        """A PostgreSQL address."""
        return self.get(name, _database_url, "postgresql://user:password@host:port/database")

    def redis_url(self, name: str) -> str:
        """A Valkey or Redis address."""
        return self.get(name, _redis_url, "redis://host:port/0 (rediss:// and unix:// work too)")

    def from_address(self, name: str, default: str) -> str:
        """An address, bare or with a display name."""
        return self.get(name, _from_address, "an address such as Vefa <vefa@example.com>", default)

    def email(self, name: str, default: str) -> Email:
        """The mail server; see `parse_email_url`."""
        return self.get(name, parse_email_url, "smtp://user:password@host:port, smtps://… or smtp://…?tls=1", default)

    def names(self, name: str, default: str) -> list[str]:
        """A comma-separated list."""
        return self.get(name, lambda text: [part.strip() for part in text.split(",") if part.strip()], "a comma-separated list", default)


def load_dotenv() -> None:
    """Adds the lines of `.env` at the project's root to the environment; what is set already wins."""
    path = ROOT / ".env"
    if path.is_file():
        environ.Env.read_env(str(path))


def data_folder(variables: Mapping[str, str]) -> Path:
    """`VEFA_DATA` as an absolute path; relative ones start at the project's root.

    Raises WrongSetting when it is too long for the sockets below it (about 85 characters).
    """
    raw = variables.get("VEFA_DATA") or "var"
    path = (ROOT / raw).resolve()
    if len(str(path)) > 85:
        raise WrongSetting("VEFA_DATA", raw, "a path of at most 85 characters, because UNIX sockets below it have a length limit")
    return path
