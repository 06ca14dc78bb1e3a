"""The rate in the database: two senders share it, a day ends, a server that wants rest gets it, and replies go first."""

import datetime as dt
import threading
import time

import pytest
from django.db import connections
from django.utils import timezone

from accounts.actions.mail_rates import set_domain_rate, set_rates
from accounts.models import Account, Contact, MailBucket, OutgoingMail
from surveys.actions.dispatch import queue_due, send_queued
from surveys.models import Invitation, SurveyLink
from tests.surveys.making import NOW, Sink, activate, planned
from tickets.actions.dispatch import dispatch

pytestmark = pytest.mark.django_db(transaction=True)


class Clocked(Sink):
    """A sink that notes when each mail arrived."""

    def __init__(self, **unkind):
        super().__init__(**unkind)
        self.at = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.at.append(time.monotonic())
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
def many(cast):
    """Makes and queues due surveys to people of as many accounts; the second half at another domain."""
    activate()

    def make(count):
        for number in range(count):
            account = Account.objects.create(external_id=f"a{number}", name=f"A {number}")
            domain = "one.test" if number < count / 2 else "two.test"
            planned(Contact.objects.create(external_id=f"c{number}", account=account, email=f"c{number}@{domain}"))
        assert queue_due(as_of=NOW, now=NOW) == {"send": count}

    return make


def send(sink, worker="w", **rest):
    with sink.session() as session:
        return send_queued(as_of=NOW, now=NOW, worker=worker, session=session, **rest)


def test_two_senders_together_keep_to_the_rate(many):
    many(30)
    set_rates(rate_per_second=20, rate_per_day=None)
    with Clocked() as sink:

        def run(name):
            send(sink, worker=name)
            connections.close_all()

        threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({address for address, _message in sink.kept}) == len(sink.kept) == 30
        instants = sorted(sink.at)
    # evenly: 29 gaps of a twentieth of a second, and nowhere a heap (some slack for a busy machine)
    assert instants[-1] - instants[0] >= 29 / 20 - 0.1
    for start in instants:
        assert sum(1 for other in instants if start <= other < start + 0.5) <= 10 + 3
    assert MailBucket.objects.get(name="all").sent_today == 30


def test_a_full_day_gives_the_rest_back_for_the_next(many, settings):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    many(8)
    set_rates(rate_per_second=1000, rate_per_day=5)
    with Sink() as sink:
        assert send(sink) == {"sent": 5, "later": 3}
        assert len(sink.kept) == 5
    waiting = OutgoingMail.objects.filter(status="queued")
    assert {mail.reason for mail in waiting} == {"day_full"}
    assert {mail.next_attempt_at.astimezone(dt.timezone(dt.timedelta(hours=3))).strftime("%H:%M") for mail in waiting} == {"00:00"}
    assert all(mail.next_attempt_at > timezone.now() for mail in waiting)
    # nothing was tried, so nothing counts as a try and no token is left behind
    assert {mail.attempt for mail in waiting} == {0}
    assert SurveyLink.objects.count() == 10
    MailBucket.objects.update(day=dt.date(2026, 1, 1))
    waiting.update(next_attempt_at=timezone.now())
    with Sink() as sink:
        assert send(sink) == {"sent": 3}


def test_refused_mails_do_not_count_for_the_day(many):
    many(4)
    with Sink(rcpt="550 no such user") as sink:
        assert send(sink) == {"failed": 4}
    assert MailBucket.objects.get(name="all").sent_today == 0


@pytest.mark.parametrize("answer", ["421 too busy", "454 not now", "429 slow down"])
def test_a_server_that_is_busy_is_left_alone_altogether(many, answer):
    many(6)
    with Sink(rcpt=answer) as sink:
        made = send(sink)
        assert made == {"retry": 1, "later": 5}
        sink.rcpt = ""
        OutgoingMail.objects.update(next_attempt_at=timezone.now())
        assert send(sink) == {}
        bucket = MailBucket.objects.get(name="all")
        assert bucket.back_off_seconds == 5
        assert bucket.backs_off_until > timezone.now()
        # twice in a row means twice as long; a mail that is taken ends it
        MailBucket.objects.update(backs_off_until=timezone.now())
        OutgoingMail.objects.update(next_attempt_at=timezone.now())
        sink.rcpt = answer
        send(sink)
        assert MailBucket.objects.get(name="all").back_off_seconds == 10
        MailBucket.objects.update(backs_off_until=timezone.now())
        OutgoingMail.objects.update(next_attempt_at=timezone.now())
        sink.rcpt = ""
        assert send(sink) == {"sent": 6}
    assert (MailBucket.objects.get(name="all").back_off_seconds, len(sink.kept)) == (0, 6)


@pytest.mark.parametrize("answer", ["450 later", "451 greylisted"])
def test_a_busy_receiver_rests_alone(many, answer):
    many(6)

    class Picky(Sink):
        async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
            if address.endswith("one.test"):
                return answer
            return await super().handle_RCPT(server, session, envelope, address, options)

    with Picky() as sink:
        assert send(sink) == {"retry": 1, "later": 2, "sent": 3}
        assert {address.partition("@")[2] for address, _message in sink.kept} == {"two.test"}
    assert MailBucket.objects.get(name="domain:one.test").back_off_seconds == 5


def test_a_server_that_is_not_there_is_tried_once_and_not_once_a_mail(many):
    many(6)
    with Sink() as sink:
        pass
    began = time.monotonic()
    assert send(sink) == {"retry": 1, "later": 5}
    assert time.monotonic() - began < 5
    assert Invitation.objects.filter(status="queued").count() == 6


def test_a_domain_may_have_a_rate_of_its_own(many):
    many(8)
    set_rates(rate_per_second=1000, rate_per_day=None)
    set_domain_rate(domain="one.test", rate_per_second=None, rate_per_day=2)
    with Sink() as sink:
        assert send(sink) == {"sent": 6, "later": 2}
    assert OutgoingMail.objects.filter(reason="day_full", to_address__endswith="one.test").count() == 2


def test_replies_pass_the_same_rate_and_have_the_last_of_the_day(many, settings):
    many(60)
    set_rates(rate_per_second=1000, rate_per_day=50)
    reply = OutgoingMail.objects.create(kind="reply", to_address="x@one.test", next_attempt_at=timezone.now(), body_text="Hello", mail_subject="Re: it")
    with Sink() as sink:
        assert send(sink) == {"sent": 49, "later": 11}
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", sink.port
        assert dispatch(clock=timezone.now) == {"sent": 1}
        OutgoingMail.objects.filter(pk=reply.pk).update(status="queued", next_attempt_at=timezone.now())
        assert dispatch(clock=timezone.now) == {}
    reply.refresh_from_db()
    assert (reply.status, reply.reason, MailBucket.objects.get(name="all").sent_today) == ("queued", "day_full", 50)


def test_a_list_says_who_may_get_mail_at_all(many, settings):
    many(4)
    settings.MAIL_ALLOWLIST = frozenset({"two.test", "c0@one.test"})
    OutgoingMail.objects.create(kind="reply", to_address="other@one.test", next_attempt_at=timezone.now())
    with Sink() as sink:
        assert send(sink) == {"sent": 3, "withheld": 1}
        assert {address for address, _message in sink.kept} == {"c0@one.test", "c2@two.test", "c3@two.test"}
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", sink.port
        assert dispatch(clock=timezone.now) == {}
        assert len(sink.kept) == 3
    assert set(OutgoingMail.objects.filter(status="withheld").values_list("to_address", "reason")) == {("c1@one.test", "allowlist"), ("other@one.test", "allowlist")}
    assert Invitation.objects.get(contact__email="c1@one.test").status == "failed"
    assert SurveyLink.objects.count() == 6


def test_a_run_ends_in_time(many):
    many(30)
    set_rates(rate_per_second=5, rate_per_day=None)
    began = time.monotonic()
    with Sink() as sink:
        made = send(sink, seconds=1)
    assert time.monotonic() - began < 5
    assert 5 <= made["sent"] <= 15
    assert OutgoingMail.objects.filter(status="queued").count() == 30 - made["sent"]
    assert not OutgoingMail.objects.filter(status="sending").exists()
