"""What a storm is made of: real workers and beats that get killed, a broker that loses its memory, an unkind mail server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.conf import settings
from django.db import connection

from config.environment import ROOT
from config.services.ports import free_port
from config.services.valkey import binary

# a beat whose ticks come many times a second, two of them at that: doubled and missed ticks must not matter
_BEAT = """
import sys
from config.celery import app
app.conf.beat_schedule = {"tick": {"task": "surveys.tick", "schedule": 0.4, "options": {"expires": 5}}}
app.conf.beat_max_loop_interval = 0.2
app.Beat(schedule=sys.argv[1], loglevel="ERROR", quiet=True, pidfile=None).run()
"""


class Broker:
    """A Valkey of the test's own, which forgets everything when it is killed."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [str(binary()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self.folder), "--logfile", "broker.log"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Crew:
    """Workers and beats, as processes of their own on the test's database."""

    def __init__(self, *, broker: Broker, sink_port: int, folder: Path, workers: int = 2, beats: int = 2):
        self._folder, self._workers, self._beats = folder, workers, beats
        self._log = (folder / "crew.log").open("wb")
        parts = urlsplit(os.environ["DATABASE_URL"])
        self.environment = {
            **os.environ,
            "DATABASE_URL": urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")),
            "REDIS_URL": broker.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{sink_port}",
            "PUBLIC_BASE_URL": settings.PUBLIC_BASE_URL,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VEFA_DOTENV": "0",
        }
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.started = 0

    def fill(self) -> None:
        """Starts whoever is missing."""
        self.processes = [(role, process) for role, process in self.processes if process.poll() is None]
        there = Counter(role for role, _process in self.processes)
        for _missing in range(self._workers - there["worker"]):
            self._start(
                "worker", ["-m", "celery", "-q", "--skip-checks", "-A", "config", "worker", "--pool", "solo", "--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
            )
        for _missing in range(self._beats - there["beat"]):
            self._start("beat", ["-c", _BEAT, str(self._folder / f"beat-{self.started}")])

    def _start(self, role: str, arguments: list[str]) -> None:
        self.started += 1
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env={**self.environment, "VEFA_PROCESS": role}, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.processes.append((role, process))

    def kill(self, role: str, chance: random.Random) -> bool:
        """Ends one of them the hard way; false where there was none."""
        alive = [process for name, process in self.processes if name == role and process.poll() is None]
        if not alive:
            return False
        victim = chance.choice(alive)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        return True

    def stop(self) -> None:
        for _role, process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._log.close()

    def said(self) -> str:
        return (self._folder / "crew.log").read_text(errors="replace")[-3000:]


class UnkindSink:
    """A real SMTP server that delays, refuses for now, hangs up before and after the body, and counts what it took."""

    def __init__(self, seed: int):
        self._chance = random.Random(seed)
        self.taken: Counter[str] = Counter()
        self.unkind: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def _one_of(self, **chances: float) -> str:
        with self._lock:
            at = self._chance.random()
            for name, share in chances.items():
                at -= share
                if at < 0:
                    self.unkind[name] += 1
                    return name
            return ""

    async def handle_RCPT(self, server: SMTP, session: object, envelope: object, address: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        await asyncio.sleep(self._chance.random() * 0.01)
        what = self._one_of(busy=0.03, hangs_up=0.02)
        if what == "busy":
            return "450 mailbox busy"
        if what == "hangs_up":
            server.transport.abort()
        envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: object, envelope: object) -> str:  # noqa: N802
        what = self._one_of(slow=0.05, silent=0.02, late_no=0.02)
        if what == "slow":
            await asyncio.sleep(0.2)
        if what == "late_no":
            return "451 try again"
        with self._lock:
            self.taken.update(envelope.rcpt_tos)  # type: ignore[attr-defined]
        if what == "silent":
            # took it, and says nothing: nobody can know
            server.transport.abort()
        return "250 kept"

    def __enter__(self) -> UnkindSink:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
