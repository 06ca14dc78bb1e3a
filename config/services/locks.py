"""Locks on files, held by a process and given back by the kernel when it ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


class Busy(Exception):
    """Somebody else holds the lock."""


class FileLock:
    """One `flock` on one file. Children never inherit it: Python opens files close-on-exec."""

    def __init__(self, path: Path):
        self.path = path
        self._handle: int | None = None

    def _open(self) -> int:
        if self._handle is None:
            # readable by all and opened read-only: root and the owner of the folder may take turns
            self._handle = os.open(self.path, os.O_RDONLY | os.O_CREAT, 0o644)
        return self._handle

    def shared(self) -> None:
        """Joins the others who hold it shared; waits while somebody holds it alone."""
        fcntl.flock(self._open(), fcntl.LOCK_SH)

    def exclusive(self, seconds: float = 0) -> None:
        """Takes it alone, waiting up to `seconds`. A shared hold is turned into an exclusive one.

        Raises Busy. A shared hold that could not be turned is kept.
        """
        handle = self._open()
        until = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise Busy(str(self.path)) from None
            time.sleep(0.05)

    def release(self) -> None:
        """Gives it back; harmless when it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> FileLock:
        self.exclusive(seconds=180)
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()
