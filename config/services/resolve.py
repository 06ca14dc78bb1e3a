"""Before settings load: where PostgreSQL, Valkey and the mail catcher of this process are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from config.environment import data_folder, load_dotenv, make_data_folder
from config.services.inbox import running_port
from config.services.ports import ServerFailed
from config.services.servers import Servers

# These touch neither database nor broker, so nothing is started for them.
SERVERLESS = frozenset({"help", "version", "check", "makemessages", "compilemessages", "findstatic", "startapp", "up"})


def needs_servers(arguments: Sequence[str]) -> bool:
    """Whether a management command, given as the arguments after `manage.py`, needs running servers."""
    if not arguments or arguments[0].startswith("-") or "--help" in arguments or "-h" in arguments:
        return False
    if arguments[0] == "check" and "--database" in arguments:
        return True
    return arguments[0] not in SERVERLESS


def embedded(data: Path, *, start: bool = True, throwaway: bool = False) -> Servers:
    """The embedded servers this process must bring itself: those whose URL is not set."""
    return Servers(
        data,
        postgres=start and not os.environ.get("DATABASE_URL"),
        valkey=start and not os.environ.get("REDIS_URL"),
        throwaway=throwaway,
    )


@contextmanager
def servers_for(arguments: Sequence[str]) -> Iterator[None]:
    """Surrounds one management command with the servers it needs, shared with whatever else runs.

    Sets `DATABASE_URL`, `REDIS_URL` and `VEFA_CATCHER_PORT` for the settings. Ends the process with
    one line when a server cannot be started.
    """
    load_dotenv()
    data = data_folder(os.environ)
    starting = needs_servers(arguments)
    if starting:
        make_data_folder(data)
    # the inner processes of a command (a reloader, a pool) find the addresses set and start nothing
    servers = embedded(data, start=starting)
    try:
        with servers:
            addresses = servers.variables() if starting else Servers(data, postgres=True, valkey=True).variables()
            for name, value in addresses.items():
                os.environ[name] = os.environ.get(name) or value
            if not os.environ.get("VEFA_CATCHER_PORT") and (port := running_port(data)):
                os.environ["VEFA_CATCHER_PORT"] = str(port)
            yield
    except ServerFailed as fault:
        sys.exit(str(fault))
