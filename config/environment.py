"""The settings that come from outside: read once, checked, and named when they are wrong.

Nothing here needs Django: the supervisor reads the same values before any settings load.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import environ
from babel.numbers import list_currencies

ROOT = Path(__file__).resolve().parent.parent
# A UNIX socket's path may have 107 bytes; the longest below the data folder is `/pg/.s.PGSQL.5432`.
LONGEST_DATA_FOLDER = 85
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[0-9a-fA-F:.]+")
# the keys by which mail providers sign their calls, as anymail names them, and what checking one needs installed
PROVIDER_KEYS = {
    "MAILERSEND_SIGNING_SECRET": "", "MAILGUN_WEBHOOK_SIGNING_KEY": "", "MAILTRAP_TRACKING_SECRET": "", "MANDRILL_WEBHOOK_KEY": "", "MANDRILL_WEBHOOK_URL": "",
    "POSTAL_WEBHOOK_KEY": "cryptography", "RESEND_SIGNING_SECRET": "svix", "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": "cryptography", "UNISENDER_GO_API_KEY": "",
}  # fmt: skip
# never shown, not even when they are wrong
SECRET_NAMES = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "EMAIL_WEBHOOK_SECRET", *PROVIDER_KEYS} - {"MANDRILL_WEBHOOK_URL"}
_ADDRESS = r"[^<>@\s,]+@[^<>@\s,]+"


class WrongSetting(SystemExit):
    """A setting from the environment that cannot be used: names the variable and what is expected.

    A `SystemExit`, because every process (web, worker, command) must stop with this one line
    instead of a traceback.
    """

    def __init__(self, name: str, value: str, expected: str):
        self.name, self.value, self.expected = name, value, expected
        shown = "•••" if name in SECRET_NAMES else re.sub(r"//[^@/]*@", "//•••@", value)
        super().__init__(f"{name}={shown!r} cannot be used: expected {expected}.")


@dataclass(frozen=True)
class Email:
    """A mail server and how to talk to it."""

    host: str
    port: int
    user: str
    password: str
    use_ssl: bool
    use_starttls: bool


def _wrong() -> NoReturn:
    raise ValueError


def _boolean(value: str) -> bool:
    if value.strip().lower() in {"1", "true", "yes", "on"}:
        return True
    if value.strip().lower() in {"0", "false", "no", "off"}:
        return False
    _wrong()


def _port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value.strip()) or not 1 <= int(value) <= 65535:
        _wrong()
    return int(value)


def _time_zone(value: str) -> str:
    zoneinfo.ZoneInfo(value)
    return value


def _currency(value: str) -> str:
    if value not in list_currencies():
        _wrong()
    return value


def _split(value: str, schemes: set[str]) -> SplitResult:
    """The parts of an address of one of these schemes, its port checked."""
    parts = urlsplit(value)
    if parts.scheme not in schemes or re.search(r"\s", value) or parts.port == 0:
        _wrong()
    return parts


def _http_url(value: str) -> str:
    parts = _split(value, {"http", "https"})
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or parts.username or parts.query or parts.fragment or parts.path not in {"", "/"}:
        _wrong()
    return value.rstrip("/")


def _database_url(value: str) -> str:
    parts = _split(value, {"postgres", "postgresql"})
    if len(parts.path) < 2:
        _wrong()
    return value


def _redis_url(value: str) -> str:
    parts = _split(value, {"redis", "rediss"})
    if not parts.hostname or not re.fullmatch(r"(/[0-9]*)?", parts.path):
        _wrong()
    return value


def _from_address(value: str) -> str:
    if not re.fullmatch(rf"(?:[^<>@\r\n]*<{_ADDRESS}>|{_ADDRESS})", value.strip()):
        _wrong()
    return value.strip()


def _hosts(value: str) -> list[str]:
    names = [part.strip() for part in value.split(",") if part.strip()]
    if not names or not all(name == "*" or _HOST.fullmatch(name.removeprefix(".").removeprefix("[").removesuffix("]")) for name in names):
        _wrong()
    return names


def _allowlist(value: str) -> list[str]:
    """Addresses and domains that mails may go to, in small letters; `@example.com` is taken for its domain."""
    entries = [part.strip().lower().removeprefix("@") for part in value.split(",") if part.strip()]
    domain = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
    if not entries or not all(re.fullmatch(rf"(?:[^<>@\s,]+@)?{domain}", entry) for entry in entries):
        _wrong()
    return entries


def _networks(value: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip()] or _wrong()


def _secret(value: str) -> str:
    if len(value) < 50:
        _wrong()
    return value


def _secrets(value: str) -> list[str]:
    return [_secret(part.strip()) for part in value.split(",") if part.strip()] or _wrong()


def _webhook_secrets(value: str) -> list[str]:
    """`name:password` as basic authentication has it; two while the secret changes."""
    pairs = [part.strip() for part in value.split(",") if part.strip()]
    if not pairs or not all(re.fullmatch(r"[^:\s]+:[^\s]{16,}", pair) for pair in pairs):
        _wrong()
    return pairs


def _mailbox(value: str) -> str:
    if not re.fullmatch(_ADDRESS, value.strip()):
        _wrong()
    return value.strip()


def _present(value: str) -> str:
    if not value.isascii() or re.search(r"\s", value):
        _wrong()
    return value


def _provider_keys(get: Callable[..., Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, needed in PROVIDER_KEYS.items():
        if key := get(name, _present, "the key as the provider shows it, without spaces or line ends"):
            if needed and importlib.util.find_spec(needed) is None:
                raise WrongSetting(name, "•••", f"the Python package “{needed}”, which checks it, to be installed; without the key, EMAIL_WEBHOOK_SECRET proves the calls")
            found[name] = key
    return found


def parse_email_url(value: str) -> Email:
    """`smtp://user:password@host:port`, `smtps://…`, `?tls=1` for STARTTLS. Raises ValueError."""
    parts = _split(value, {"smtp", "smtps"})
    questions = parse_qs(parts.query, strict_parsing=bool(parts.query))
    if not parts.hostname or parts.path not in {"", "/"} or set(questions) - {"tls"}:
        _wrong()
    return Email(
        host=parts.hostname,
        port=parts.port or (465 if parts.scheme == "smtps" else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_ssl=parts.scheme == "smtps",
        use_starttls=parts.scheme == "smtp" and _boolean(questions.get("tls", ["0"])[0]),
    )


@dataclass(frozen=True)
class Environment:
    """Every setting from outside, parsed. `None` where an embedded or generated one takes its place."""

    database_url: str | None
    redis_url: str | None
    secret_key: str | None
    secret_key_fallbacks: list[str]
    port: int
    public_base_url: str
    allowed_hosts: list[str]
    email: Email | None
    default_from_email: str
    unsubscribe_mailto: str
    email_webhook_secrets: list[str]
    provider_keys: dict[str, str]
    mail_allowlist: list[str]
    outward_networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]
    playbook_private_calls: bool
    organisation_time_zone: str
    reporting_currency: str
    data: Path
    demo: bool
    debug: bool
    behind_proxy: bool


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Parses them all. An empty variable counts as not set. Raises WrongSetting."""

    def get(name: str, parse: Callable[[str], Any], expected: str, default: str | None = None) -> Any:
        raw = variables.get(name) or default
        if raw is None:
            return None
        try:
            return parse(raw)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as fault:
            raise WrongSetting(name, raw, expected) from fault

    switch = "1 or 0 (also true/false, yes/no, on/off)"
    port = get("PORT", _port, "a port number from 1 to 65535", "8000")
    public = get("PUBLIC_BASE_URL", _http_url, "an absolute http:// or https:// address without a path", f"http://127.0.0.1:{port}")
    return Environment(
        database_url=get("DATABASE_URL", _database_url, "postgresql://user:password@host:port/database"),
        redis_url=get("REDIS_URL", _redis_url, "redis://host:port/0 or rediss://host:port/0"),
        secret_key=get("SECRET_KEY", _secret, "at least 50 random characters"),
        secret_key_fallbacks=get("SECRET_KEY_FALLBACKS", _secrets, "earlier secret keys separated by commas, each at least 50 characters") or [],
        port=port,
        public_base_url=public,
        allowed_hosts=get("ALLOWED_HOSTS", _hosts, "host names separated by commas, without scheme or port", f"{_bracketed(public)},127.0.0.1,localhost,[::1]"),
        email=get("EMAIL_URL", parse_email_url, "smtp://user:password@host:port, smtps://… or smtp://…?tls=1"),
        default_from_email=get("DEFAULT_FROM_EMAIL", _from_address, "an address such as Vefa <vefa@example.com>", "Vefa <vefa@localhost.localdomain>"),
        unsubscribe_mailto=get("UNSUBSCRIBE_MAILTO", _mailbox, "an address such as unsubscribe@example.com") or "",
        email_webhook_secrets=get("EMAIL_WEBHOOK_SECRET", _webhook_secrets, "name:password, the password of at least 16 characters; two of them while it changes") or [],
        provider_keys=_provider_keys(get),
        mail_allowlist=get("MAIL_ALLOWLIST", _allowlist, "addresses and domains separated by commas, such as ada@example.com, example.org") or [],
        outward_networks=get("OUTWARD_NETWORKS", _networks, "networks separated by commas, such as 10.1.0.0/16, fd12:3456::/48") or [],
        playbook_private_calls=get("PLAYBOOK_PRIVATE_CALLS", _boolean, switch, "0"),
        organisation_time_zone=get("ORGANISATION_TIME_ZONE", _time_zone, "an IANA time zone name such as Europe/Istanbul", "UTC"),
        reporting_currency=get("REPORTING_CURRENCY", _currency, "a three-letter ISO 4217 currency code such as EUR", "EUR"),
        data=data_folder(variables),
        demo=get("VEFA_DEMO", _boolean, switch, "1"),
        debug=get("DEBUG", _boolean, switch, "0"),
        behind_proxy=get("BEHIND_PROXY", _boolean, switch, "0"),
    )


def _bracketed(url: str) -> str:
    """The host of an address as `ALLOWED_HOSTS` writes it."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def load_dotenv() -> None:
    """Adds the lines of `.env` at the project's root to the environment; what is set already wins.

    `VEFA_DOTENV=0` leaves the file out, as the tests do.
    """
    path = ROOT / ".env"
    if os.environ.get("VEFA_DOTENV") != "0" and path.is_file():
        environ.Env.read_env(str(path))


def data_folder(variables: Mapping[str, str]) -> Path:
    """`VEFA_DATA` as an absolute path; relative ones start at the project's root.

    Raises WrongSetting when it is no folder or too long for the sockets below it.
    """
    raw = variables.get("VEFA_DATA") or "var"
    path = (ROOT / Path(raw).expanduser()).resolve()
    if len(os.fsencode(path)) > LONGEST_DATA_FOLDER:
        raise WrongSetting("VEFA_DATA", str(path), f"a path of at most {LONGEST_DATA_FOLDER} characters, because UNIX sockets below it have a length limit")
    if path.exists() and not path.is_dir():
        raise WrongSetting("VEFA_DATA", raw, "a folder")
    return path


def make_data_folder(path: Path) -> None:
    """Makes the folder all embedded state lies in. Raises WrongSetting where this user may not write it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise WrongSetting("VEFA_DATA", str(path), f"a folder this user may make ({fault.strerror})") from fault
    if not os.access(path, os.W_OK | os.X_OK):
        raise WrongSetting("VEFA_DATA", str(path), "a folder this user may write; it belongs to somebody else")
