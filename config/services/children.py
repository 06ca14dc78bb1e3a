"""The processes a supervisor runs: started tied to it, watched, their output prefixed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.environment import ROOT
from config.services import processes

TETHER = Path(__file__).with_name("tether.py")
# A child that dies is started again after 1, 2, 4 … 30 s; who dies this often without ever living
# for QUIET_SECONDS has a fault that waiting does not mend.
LONGEST_PAUSE, QUIET_SECONDS, MAXIMUM_DEATHS = 30.0, 60.0, 6


class Output:
    """Lines of many processes on one stdout: time, name, text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._colours = {"up": 1, "web": 36, "worker": 32, "beat": 35, "mail": 33} if sys.stdout.isatty() else {}

    def line(self, name: str, text: str) -> None:
        """Writes one line; a reader of stdout that has gone away stops nothing."""
        prefix = f"{time.strftime('%H:%M:%S')} {name:<6} |"
        if name in self._colours:
            prefix = f"\033[{self._colours[name]}m{prefix}\033[0m"
        with self._lock:
            try:
                sys.stdout.write(f"{prefix} {text}\n".rstrip(" "))
                sys.stdout.flush()
            except (OSError, ValueError):
                pass


class Child:
    """One process in a group of its own, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, name: str, command: Sequence[str], variables: Mapping[str, str], output: Output):
        self.name, self._command, self._variables, self._output = name, list(command), dict(variables), output
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._started_at = 0.0
        self._deaths = 0
        self._again_at: float | None = None

    @property
    def exit_code(self) -> int | None:
        """None while it runs or was never started."""
        return self._process.poll() if self._process else None

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return self._process is not None

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it. Must be called by the main thread: the kernel ties it to the thread that starts it."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(TETHER), str(os.getpid()), *self._command],
            cwd=ROOT,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._started_at = time.monotonic()
        self._again_at = None
        self._reader = threading.Thread(target=self._read, args=[self._process], daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                self._output.line(self.name, line.rstrip())

    def finish_output(self) -> None:
        """Waits until all it wrote is printed."""
        if self._reader:
            self._reader.join(timeout=2)

    def keep_alive(self, now: float) -> str | None:
        """Starts it again when it has died; a text when that is hopeless. `now` is `time.monotonic()`."""
        if not self.started:
            return None
        if self.running():
            if now - self._started_at > QUIET_SECONDS:
                self._deaths = 0
            return None
        if self._again_at is None:
            code = self.exit_code
            self._sweep()
            self._deaths += 1
            if self._deaths >= MAXIMUM_DEATHS:
                return f"{self.name} ended {self._deaths} times in a row (exit code {code}); see its last lines above. Vefa is stopped."
            pause = min(LONGEST_PAUSE, 2.0 ** (self._deaths - 1))
            self._again_at = now + pause
            self._output.line("up", f"{self.name} ended with exit code {code}; it is started again in {pause:.0f} s")
        elif now >= self._again_at:
            self.start()
        return None

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        if self._process and self.running():
            self._process.send_signal(signal.SIGTERM)

    def stop(self, seconds: float) -> None:
        """SIGTERM, SIGKILL after `seconds`; then nothing of its group is left."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._output.line("up", f"{self.name} did not stop in time and is killed")
        self._sweep()
        self._process.wait()
        self.finish_output()

    def _sweep(self) -> None:
        """Ends what a dead process may have left of its group."""
        if self._process is not None:
            processes.kill_group(self._process.pid)
