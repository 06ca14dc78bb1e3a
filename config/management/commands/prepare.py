"""`manage.py prepare`: everything between an installed checkout and a running one."""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts.actions.heartbeats import forget_heartbeats
from accounts.actions.instances import watch_instance
from accounts.models import Account, Installation, User
from config.demo.people import DEMO_PASSWORD, PEOPLE
from config.services.messages import compile_messages

# One preparation at a time on a database, whatever machine it comes from.
ADVISORY_LOCK = 0x76656661


class Command(BaseCommand):
    """Migrates, compiles messages, collects static files, loads the demo company on first start."""

    help = (
        "Migrates, compiles messages, collects static files and, on first start, loads the demo company. "
        "`up` runs it; run it after an upgrade where something else starts the processes."
    )
    # the checks import every page, which takes longer than all that is done here; CI runs them
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch."""
        parser.add_argument("--no-demo", action="store_true", help="Never load the demo company.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Does the steps in order; each does nothing where nothing is to be done."""
        self._reach_the_broker()
        made = compile_messages(Path(settings.BASE_DIR) / "locale")
        if made:
            self._say(f"messages: {len(made)} catalogs compiled")
        with self._database() as lock:
            lock.execute("select pg_advisory_lock(%s)", [ADVISORY_LOCK])
            with connection.cursor() as cursor:
                # an index over a large table may take longer than any request may
                cursor.execute("set statement_timeout = 0")
            self._say("migrations")
            call_command("migrate", interactive=False, verbosity=1 if options["verbosity"] > 1 else 0, stdout=self.stdout)
            # signs of life of an earlier run must not make this one look ready
            forget_heartbeats(parts=["beat", "worker"])
            if doubt := watch_instance():
                self._say(f"sending is off: this may be a copy of another installation ({doubt}); an admin confirms under Surveys, Outbox that it is not")
            self._static_files()
            if settings.VEFA_DEMO and not options["no_demo"] and self._is_new():
                self._demo()
        self._tell_the_supervisor()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _database(self) -> psycopg.Connection[Any]:
        """A connection of its own, which also tells early that the database cannot be reached."""
        parameters = connection.get_connection_params()
        parameters.pop("pool", None)
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        try:
            return psycopg.connect(**{**parameters, "connect_timeout": 10}, autocommit=True)
        except psycopg.OperationalError as fault:
            raise CommandError(f"DATABASE_URL: PostgreSQL cannot be reached: {fault}") from fault

    def _reach_the_broker(self) -> None:
        try:
            with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
                client.ping()
        except redis.RedisError as fault:
            raise CommandError(f"REDIS_URL: Valkey cannot be reached: {fault}") from fault

    def _static_files(self) -> None:
        """Collects them when a source or a package has changed since the last time."""
        stamp = Path(settings.STATIC_ROOT) / ".collected"
        fingerprint = _fingerprint(Path(settings.BASE_DIR))
        if stamp.is_file() and stamp.read_text() == fingerprint:
            return
        self._say("static files")
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(fingerprint)

    def _is_new(self) -> bool:
        return Installation.current().demo_loaded_at is None and not Account.objects.exists()

    def _demo(self) -> None:
        if "demo" not in get_commands():
            self._say("no demo company: this version has no `demo` command")
            return
        self._say("demo company: this happens once and takes a little while")
        try:
            call_command("demo", stdout=self.stdout, stderr=self.stderr)
        except Exception:
            # an installation without its demo is still one: whoever wants it sees why and tries again
            traceback.print_exc(file=sys.stdout)
            self._say("the demo company could not be loaded, see above; the installation starts empty, and `manage.py demo` tries again")

    def _tell_the_supervisor(self) -> None:
        """Leaves what it wants to print: who can sign in."""
        people = User.objects.filter(is_active=True)
        logins = []
        if Installation.current().demo_loaded_at is not None:
            here = set(people.filter(email__in=[person.email for person in PEOPLE]).values_list("email", flat=True))
            shown: set[str] = set()
            for person in PEOPLE:
                if person.email in here and person.role not in shown:
                    shown.add(person.role)
                    logins.append({"email": person.email, "password": DEMO_PASSWORD, "role": person.role})
        folder = Path(settings.VEFA_DATA) / "run"
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / "prepared.new"
        temporary.write_text(json.dumps({"people": people.exists(), "logins": logins}))
        temporary.rename(folder / "prepared.json")


def _fingerprint(root: Path) -> str:
    """Changes when a static file of the project or the set of packages does."""
    seen = hashlib.sha256((root / "requirements.txt").read_bytes())
    collected = Path(settings.STATIC_ROOT)
    for path in sorted(root.glob("*/static/**/*")):
        # what was collected may lie below the project itself and must not count as a source
        if path.is_file() and collected not in path.parents:
            state = path.stat()
            seen.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return seen.hexdigest()
