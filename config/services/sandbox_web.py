"""The pages of the sandbox beside those of the installation: served while there is one, without being able to stop anything."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from config.environment import ROOT
from config.services import processes
from config.services.children import Child, Output

NAME = "sandbox"
# what cannot be served now is tried again after so many seconds
PAUSE = 60.0


def marker(data: Path) -> Path:
    """Lies there as long as the installation of a data folder has a sandbox to be looked into."""
    return data / NAME / "is-there"


def record(data: Path) -> Path:
    """Where the process that serves a sandbox leaves its id and port."""
    return data / NAME / "web.json"


def note_served(data: Path, port: int) -> None:
    """Writes down that this very process is about to serve on a port."""
    temporary = record(data).with_suffix(".new")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(json.dumps({"pid": os.getpid(), "port": port}))
    temporary.rename(record(data))


def is_served(data: Path) -> bool:
    """Whether a process of this machine serves the sandbox of a data folder."""
    try:
        found = json.loads(record(data).read_text())
        process = processes.alive(int(found["pid"]))
        return process is not None and processes.runs_on(process, Path(str(found["port"])))
    except (OSError, ValueError, KeyError, TypeError):
        return False


class SandboxWeb:
    """What a supervisor does about it, asked every few seconds by its main thread."""

    def __init__(self, data: Path, host: str, variables: Mapping[str, str], output: Output):
        self._data, self._output = data, output
        self._command = [sys.executable, str(ROOT / "manage.py"), "sandbox", "serve", "--host", host]
        self._variables = variables
        self._again_at = 0.0
        self.child: Child | None = None

    def look(self, now: float) -> None:
        """Starts serving when a sandbox appeared, ends it when it is gone. `now` is `time.monotonic()`."""
        wanted = marker(self._data).exists()
        if self.child is not None and not self.child.running():
            self.child.finish_output()
            if wanted:
                self._output.line("up", f"the sandbox is not served; that is tried again in {PAUSE:.0f} s")
            self.child, self._again_at = None, now + PAUSE
        if not wanted:
            self._again_at = 0.0
            if self.child is not None:
                self.child.stop(5.0)
                self.child = None
        elif self.child is None and now >= self._again_at:
            self.child = Child(NAME, self._command, self._variables, self._output)
            self.child.start()
