"""A whole installation for a test: the real processes, a mail server of its own, a browser."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """What the condition gives as soon as it is true; fails by name after the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


class Sink:
    """A real SMTP server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(message)
        return "250 kept"


class Installation:
    """`manage.py up` in a folder of its own, with its commands, its API and its mails."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vefa-loop-"))
        self.folder.chmod(0o755)
        self.sink = Sink()
        self.port = free_port()
        self.log = (self.folder / "log").open("wb+")
        inherited = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "VEFA_CATCHER_PORT", "VEFA_TEST_SERVERS", "XDG_RUNTIME_DIR"}}
        self.environment = {
            **inherited,
            "VEFA_DATA": str(self.folder / "data"),
            "PORT": str(self.port),
            "VEFA_DEMO": "0",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.sink.controller.port}",
            "ORGANISATION_TIME_ZONE": "Europe/Istanbul",
            "REPORTING_CURRENCY": "USD",
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.sink.controller.start()
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--no-demo"], cwd=ROOT, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        wait_for(lambda: self.process.poll() is not None or self.status("/readyz") == 200, seconds=90, what="/readyz")
        assert self.process.poll() is None, self.printed()

    def printed(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-4000:]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(40)
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.sink.controller.stop()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as answer:  # noqa: S310 - our own address
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def manage(self, *arguments: str) -> str:
        """Standard output of a management command beside the running installation."""
        done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-1500:]}{done.stderr[-3000:]}"
        return done.stdout

    def python(self, code: str) -> str:
        """What a piece of Python prints inside the installation."""
        return self.manage("shell", "--no-imports", "-c", code).strip()

    def call(self, method: str, path: str, key: str, body: Any = None) -> Any:
        """The JSON answer of the API."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.address}/api/v1{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{method} {path}: {refused.code} {refused.read().decode()}") from None


@contextlib.contextmanager
def running() -> Iterator[Installation]:
    """An installation that is started, and ended whatever happens."""
    installation = Installation()
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()
