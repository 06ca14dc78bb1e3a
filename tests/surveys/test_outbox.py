"""The outbox against a real mail server: what is known after each way a conversation can end."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.actions.outbox import Delivery, claim, expire_leases, release, settle
from accounts.models import OutgoingMail
from tests.surveys.making import Sink

pytestmark = pytest.mark.django_db(transaction=True)
LETTER = b"From: a@vefa.test\r\nTo: b@x.test\r\nSubject: hi\r\n\r\nfirst\r\n.hidden dot\r\n"


def mail(**fields):
    return OutgoingMail.objects.create(**{"kind": "alert", "to_address": "b@x.test", "next_attempt_at": timezone.now() - dt.timedelta(seconds=1), **fields})


def deliver(sink, session=None):
    with session or sink.session() as talk:
        return talk.deliver(sender="a@vefa.test", recipient="b@x.test", message=LETTER)


def test_an_accepted_mail_is_sent_once_with_its_dots(cast):
    with Sink() as sink:
        result = deliver(sink)
        assert (result.outcome, result.reply) == ("sent", "250 Kept")
        assert [message.get_content() for _to, message in sink.kept] == ["first\r\n.hidden dot\r\n"]


def test_many_mails_share_one_connection(cast):
    with Sink() as sink, sink.session() as talk:
        for _ in range(5):
            assert talk.deliver(sender="a@vefa.test", recipient="b@x.test", message=LETTER).outcome == "sent"
        assert (len(sink.kept), sink.sessions) == (5, 1)


@pytest.mark.parametrize(
    ("unkind", "outcome", "no_such_user"),
    [
        ({"rcpt": "450 try later"}, "retry", False),
        ({"data": "451 try later"}, "retry", False),
        ({"rcpt": "550 no such user"}, "failed", True),
        ({"data": "554 not wanted"}, "failed", False),
        ({"cut": "data"}, "retry", False),
        ({"cut": "after"}, "unknown", False),
    ],
)
def test_what_is_known_after_each_fault(cast, unkind, outcome, no_such_user):
    with Sink(**unkind) as sink:
        result = deliver(sink)
        assert (result.outcome, result.no_such_user) == (outcome, no_such_user)
        assert len(sink.kept) == (1 if unkind.get("cut") == "after" else 0)


def test_a_server_that_is_not_there_means_later(cast):
    with Sink() as sink:
        session = sink.session()
    assert deliver(None, session).outcome == "retry"


def test_a_refused_mail_does_not_spoil_the_connection_for_the_next(cast):
    with Sink(rcpt="450 later") as sink, sink.session() as talk:
        assert talk.deliver(sender="a@vefa.test", recipient="b@x.test", message=LETTER).outcome == "retry"
        sink.rcpt = ""
        assert talk.deliver(sender="a@vefa.test", recipient="b@x.test", message=LETTER).outcome == "sent"
        assert sink.sessions == 1


def test_two_workers_never_claim_the_same_mail(cast):
    for _ in range(10):
        mail()
    first, second = claim(kinds=["alert"], limit=6, worker="one"), claim(kinds=["alert"], limit=6, worker="two")
    assert (len(first), len(second)) == (6, 4)
    assert not {row.pk for row in first} & {row.pk for row in second}
    assert claim(kinds=["alert"], limit=6, worker="three") == []


def test_a_retry_waits_longer_each_time_and_gives_up_in_the_end(cast):
    row = mail(valid_until=timezone.now() + dt.timedelta(minutes=30))
    waits = []
    for _ in range(3):
        now = timezone.now()
        OutgoingMail.objects.filter(pk=row.pk).update(next_attempt_at=now)
        (claimed,) = claim(kinds=["alert"], limit=1, worker="me")
        status = settle(mail=claimed, worker="me", delivery=Delivery("retry", "450 later"), now=now)
        row.refresh_from_db()
        waits.append(round((row.next_attempt_at - now).total_seconds() / 60))
        assert status == "retry"
    assert waits == [1, 5, 15]
    OutgoingMail.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
    (claimed,) = claim(kinds=["alert"], limit=1, worker="me")
    assert settle(mail=claimed, worker="me", delivery=Delivery("retry", "450 later"), now=timezone.now()) == "failed"
    row.refresh_from_db()
    assert (row.status, row.reason) == ("failed", "gave_up")


def test_a_lease_that_runs_out_is_unknown_and_a_late_worker_cannot_change_it(cast):
    row = mail()
    (claimed,) = claim(kinds=["alert"], limit=1, worker="gone")
    assert expire_leases() == []
    OutgoingMail.objects.filter(pk=row.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert expire_leases() == [str(row.pk)]
    assert settle(mail=claimed, worker="gone", delivery=Delivery("sent", "250 ok"), now=timezone.now()) is None
    assert not release(mail=claimed, worker="gone", status="queued", reason="")
    row.refresh_from_db()
    assert (row.status, row.reason) == ("unknown", "lease_expired")
