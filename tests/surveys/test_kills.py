"""The web process is killed while answers come in: what was acknowledged is there, and what is sent again is there once."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import AccountEvent, Contact
from config.services.valkey import free_port
from surveys.models import Response, ResponseRevision
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import nonce_of

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS, KILLS, CUSTOMERS = 200, 3, 4


class Web:
    """The shipped web server on the database of the test, two workers, in a process group that can be killed."""

    def __init__(self, data: Path):
        self.port = free_port()
        given = connection.settings_dict
        host = given.get("OPTIONS", {}).get("host") or given["HOST"]
        address = f"postgresql://{given['USER']}:{urllib.parse.quote(given['PASSWORD'])}@/{given['NAME']}?" + urllib.parse.urlencode(
            {"host": host, **({"port": given["PORT"]} if given["PORT"] else {})}
        )
        self.environment = {**os.environ, "DATABASE_URL": address, "REDIS_URL": settings.REDIS_URL, "VEFA_DATA": str(data), "PORT": str(self.port)}
        # answers of one process are read by the nonce's key in another
        self.environment["SECRET_KEY"] = settings.SECRET_KEY
        self.log = (data / "web.log").open("wb")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Brings it up, or up again."""
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--no-ws", "--workers", "2", "--blocking-threads", "2"]
        self.process = subprocess.Popen([*command, "config.wsgi:application"], cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log, start_new_session=True)

    def kill(self) -> None:
        """Kill -9 for the server and all its workers."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    made = Web(tmp_path)
    made.start()
    yield made
    made.kill()
    made.log.close()


def test_no_acknowledged_answer_is_lost_and_none_is_stored_twice(web, cast):
    hour_ago = timezone.now() - dt.timedelta(hours=1)
    people = Contact.objects.bulk_create([Contact(external_id=f"k{number}", account=cast.boga, email=f"k{number}@bogazici.test", name="Ada Lovelace") for number in range(ANSWERS)])
    tokens = [link_to(planned(person, survey="nps", touchpoint="relationship-nps", at=hour_ago, status="sent", sent_at=hour_ago), now=hour_ago) for person in people]
    waiting = [(token, nonce_of(token), number % 11) for number, token in enumerate(tokens)]
    acknowledged: dict[str, int] = {}
    tries = []
    stop = threading.Event()

    def answer_until_it_is_there(mine):
        for token, nonce, score in mine:
            body = urllib.parse.urlencode({"form_nonce": nonce, "score": score, "lang": "en"})
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null", "Sec-Fetch-Site": "same-origin"}
            while not stop.is_set():
                tries.append(token)
                try:
                    line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
                    line.request("POST", f"/s/{token}", body=body, headers=headers)
                    status = line.getresponse().status
                    line.close()
                except (OSError, http.client.HTTPException):
                    time.sleep(0.1)
                    continue
                assert status == 303, status
                acknowledged[token] = score
                break

    customers = [threading.Thread(target=answer_until_it_is_there, args=[waiting[number::CUSTOMERS]]) for number in range(CUSTOMERS)]
    for customer in customers:
        customer.start()
    try:
        for kill in range(1, KILLS + 1):
            until = time.monotonic() + 60
            while len(acknowledged) < kill * ANSWERS // (KILLS + 1) and time.monotonic() < until:
                time.sleep(0.002)
            assert len(acknowledged) >= kill * ANSWERS // (KILLS + 1), "the server came up"
            before = len(acknowledged)
            web.kill()
            assert Response.objects.count() >= before, "nothing that was acknowledged is missing the moment after the kill"
            web.start()
        for customer in customers:
            customer.join(60)
    finally:
        stop.set()
    assert len(tries) > ANSWERS, "the kills were felt"
    assert sorted(Response.objects.counted().values_list("score", flat=True)) == sorted(acknowledged.values())
    assert (len(acknowledged), Response.objects.count(), ResponseRevision.objects.count()) == (ANSWERS, ANSWERS, ANSWERS)
    assert AccountEvent.objects.filter(kind="survey.answered").count() == ANSWERS
