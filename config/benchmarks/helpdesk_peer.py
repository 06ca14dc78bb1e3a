"""The list of tickets of django-helpdesk, asked like our list of work: a peer of the same stack, in a process of its own.

Its tables lie in a schema of the scratch database, with 200,000 tickets in one queue; its shell (the page
without a row) and its data (twenty-five rows, which the shell's script asks for) are told one by one. It
is a development requirement; where it is not installed its columns stay empty and a line says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from config.benchmarks.scratch import conninfo

TICKETS = 200_000
_SCHEMA = "helpdesk_peer"


def installed() -> bool:
    """Whether django-helpdesk can be imported here."""
    return importlib.util.find_spec("helpdesk") is not None


class HelpdeskPeer:
    """The child process; `shell()` and `rows()` answer seconds of one request each."""

    def __init__(self) -> None:
        self._child = subprocess.Popen([sys.executable, "-m", "config.benchmarks.helpdesk_peer", json.dumps(conninfo())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask("load")

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[HelpdeskPeer]:
        """Starts it beside the scratch database, ends it."""
        peer = cls()
        try:
            yield peer
        finally:
            assert peer._child.stdin
            peer._child.stdin.close()
            peer._child.wait(timeout=60)

    def _ask(self, what: str) -> float:
        assert self._child.stdin and self._child.stdout  # noqa: PT018
        self._child.stdin.write(what + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("The process of django-helpdesk ended; its message is above")
        return float(line)

    def shell(self) -> float:
        """The page, without rows."""
        return self._ask("shell")

    def rows(self) -> float:
        """The answer with its first twenty-five rows."""
        return self._ask("rows")


def _configured(server: dict[str, Any]) -> None:
    from django.conf import settings
    from django.core.management.utils import get_random_secret_key

    settings.configure(
        SECRET_KEY=get_random_secret_key(), ALLOWED_HOSTS=["*"], ROOT_URLCONF="config.benchmarks.helpdesk_urls", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        STATIC_URL="/static/", MEDIA_ROOT="/nonexistent", HELPDESK_TEAMS_MODE_ENABLED=False, SITE_ID=1, LOGIN_URL="/login/", LOGGING_CONFIG=None,
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites", "django.contrib.humanize", "django.contrib.messages",
            "django.contrib.staticfiles", "django.contrib.admin", "rest_framework", "helpdesk.apps.HelpdeskConfig",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware", "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages",
            ]},
        }],
        DATABASES={"default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": server["dbname"], "USER": server.get("user", ""), "PASSWORD": server.get("password", ""),
            "HOST": server.get("host", ""), "PORT": server.get("port", ""), "CONN_MAX_AGE": None, "OPTIONS": {"options": f"-c search_path={_SCHEMA} -c jit=off"},
        }},
    )  # fmt: skip


def _loaded(server: dict[str, Any]) -> tuple[Any, str, str]:
    """A client with a session of the staff, and the addresses of shell and rows."""
    import django
    import psycopg

    with psycopg.connect(**server, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {_SCHEMA}")
    _configured(server)
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    call_command("migrate", verbosity=0, interactive=False)
    from helpdesk.models import Queue, Ticket
    from helpdesk.query import query_to_base64

    # in this process that is Django's own user
    users: Any = get_user_model().objects
    user = users.create(username="agent", is_staff=True, is_superuser=True)
    queue = Queue.objects.create(title="Support", slug="support")
    first = Ticket.objects.create(title="The first", queue=queue, description="It stands still.", submitter_email="one@bench.test", assigned_to=user)
    columns = [field.column for field in Ticket._meta.concrete_fields if not field.primary_key]
    varied = {"title": "'Ticket ' || n", "status": "1 + n % 4", "priority": "1 + n % 5", "created": "t.created - n * interval '1 minute'"}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO helpdesk_ticket ({', '.join(columns)}) SELECT {', '.join(varied.get(column, f't.{column}') for column in columns)} "
            f"FROM helpdesk_ticket t, generate_series(2, {TICKETS}) n WHERE t.id = {first.pk}"
        )
        cursor.execute("VACUUM (ANALYZE) helpdesk_ticket")
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    query = query_to_base64({"filtering": {"status__in": [1, 2]}, "filtering_null": {}, "sorting": "created", "sortreverse": False, "search_string": ""})
    return client, reverse("helpdesk:list"), reverse("helpdesk:datatables_ticket_list", args=[query]) + "?draw=1&start=0&length=25"


def _main() -> None:
    client, shell, rows = None, "", ""
    for line in sys.stdin:
        began = time.perf_counter()
        if line.strip() == "load":
            client, shell, rows = _loaded(json.loads(sys.argv[1]))
        else:
            answer = client.get(shell if line.strip() == "shell" else rows)  # type: ignore[union-attr]
            if answer.status_code != 200:
                raise RuntimeError(f"django-helpdesk answered {answer.status_code}")
        sys.stdout.write(f"{time.perf_counter() - began}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
