"""`manage.py up`: web, worker, beat and mail catcher under one roof, with the servers they need.

Runs before and without Django's settings. One supervisor a data folder: it holds `up.lock`, which
its children never inherit. They die with it (`tether.py`), so a supervisor that finds the lock free
ends what a killed one may have left and goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from config.environment import ROOT, Environment, load_dotenv, make_data_folder, read_environment
from config.services import inbox, processes, resolve
from config.services.children import Child, Output
from config.services.locks import Busy, FileLock
from config.services.ports import ServerFailed, free_port
from config.services.sandbox_web import SandboxWeb
from config.services.servers import Servers

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
STOP_SECONDS = 15.0
WORKER_PROCESSES, WEB_THREADS = 2, 4


class CannotStart(Exception):
    """Why this start ends here; the text is for the operator."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `manage.py up`."""
    parser.add_argument("--no-demo", action="store_true", help="Start empty: do not load the demo company on first start.")


def main(arguments: Sequence[str]) -> int:
    """Runs until it is told to stop; the exit code."""
    parser = argparse.ArgumentParser(prog="manage.py up", description="Runs Vefa: servers, web, worker and beat, until Ctrl-C or SIGTERM.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    load_dotenv()
    given = read_environment(os.environ)
    make_data_folder(given.data)
    try:
        return Supervisor(given, demo=given.demo and not options.no_demo).run()
    except (CannotStart, ServerFailed) as fault:
        sys.stderr.write(f"{fault}\n")
        return 1


def holder(data: Path) -> dict[str, str] | None:
    """Process id and address of the supervisor that runs on a data folder; None when none does."""
    lock = FileLock(data / "up.lock")
    try:
        lock.exclusive()
    except Busy:
        try:
            return {key: str(value) for key, value in json.loads((data / "run" / "up.json").read_text()).items()}
        except (OSError, ValueError):
            return {"pid": "unknown", "address": "unknown"}
    except FileNotFoundError:
        return None
    else:
        return None
    finally:
        lock.release()


class Supervisor:
    """One run, from the lock to the last process."""

    def __init__(self, given: Environment, *, demo: bool):
        self.given, self.data, self.demo = given, given.data, demo
        self.run_folder = given.data / "run"
        self.host = "127.0.0.1" if urlsplit(given.public_base_url).hostname in LOOPBACK else "0.0.0.0"  # noqa: S104 - asked for by a public address
        self.output = Output()
        self._stopping = threading.Event()
        self._fault: str | None = None
        self._children: list[Child] = []
        self._sandbox: SandboxWeb | None = None

    def run(self) -> int:
        """Takes the lock, starts everything, waits, stops everything. Raises CannotStart, ServerFailed."""
        lock = FileLock(self.data / "up.lock")
        try:
            # a moment of patience: `doctor` looks at the lock by taking it
            lock.exclusive(seconds=0.5)
        except Busy:
            found = holder(self.data) or {"pid": "unknown", "address": "unknown"}
            raise CannotStart(f"Vefa already runs on {self.data}: process {found['pid']}, {found['address']}. Stop it first, or set another VEFA_DATA and PORT.") from None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self.run_folder.mkdir(exist_ok=True)
            self._end_leftovers()
            self._check_port()
            self._announce()
            self.output.line("up", f"data in {self.data}")
            with resolve.embedded(self.data) as servers:
                self._serve(servers)
                if servers.variables():
                    self.output.line("up", "stopping the servers")
        finally:
            (self.run_folder / "up.json").unlink(missing_ok=True)
            lock.release()
        if self._fault:
            sys.stderr.write(f"{self._fault}\n")
            return 1
        self.output.line("up", "stopped")
        return 0

    # ── Start ───────────────────────────────────────────────────────────────
    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _end_leftovers(self) -> None:
        leftovers = processes.supervised_leftovers(self.data)
        if leftovers:
            self.output.line("up", f"ending {len(leftovers)} processes an earlier run left behind: {', '.join(str(process.pid) for process in leftovers)}")
            processes.end_all(leftovers, STOP_SECONDS)

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.given.port))
            except OSError as fault:
                raise CannotStart(f"PORT={self.given.port} cannot be used: {fault.strerror}. Stop what listens there, or set another PORT.") from fault

    def _announce(self) -> None:
        record = self.run_folder / "up.json"
        temporary = record.with_suffix(".new")
        temporary.write_text(json.dumps({"pid": os.getpid(), "address": self.given.public_base_url}))
        temporary.rename(record)

    def _variables(self, servers: Servers) -> dict[str, str]:
        """The environment of every child."""
        found = {**os.environ, **servers.variables(), processes.SUPERVISED: str(self.data), "VEFA_DATA": str(self.data), "PYTHONUNBUFFERED": "1"}
        if self.given.email is None:
            found["VEFA_CATCHER_PORT"] = str(free_port(inbox.recorded_port(self.data)))
        return found

    def _plan(self, variables: dict[str, str]) -> list[Child]:
        """The children that run for good, in the order they start."""
        python = sys.executable
        children = []
        if self.given.email is None:
            children.append(Child("mail", [python, "-m", "config.services.catcher", str(self.data), variables["VEFA_CATCHER_PORT"]], variables, self.output))
        web = [python, "-m", "granian", "--interface", "wsgi", "--host", self.host, "--port", str(self.given.port), "--no-ws"]
        web += ["--workers", "1", "--blocking-threads", str(WEB_THREADS), "--workers-kill-timeout", "10", "config.wsgi:application"]
        celery = [python, "-m", "celery", "-q", "--skip-checks", "-A", "config"]
        worker = [*celery, "worker", "--concurrency", str(WORKER_PROCESSES), "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        beat = [*celery, "beat", "--schedule", str(self.run_folder / "beat-schedule"), "--pidfile=", "--loglevel", "INFO"]
        # REMAP_SIGTERM: running tasks get a few seconds, then go back to the queue
        children.append(Child("web", web, variables, self.output))
        children.append(Child("worker", worker, {**variables, "VEFA_PROCESS": "worker", "REMAP_SIGTERM": "SIGQUIT"}, self.output))
        children.append(Child("beat", beat, {**variables, "VEFA_PROCESS": "beat"}, self.output))
        return children

    def _prepare(self, variables: dict[str, str]) -> bool:
        """Migrations, messages, static files, demo: one process. Whether the start may go on."""
        command = [sys.executable, str(ROOT / "manage.py"), "prepare", *([] if self.demo else ["--no-demo"])]
        child = Child("up", command, variables, self.output)
        child.start()
        while child.running() and not self._stopping.wait(0.1):
            continue
        if self._stopping.is_set():
            child.stop(STOP_SECONDS)
            return False
        child.finish_output()
        if child.exit_code != 0:
            self._fault = "Vefa was not started: the preparation above failed."
        return child.exit_code == 0

    # ── Run ─────────────────────────────────────────────────────────────────
    def _serve(self, servers: Servers) -> None:
        """Prepares, then keeps the children alive until a stop or a fault."""
        if self._stopping.is_set():
            return
        variables = self._variables(servers)
        if not self._prepare(variables):
            return
        self._children = self._plan(variables)
        self._sandbox = SandboxWeb(self.data, self.host, variables, self.output)
        try:
            # the rest follows when the pages answer: on a small machine they would only wait for each other
            for child in self._children:
                if child.name in {"mail", "web"}:
                    child.start()
            self._watch(servers)
        finally:
            self._stop_children()

    def _watch(self, servers: Servers) -> None:
        greeted, looked_at, failures = False, 0.0, 0
        while not self._stopping.wait(0.2):
            now = time.monotonic()
            for child in self._children:
                self._fault = child.keep_alive(now)
                if self._fault:
                    return
            if not greeted and self._answers("/healthz", seconds=2):
                greeted = True
                for child in self._children:
                    if not child.started:
                        child.start()
                threading.Thread(target=self._greet, daemon=True).start()
            if now - looked_at >= 2:
                looked_at = now
                if greeted and self._sandbox:
                    self._sandbox.look(now)
                try:
                    for name in servers.mend():
                        self.output.line("up", f"{name} had ended and was started again")
                    failures = 0
                except ServerFailed as fault:
                    failures += 1
                    if failures == 5:
                        self._fault = str(fault)
                        return

    def _answers(self, path: str, *, seconds: float) -> bool:
        """Whether the web process answers an address with 200."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.given.port}{path}", headers={"Host": urlsplit(self.given.public_base_url).netloc})
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - always http to this machine
                return answer.status == 200
        except OSError:
            return False

    def _greet(self) -> None:
        """Says what an operator wants to know, once a page has been shown."""
        # the first page loads the code of all others; better now than when somebody waits for it
        self._answers("/login/", seconds=30)
        try:
            prepared = json.loads((self.run_folder / "prepared.json").read_text())
        except (OSError, ValueError):
            prepared = {}
        lines = ["", f"Vefa runs at {self.given.public_base_url}"]
        if self.host != "127.0.0.1":
            lines.append(f"It listens on port {self.given.port} of every network address of this machine.")
        logins = prepared.get("logins") or []
        if logins:
            lines += ["Demo logins:", *(f"  {login['email']}  {login['password']}  ({login['role']})" for login in logins)]
        elif not prepared.get("people"):
            lines.append("Nobody can sign in yet: .venv/bin/python manage.py createsuperuser makes the first admin.")
        if self.given.email is None:
            lines.append(f"Mails leave for nobody: they are kept in {self.given.public_base_url}/inbox/ (set EMAIL_URL for a real server)")
        else:
            lines.append(f"Mails go to {self.given.email.host}:{self.given.email.port}")
        lines += ["Ctrl-C stops it.", ""]
        for line in lines:
            self.output.line("up", line)

    def _stop_children(self) -> None:
        """All at once, the catcher last: a mail that is being sent must still arrive."""
        last = [child for child in self._children if child.name == "mail"]
        first = [child for child in self._children if child.name != "mail"]
        if self._sandbox and self._sandbox.child:
            first.append(self._sandbox.child)
        self.output.line("up", "stopping")
        for group in (first, last):
            for child in group:
                child.ask_to_stop()
            until = time.monotonic() + STOP_SECONDS
            for child in group:
                child.stop(max(0.0, until - time.monotonic()))
