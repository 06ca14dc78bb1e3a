"""Where a conversation with a mail server breaks off decides what is known: a socket server cuts at every stage there is."""

import datetime as dt
import socket
import threading

import pytest
from django.core.mail import get_connection

from accounts.actions.outbox import MOST_TRIES, Delivery, MailSession, claim, settle
from accounts.models import OutgoingMail
from surveys.actions.dispatch import queue_due, send_queued
from surveys.models import Invitation, SurveyLink
from tests.surveys.making import NOW, Sink, activate, planned

pytestmark = pytest.mark.django_db(transaction=True)
GREETING, EHLO, MAIL, RCPT, DATA, BODY, END, ANSWER = range(8)


class Cutter:
    """Speaks just enough SMTP and hangs up at one stage; `took` says whether it had the whole mail by then."""

    def __init__(self, stage, *, answers=None):
        self.stage, self.answers, self.took, self.talks = stage, answers or {}, False, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # close() alone would leave the thread in accept()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self):
        while True:
            try:
                talk, _address = self._listener.accept()
            except OSError:
                return
            self.talks += 1
            with talk:
                talk.settimeout(5)
                try:
                    self._talk(talk)
                except OSError:
                    pass
                # an abortive end: nothing more is read and nothing is said
                talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    def _talk(self, talk):
        lines = talk.makefile("rb")
        if self.stage == GREETING:
            return
        talk.sendall(self.answers.get(GREETING, b"220 cutter\r\n"))
        for stage, reply in ((EHLO, b"250 cutter\r\n"), (MAIL, b"250 ok\r\n"), (RCPT, b"250 ok\r\n"), (DATA, b"354 go\r\n")):
            lines.readline()
            if self.stage == stage:
                return
            talk.sendall(self.answers.get(stage, reply))
        if self.stage == BODY:
            lines.readline()
            return
        while (line := lines.readline()) != b".\r\n":
            if not line:
                return
        self.took = True
        if self.stage == END:
            return
        talk.sendall(self.answers.get(ANSWER, b"250 taken\r\n")[: 3 if self.stage == ANSWER else None])

    def session(self, timeout=5):
        return MailSession(lambda: get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=self.port, timeout=timeout))


@pytest.fixture
def queued(cast):
    activate()
    cast.invitation = planned(cast.selin)
    queue_due(as_of=NOW, now=NOW)
    return cast


def send(server, **rest):
    with server.session(**rest) as session:
        return send_queued(as_of=NOW, now=NOW, worker="w", session=session)


@pytest.mark.parametrize("stage", [GREETING, EHLO, MAIL, RCPT, DATA])
def test_before_the_body_a_cut_means_that_nothing_left(queued, stage):
    with Cutter(stage) as server:
        assert send(server) == {"retry": 1}
        assert server.took is False
    queued.invitation.refresh_from_db()
    mail = OutgoingMail.objects.get()
    assert (queued.invitation.status, mail.status) == ("queued", "retry")
    assert SurveyLink.objects.count() == 0


def test_a_body_that_was_never_whole_did_not_arrive_or_is_uncertain_but_never_goes_twice(queued):
    with Cutter(BODY) as server:
        made = send(server)
        assert made in ({"retry": 1}, {"unknown": 1})
        assert server.took is False


@pytest.mark.parametrize("stage", [END, ANSWER])
def test_after_the_whole_body_a_cut_is_uncertain(queued, stage):
    with Cutter(stage) as server:
        assert send(server) == {"unknown": 1}
        assert (server.took, server.talks) == (True, 1)
        assert send(server) == {}
        assert server.talks == 1
    queued.invitation.refresh_from_db()
    assert queued.invitation.status == "unknown"
    assert SurveyLink.objects.filter(kind="invite").count() == 1


def test_a_server_that_takes_the_mail_and_falls_silent_is_uncertain(queued):
    class Silent(Cutter):
        def _talk(self, talk):
            super()._talk(talk)
            talk.recv(1)

    with Silent(END) as server:
        assert send(server, timeout=0.5) == {"unknown": 1}


@pytest.mark.parametrize(
    ("stage", "answer", "made", "unreachable"),
    [
        (GREETING, b"421 closed\r\n", "retry", True),
        (GREETING, b"554 go away\r\n", "retry", True),
        (MAIL, b"451 later\r\n", "retry", False),
        (RCPT, b"452 full\r\n", "retry", False),
        (RCPT, b"550 nobody\r\n", "failed", False),
        (DATA, b"554 no\r\n", "failed", False),
        (ANSWER, b"450 not now\r\n", "retry", False),
        (ANSWER, b"552 too big\r\n", "failed", False),
        (ANSWER, b"hello\r\n", "unknown", False),
        (ANSWER, b"354 what\r\n", "unknown", False),
    ],
)
def test_answers_at_every_stage(queued, stage, answer, made, unreachable):
    with Cutter(None, answers={stage: answer}) as server:
        assert send(server) == {made: 1}
    assert Invitation.objects.get().status == {"retry": "queued", "failed": "failed", "unknown": "unknown"}[made]
    assert (SurveyLink.objects.count() > 0) == (made == "unknown")


def test_an_address_that_no_server_can_be_told_fails_alone(queued):
    second = planned(queued.harry)
    OutgoingMail.objects.update(to_address="se\u0131in@bogazici.test")
    type(queued.selin).objects.filter(pk=queued.selin.pk).update(email="se\u0131in@bogazici.test")
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        made = send(sink)
        assert (made["failed"], made["sent"]) == (1, 1)
    second.refresh_from_db()
    assert second.status == "sent"


def test_the_ladder_of_retries_step_by_step(cast):
    """1, 5, 15 and 60 minutes, then every hour, and given up within 24 hours of the first try."""
    row = OutgoingMail.objects.create(kind="alert", to_address="b@x.test", next_attempt_at=NOW)
    now, waits, status = NOW, [], "retry"
    while status == "retry":
        (mail,) = claim(kinds=["alert"], limit=1, worker="me", as_of=now)
        status = settle(mail=mail, worker="me", delivery=Delivery("retry", "450 later", code=450), now=now)
        row.refresh_from_db()
        if status == "retry":
            waits.append(round((row.next_attempt_at - now).total_seconds() / 60))
            now = row.next_attempt_at
    assert waits == [1, 5, 15, 60] + [60] * 22
    assert (row.status, row.reason, row.attempt) == ("failed", "gave_up", MOST_TRIES)
    assert dt.timedelta(hours=23) < now - NOW <= dt.timedelta(hours=24)
