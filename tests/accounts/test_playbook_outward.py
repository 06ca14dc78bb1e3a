"""What leaves: mails over a real mail server, calls over a real web server; signed, once, and never to a machine inside."""

import datetime as dt
import json
import socket
import threading
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from standardwebhooks import Webhook

from accounts.actions import playbook_calls
from accounts.actions.playbook_calls import send_calls, signing_secret
from accounts.actions.playbook_mails import send_mails
from accounts.actions.playbook_runs import stop_run
from accounts.actions.refusals import refusal_page
from accounts.actions.suppressions import suppress
from accounts.models import Contact, Installation, OutgoingMail, PlaybookRun, PlaybookStepLog
from accounts.outward_calls import is_public, post
from tests.accounts.playbook_ground import at, happens, make_playbook, story, work_off

pytestmark = pytest.mark.django_db(transaction=True)
MAIL = {"key": "write", "kind": "mail", "subject": "About {account}", "body": {"en": "Hello {name}", "tr": "Merhaba {name}"}}


class Inbox:
    """A mail server that keeps what it gets."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.letters.append(message_from_bytes(envelope.content, policy=default))
        return "250 kept"


@pytest.fixture
def inbox(settings):
    kept = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_BACKEND = "127.0.0.1", port, "django.core.mail.backends.smtp.EmailBackend"
    yield kept.letters
    controller.stop()


class Receiver:
    """A web server that answers as it is told and keeps what it was told."""

    def __init__(self):
        receiver = self
        self.answers, self.calls = [], []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(settings):
    settings.PLAYBOOK_PRIVATE_CALLS = True
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def begin(account, *steps, key="save"):
    """A run of a playbook whose first round is over."""
    playbook = make_playbook(key, steps=steps)
    happens(account, when=at(hours=1), payload={"attempt": 2})
    work_off(at(hours=2))
    return PlaybookRun.objects.get(playbook=playbook, account=account)


def send(now):
    """One round of mails."""
    return dict(send_mails(worker="test", clock=lambda: now, as_of=now))


def test_a_mail_leaves_once_with_a_way_to_refuse(cast, inbox, settings):
    settings.UNSUBSCRIBE_MAILTO = "stop@vefa.test"
    Installation.objects.update_or_create(pk=1, defaults={"postal_address": "Kervan, İzmir"})
    begin(cast.boga, MAIL)
    assert send(at(hours=2)) == {"sent": 1}
    assert send(at(hours=3)) == {}
    letter = inbox[0]
    assert (letter["To"], letter["Subject"]) == ("selin@bogazici.test", "About Boğaziçi Lojistik A.Ş.")
    page = refusal_page(OutgoingMail.objects.get())
    assert (letter["List-Unsubscribe"].strip(), letter["List-Unsubscribe-Post"]) == (f"<{page}>, <mailto:stop@vefa.test?subject=unsubscribe>", "List-Unsubscribe=One-Click")
    assert letter.get_content().replace("\r\n", "\n").startswith(f"Merhaba Selin Aydın\n\n-- \nBizden başka böyle e-posta istemiyorsanız:\n{page}\n")
    assert "Kervan, İzmir" in letter.get_content()
    assert letter["Message-ID"].startswith(f"<{OutgoingMail.objects.get().pk}@")


@pytest.mark.parametrize("reason", ["refused", "suppressed", "moved", "stale", "playbook_ended"])
def test_each_mail_looks_once_more_before_it_leaves_and_the_log_says_why_not(cast, inbox, reason):
    run, now = begin(cast.boga, MAIL, {"key": "rest", "kind": "wait", "days": 20}), at(hours=3)
    if reason == "refused":
        Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True)
    elif reason == "suppressed":
        suppress(address="selin@bogazici.test", reason="complaint")
    elif reason == "moved":
        Contact.objects.filter(pk=cast.selin.pk).update(email="new@bogazici.test")
    elif reason == "stale":
        now = at(9)
    else:
        OutgoingMail.objects.update(status="sending")
        stop_run(run_id=run.pk, now=now)
        OutgoingMail.objects.update(status="queued")
    assert send(now) == {"aborted": 1}
    assert inbox == []
    assert story(run)[0] == ("write", "skipped", reason)


def test_nothing_leaves_while_sending_is_off(cast, inbox, receiver):
    begin(cast.boga, MAIL, {"key": "tell", "kind": "webhook", "url": receiver.url})
    Installation.objects.update_or_create(pk=1, defaults={"sending_enabled": False})
    assert (send(at(hours=3)), dict(send_calls(now=at(hours=3)))) == ({}, {})
    assert (inbox, receiver.calls) == ([], [])


def test_a_call_is_signed_and_carries_ids_alone(cast, receiver):
    run = begin(cast.boga, {"key": "tell", "kind": "webhook", "url": receiver.url})
    # the run goes on while the receiver has not been told
    assert (run.status, story(run)) == ("done", [("tell", "waiting", "")])
    assert dict(send_calls(now=dt.datetime.now(dt.UTC))) == {"done": 1}
    headers, body = receiver.calls[0]
    told = json.loads(body)
    assert Webhook(signing_secret("save")).verify(body, {name.lower(): value for name, value in headers.items()}) == told
    assert headers["Idempotency-Key"] == told["id"] == headers["webhook-id"]
    assert told["account"] == {"id": cast.boga.pk, "external_id": "boga"}
    assert (told["playbook"], told["version"], told["step"], told["event"]["payload"]) == ("save", 1, "tell", {"attempt": 2})
    assert "Boğaziçi" not in body.decode()
    assert "selin" not in body.decode()
    assert story(run) == [("tell", "done", "")]
    assert send_calls(now=dt.datetime.now(dt.UTC)).total() == 0


def test_a_receiver_that_is_down_is_called_again_by_the_ladder_and_gets_the_same_key(cast, receiver):
    run = begin(cast.boga, {"key": "tell", "kind": "webhook", "url": receiver.url})
    receiver.answers = [503, 429, 500]
    clock = at(hours=2)
    for minutes in (1, 5, 15):
        assert dict(send_calls(now=clock)) == {"again": 1}
        assert send_calls(now=clock + dt.timedelta(minutes=minutes, seconds=-1)).total() == 0
        clock += dt.timedelta(minutes=minutes)
    assert dict(send_calls(now=clock)) == {"done": 1}
    assert len({headers["Idempotency-Key"] for headers, _body in receiver.calls}) == 1
    assert PlaybookStepLog.objects.get(run=run).attempt == 4


def test_a_receiver_that_refuses_and_one_that_never_answers_are_given_up(cast, receiver):
    run = begin(cast.boga, {"key": "tell", "kind": "webhook", "url": receiver.url})
    receiver.answers = [404]
    assert dict(send_calls(now=at(hours=2))) == {"failed": 1}
    assert story(run) == [("tell", "failed", "refused")]
    gone = begin(cast.north, {"key": "tell", "kind": "webhook", "url": "http://127.0.0.1:9/"}, key="gone")
    clock = at(hours=2)
    for _try in range(40):
        send_calls(now=clock)
        clock += dt.timedelta(hours=1)
    assert story(gone) == [("tell", "failed", "gave_up")]
    assert PlaybookStepLog.objects.get(run=gone).detail == {"answer": "ConnectionRefusedError"}


def test_a_worker_that_dies_while_it_calls_leaves_a_call_that_is_made_again(cast, receiver, monkeypatch):
    class Killed(BaseException):
        """The process is gone."""

    def dying(*args, **rest):
        post(*args, **rest)
        raise Killed

    run = begin(cast.boga, {"key": "tell", "kind": "webhook", "url": receiver.url})
    monkeypatch.setattr(playbook_calls, "post", dying)
    with pytest.raises(Killed):
        send_calls(now=at(hours=2))
    monkeypatch.setattr(playbook_calls, "post", post)
    assert send_calls(now=at(hours=2)).total() == 0
    assert dict(send_calls(now=at(hours=3))) == {"done": 1}
    assert len(receiver.calls) == 2
    assert receiver.calls[0][0]["Idempotency-Key"] == receiver.calls[1][0]["Idempotency-Key"]
    assert story(run) == [("tell", "done", "")]


def test_machines_inside_and_http_are_not_called(cast, receiver, settings):
    settings.PLAYBOOK_PRIVATE_CALLS = False
    port = receiver.server.server_port
    assert post(f"http://127.0.0.1:{port}/", body=b"{}", headers={}).reason == "address"
    for host in ("127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:10.0.0.1]"):
        assert post(f"https://{host}:8443/", body=b"{}", headers={}).reason in {"private_address", "no_address"}
    run = begin(cast.boga, {"key": "tell", "kind": "webhook", "url": f"https://127.0.0.1:{port}/"})
    assert dict(send_calls(now=at(hours=2))) == {"failed": 1}
    assert (story(run), receiver.calls) == ([("tell", "failed", "refused")], [])


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("10.1.2.3", False), ("100.64.0.1", False), ("fe80::1", False), ("fd00::1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False), ("224.0.0.1", False)],
)  # fmt: skip
def test_which_addresses_lie_outside(address, public):
    assert is_public(address) is public
