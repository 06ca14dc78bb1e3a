"""The embedded servers of one data folder: started by whoever comes first, ended by whoever leaves last.

Every process that uses them holds a shared lock on `servers.use`; starting and stopping happen
under `servers.lock`. The kernel gives a lock back when its holder is killed, so the count is always
right: at worst servers run on without a user until the next one leaves.
"""

from __future__ import annotations

from pathlib import Path

from config.services.locks import Busy, FileLock
from config.services.postgres import Postgres
from config.services.valkey import Valkey


class Servers:
    """What this process uses of the embedded servers: either, both or none."""

    def __init__(self, data: Path, *, postgres: bool, valkey: bool, throwaway: bool = False):
        self.data = data
        self._lock_path = data / "servers.lock"
        self._use = FileLock(data / "servers.use")
        self.postgres = Postgres(data, throwaway=throwaway)
        self.valkey = Valkey(data, throwaway=throwaway)
        self._wanted: list[Postgres | Valkey] = ([self.postgres] if postgres else []) + ([self.valkey] if valkey else [])

    def __enter__(self) -> Servers:
        """Starts what is wanted and does not run. Raises ServerFailed."""
        if self._wanted:
            self.data.mkdir(parents=True, exist_ok=True)
            with FileLock(self._lock_path):
                self._use.shared()
                try:
                    self._start()
                except BaseException:
                    self._leave()
                    raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Stops the servers if nobody else uses them."""
        if self._wanted:
            with FileLock(self._lock_path):
                self._leave()

    def mend(self) -> list[str]:
        """Starts again what has died, at its old address; the names of what was started.

        Raises ServerFailed.
        """
        dead = [server for server in self._wanted if server.process() is None]
        if dead:
            with FileLock(self._lock_path):
                self._start()
        return [type(server).__name__ for server in dead]

    def variables(self) -> dict[str, str]:
        """`DATABASE_URL` and `REDIS_URL` of the wanted servers, as the settings expect them."""
        found = {}
        if self.postgres in self._wanted:
            found["DATABASE_URL"] = self.postgres.url()
        if self.valkey in self._wanted:
            found["REDIS_URL"] = self.valkey.url()
        return found

    def _start(self) -> None:
        for server in self._wanted:
            server.start()

    def _leave(self) -> None:
        """Gives the use back; with nobody else there, stops both. Expects `servers.lock`."""
        try:
            self._use.exclusive()
        except Busy:
            pass
        else:
            # Valkey first: PostgreSQL is the record and takes longest
            self.valkey.stop()
            self.postgres.stop()
        self._use.release()
