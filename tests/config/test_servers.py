"""The embedded servers: counted by locks, shared, ended by the last who leaves, found again after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.environment import ROOT
from config.services import processes
from config.services.locks import Busy, FileLock
from config.services.ports import free_port
from config.services.servers import Servers

# Uses the servers of argv[1] until its stdin closes; says when it has them.
USER = """
import sys
from pathlib import Path
from config.services.servers import Servers
with Servers(Path(sys.argv[1]), postgres=True, valkey=True, throwaway=True) as servers:
    print(servers.postgres.process().pid, servers.valkey.process().pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder; whatever still runs on it afterwards is ended."""
    base = Path(tempfile.mkdtemp(prefix="vefa-servers-"))
    folder = base / "data"
    folder.mkdir()
    yield folder
    servers = Servers(folder, postgres=True, valkey=True)
    processes.end_all(processes.supervised_leftovers(folder), 5)
    servers.valkey.stop()
    servers.postgres.stop()
    shutil.rmtree(base, ignore_errors=True)


def _user(data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", USER, str(data)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _pids(user: subprocess.Popen[str]) -> tuple[int, int]:
    assert user.stdout is not None
    first, second = user.stdout.readline().split()
    return int(first), int(second)


def _leave(user: subprocess.Popen[str]) -> None:
    user.communicate(timeout=60)
    assert user.returncode == 0


def _lives(pid: int) -> bool:
    return processes.alive(pid) is not None


def test_two_who_start_at_once_share_the_servers_and_the_last_ends_them(data: Path) -> None:
    first, second = _user(data), _user(data)
    pids = _pids(first)
    assert _pids(second) == pids
    _leave(first)
    assert all(_lives(pid) for pid in pids)
    with psycopg.connect(Servers(data, postgres=True, valkey=True).postgres.url()) as link:
        assert link.execute("show timezone").fetchone() == ("UTC",)
    _leave(second)
    assert not any(_lives(pid) for pid in pids)


def test_servers_of_a_killed_user_are_taken_over_with_their_rows_and_then_ended(data: Path) -> None:
    first = _user(data)
    pids = _pids(first)
    servers = Servers(data, postgres=True, valkey=True)
    with psycopg.connect(servers.postgres.url(), autocommit=True) as link:
        link.execute("create table kept (n int)")
        link.execute("insert into kept values (42)")
    first.kill()
    first.communicate()
    assert all(_lives(pid) for pid in pids)
    second = _user(data)
    assert _pids(second) == pids
    with psycopg.connect(servers.postgres.url()) as link:
        assert link.execute("select n from kept").fetchall() == [(42,)]
    _leave(second)
    assert not any(_lives(pid) for pid in pids)


def test_a_dead_server_comes_back_at_its_old_address(data: Path) -> None:
    with Servers(data, postgres=True, valkey=True) as servers:
        addresses = servers.variables()
        for server in (servers.postgres, servers.valkey):
            process = server.process()
            assert process is not None
            process.kill()
            process.wait(10)
        assert servers.mend() == ["Postgres", "Valkey"]
        assert servers.variables() == addresses
        assert servers.postgres.ready()
        assert redis.Redis.from_url(addresses["REDIS_URL"]).ping()
        assert redis.Redis.from_url(addresses["REDIS_URL"]).config_get("appendonly", "maxmemory-policy", "bind") == {
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
            "bind": "127.0.0.1",
        }
        assert servers.mend() == []


def test_a_stranger_under_the_recorded_id_is_left_alone(data: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        servers = Servers(data, postgres=True, valkey=True)
        servers.valkey.folder.mkdir()
        servers.valkey.record.write_text(f'{{"pid": {stranger.pid}, "port": 6379}}')
        assert servers.valkey.process() is None
        servers.valkey.stop()
        (data / "pg").mkdir()
        (data / "pg" / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert servers.postgres.process() is None
        servers.postgres.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_exclusive_lock_waits_for_nobody_and_dies_with_its_holder(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.shared()
    second.shared()
    with pytest.raises(Busy):
        first.exclusive()
    second.release()
    first.exclusive()
    holder = subprocess.Popen(
        [sys.executable, "-c", f"from config.services.locks import *; FileLock(Path({str(tmp_path / 'other')!r})).exclusive(); print(1, flush=True); import time; time.sleep(60)"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    third = FileLock(tmp_path / "other")
    with pytest.raises(Busy):
        third.exclusive()
    holder.kill()
    holder.communicate()
    third.exclusive(seconds=5)


def test_a_tethered_program_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed, so nothing but the kernel can tell the child."""
    script = (
        "import os, subprocess, sys, time; from config.services.children import TETHER; "
        "child = subprocess.Popen([sys.executable, '-I', str(TETHER), str(os.getpid()), sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True); "
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.5)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    psutil.wait_procs([child], timeout=5)
    assert processes.alive(child.pid) is None


def test_a_wished_port_is_taken_when_it_is_free_and_another_when_not() -> None:
    import socket

    port = free_port()
    assert free_port(port) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert free_port(port) != port
