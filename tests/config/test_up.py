"""`manage.py up` from end to end, on embedded servers of its own: start, refuse, kill, recover, stop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from config.environment import ROOT
from config.services import inbox, processes
from config.services.ports import free_port
from config.services.servers import Servers

PATIENCE = 120.0


class House:
    """One installation in a folder of its own."""

    def __init__(self, data: Path):
        self.data, self.port = data, free_port()
        kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "VEFA_TEST_SERVERS"}}
        self.variables = {**kept, "VEFA_DATA": str(data), "PORT": str(self.port), "VEFA_DOTENV": "0"}
        self.log = data.parent / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "manage.py", "up", "--no-demo"], cwd=ROOT, env=self.variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def ask(self, path: str, port: int = 0) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()
        except OSError as fault:
            return 0, str(fault)

    def wait_for(self, what: Callable[[], Any]) -> Any:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert self.process is None or self.process.poll() is None, self.log.read_text()
            if found := what():
                return found
            time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: self.ask("/healthz")[0] == 200)
        self.wait_for(lambda: self.ask("/readyz")[0] == 200)
        self.wait_for(lambda: "Ctrl-C stops it." in self.log.read_text())

    def inhabitants(self) -> list[psutil.Process]:
        """Everything that runs for this house, the servers included."""
        servers = Servers(self.data, postgres=True, valkey=True)
        return [process for process in (*processes.supervised_leftovers(self.data), servers.postgres.process(), servers.valkey.process()) if process is not None]

    def witness(self, text: str) -> None:
        with psycopg.connect(Servers(self.data, postgres=True, valkey=True).postgres.url()) as link:
            link.execute("insert into accounts_heartbeat (part, beaten_at, detail) values (%s, now(), '{}')", [text])


@pytest.fixture
def house() -> Iterator[House]:
    base = Path(tempfile.mkdtemp(prefix="vefa-up-"))
    found = House(base / "data")
    yield found
    if found.process and found.process.poll() is None:
        found.process.kill()
        found.process.wait()
    processes.end_all(processes.supervised_leftovers(found.data), 5)
    servers = Servers(found.data, postgres=True, valkey=True)
    servers.valkey.stop()
    servers.postgres.stop()
    shutil.rmtree(base, ignore_errors=True)


def test_it_starts_refuses_a_second_start_survives_a_kill_and_stops_without_a_trace(house: House) -> None:
    house.start()
    house.wait_until_ready()
    assert house.process is not None
    ready = json.loads(house.ask("/readyz")[1])
    assert ready["ready"] is True
    assert set(ready["parts"]) == {"broker", "database", "migrations", "worker", "beat"}
    assert house.ask("/login/")[0] == 200
    log = house.log.read_text()
    assert f"Vefa runs at http://127.0.0.1:{house.port}" in log
    assert "/inbox/" in log

    # a second start says who runs, and changes nothing
    second = subprocess.run([sys.executable, "manage.py", "up"], cwd=ROOT, env=house.variables, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert f"process {house.process.pid}" in second.stderr
    assert f"http://127.0.0.1:{house.port}" in second.stderr

    # another installation on the same port is refused by the name of the setting, and starts nothing
    elsewhere = house.data.parent / "elsewhere"
    third = subprocess.run([sys.executable, "manage.py", "up"], cwd=ROOT, env={**house.variables, "VEFA_DATA": str(elsewhere)}, capture_output=True, text=True, timeout=60)
    assert third.returncode == 1
    assert third.stderr.startswith(f"PORT={house.port} cannot be used")
    assert not (elsewhere / "pg").exists()

    # a command beside it uses its servers, and leaves them running
    servers = Servers(house.data, postgres=True, valkey=True)
    before = (servers.postgres.process(), servers.valkey.process())
    doctor = subprocess.run([sys.executable, "manage.py", "doctor", "--json"], cwd=ROOT, env=house.variables, capture_output=True, text=True, timeout=60)
    assert {finding["name"]: finding["state"] for finding in json.loads(doctor.stdout)["checks"]} | {"disk": "ok"} == dict.fromkeys(
        ["settings", "supervisor", "broker", "database", "migrations", "worker", "beat", "clock", "postgresql", "sending", "valkey", "mail", "disk"], "ok"
    )
    assert (servers.postgres.process(), servers.valkey.process()) == before

    # a mail is kept
    port = inbox.running_port(house.data)
    assert port is not None
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("vefa@vefa.test", ["selin@bogazici.test"], "Subject: Merhaba\r\n\r\nGüle güle".encode())
    assert [(mail.subject, mail.recipients) for mail in inbox.newest(house.data, limit=10)] == [("Merhaba", "selin@bogazici.test")]

    # a web process that dies is started again
    web = next(process for process in processes.supervised_leftovers(house.data) if "granian" in process.cmdline())
    web.kill()
    web.wait(10)
    house.wait_for(lambda: "web ended with exit code" in house.log.read_text())
    house.wait_for(lambda: house.ask("/healthz")[0] == 200)

    # the supervisor is killed: its children go with it; the next start finds the rows and mends the rest
    house.witness("witness")
    house.process.kill()
    house.process.wait()
    house.process = None
    house.wait_for(lambda: not processes.supervised_leftovers(house.data))
    house.log.write_text("")
    house.start()
    house.wait_until_ready()
    with psycopg.connect(Servers(house.data, postgres=True, valkey=True).postgres.url()) as link:
        assert link.execute("select count(*) from accounts_heartbeat where part = 'witness'").fetchone() == (1,)
    alive = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(house.data / "pg") in (process.info["cmdline"] or []) or str(house.data / "valkey" / "valkey.conf") in (process.info["cmdline"] or [])
    ]
    assert len(alive) == 2

    # a sandbox that is made beside it is served one port on, and goes with it
    made = (
        "from accounts.models import Account; from django.core.management import call_command; Account.objects.create(external_id='a', name='A'); call_command('sandbox', 'create')"
    )
    create = subprocess.run([sys.executable, "manage.py", "shell", "-c", made], cwd=ROOT, env=house.variables, capture_output=True, text=True, timeout=90)
    assert create.returncode == 0, create.stderr
    house.wait_for(lambda: house.ask("/healthz", house.port + 1)[0] == 200)
    assert f"The sandbox is at http://127.0.0.1:{house.port + 1}" in house.log.read_text()

    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(45) == 0
    assert house.inhabitants() == []
    assert house.ask("/healthz")[0] == house.ask("/healthz", house.port + 1)[0] == 0
