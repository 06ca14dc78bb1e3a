"""What runs by itself: ratings from answers, promised times of imported tickets, broken promises, replies by mail."""

import datetime as dt
import email
import socket
from email import policy

import pytest
from aiosmtpd.controller import Controller
from django.utils import timezone

from accounts.actions.event_log import record_event
from accounts.models import Heartbeat, OutgoingMail
from tickets.actions import clocks, messages, ratings, tickets
from tickets.actions.dispatch import dispatch
from tickets.actions.merging import merge
from tickets.models import BusinessHours, Holiday, ServiceLevel, Ticket
from tickets.tasks import tick

NOW = dt.datetime(2026, 3, 6, 15, 30, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


def opened(cast, **rest):
    return tickets.open_ticket(**{"account_id": cast.boga.pk, "subject": "Hata", "contact_id": cast.selin.pk, "now": NOW, **rest})[0]


def answered(cast, ticket, score, at, **rest):
    payload = {"response": 1, "survey_kind": "csat", "score": score, "scale_min": 1, "scale_max": 5, "ticket": ticket, **rest}
    return record_event(account_id=cast.boga.pk, kind="survey.answered", occurred_at=at, origin="app", payload=payload)


def keep(**rest):
    return ratings.keep_ratings(**{"since": timezone.now() - HOUR, "now": timezone.now() + HOUR, **rest})


@pytest.mark.django_db
class TestRatings:
    def test_the_latest_answer_is_the_rating(self, cast):
        ticket = opened(cast)
        answered(cast, ticket.pk, 4, NOW + HOUR)
        assert keep() == 1
        assert keep() == 0
        answered(cast, ticket.pk, 2, NOW + 3 * HOUR)
        answered(cast, ticket.pk, 5, NOW + 2 * HOUR)
        assert keep() == 1
        ticket.refresh_from_db()
        assert (ticket.rating, ticket.rated_at) == (2, NOW + 3 * HOUR)

    def test_an_imported_answer_names_the_ticket_by_its_external_id(self, cast):
        ticket = opened(cast, external_id="ZD-77")
        answered(cast, "ZD-77", 3, NOW)
        assert keep(since=NOW - HOUR, wide=True) == 1
        ticket.refresh_from_db()
        assert ticket.rating == 3

    def test_other_surveys_suspects_and_other_accounts_rate_nothing(self, cast):
        ticket = opened(cast)
        answered(cast, ticket.pk, 9, NOW, survey_kind="nps")
        answered(cast, ticket.pk, 1, NOW, is_suspect=True)
        record_event(
            account_id=cast.north.pk, kind="survey.answered", occurred_at=NOW, origin="app", payload={"response": 2, "survey_kind": "csat", "score": 1, "ticket": ticket.pk}
        )
        answered(cast, None, 1, NOW)
        assert keep() == 0
        ticket.refresh_from_db()
        assert ticket.rating is None

    def test_the_rating_of_a_merged_ticket_belongs_to_its_survivor(self, cast):
        old, survivor = opened(cast), opened(cast)
        merge(ticket_id=old.pk, into_id=survivor.pk, now=NOW)
        answered(cast, old.pk, 1, NOW)
        assert keep() == 1
        survivor.refresh_from_db()
        old.refresh_from_db()
        assert (survivor.rating, old.rating) == (1, None)


@pytest.mark.django_db
class TestPromises:
    def test_open_tickets_without_clocks_get_them_and_closed_ones_do_not(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=7200)
        _running, waiting, solved = (opened(cast, severity=2) for _number in range(3))
        tickets.move_ticket(ticket_id=waiting.pk, to="pending", now=NOW + HOUR)
        tickets.move_ticket(ticket_id=solved.pk, to="solved", now=NOW + HOUR)
        Ticket.objects.update(clocks_set_at=None, resolution_due_at=None, resolution_left_seconds=None)
        assert clocks.fill_missing_clocks(now=NOW) == 2
        assert clocks.fill_missing_clocks(now=NOW) == 0
        assert list(Ticket.objects.order_by("pk").values_list("resolution_due_at", "resolution_left_seconds")) == [(NOW + 2 * HOUR, None), (None, 3600), (None, None)]

    def test_the_hours_in_force_at_the_opening_hold_for_the_whole_ticket(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=3600, clock="business")
        for weekday in range(1, 6):
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(9), closes=dt.time(17), time_zone="Europe/Berlin")
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(9), closes=dt.time(17), time_zone="Europe/Berlin", valid_from=dt.date(2026, 3, 7))
        Holiday.objects.create(day=dt.date(2026, 3, 9))
        # Friday 16:30 in Berlin; Monday is a holiday
        assert opened(cast, severity=2).resolution_due_at == dt.datetime(2026, 3, 10, 8, 30, tzinfo=dt.UTC)

    def test_changed_levels_reach_open_tickets(self, cast):
        ticket = opened(cast, severity=2)
        ServiceLevel.objects.create(severity=2, resolution_seconds=60)
        assert clocks.restart_clocks() == 1
        clocks.fill_missing_clocks(now=NOW)
        ticket.refresh_from_db()
        assert ticket.resolution_due_at == NOW + MINUTE


class Inbox:
    """A mail server that keeps what it is given, or refuses it."""

    def __init__(self, refusal=""):
        self.letters, self.refusal = [], refusal

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.letters.append(envelope)
        return "250 kept"


@pytest.fixture
def smtp(settings):
    started = []

    def start(refusal=""):
        inbox = Inbox(refusal)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        controller = Controller(inbox, hostname="127.0.0.1", port=port)
        controller.start()
        started.append(controller)
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        return inbox

    yield start
    for controller in started:
        controller.stop()


def replied(cast):
    ticket = opened(cast, channel="email", now=timezone.now())
    messages.reply(ticket_id=ticket.pk, body="Merhaba Selin,\n.nokta ile başlayan satır\ndüzeldi.", author=cast.deniz, now=timezone.now())
    return ticket


@pytest.mark.django_db(transaction=True)
class TestMail:
    def test_a_reply_leaves_once_and_says_so(self, cast, smtp):
        inbox = smtp()
        ticket = replied(cast)
        assert dispatch(clock=timezone.now) == {"sent": 1}
        assert dispatch(clock=timezone.now) == {}
        [envelope] = inbox.letters
        assert envelope.rcpt_tos == ["selin@bogazici.test"]
        mail = OutgoingMail.objects.get()
        assert (mail.status, mail.sent_at is not None) == ("sent", True)
        letter = email.message_from_bytes(envelope.content, policy=policy.default)
        assert letter["Message-ID"] == mail.message_id
        assert f"[#{ticket.pk}]" in letter["Subject"]
        assert ".nokta ile başlayan satır" in letter.get_content()

    def test_an_unknown_address_is_a_failure_that_is_kept(self, cast, smtp):
        smtp(refusal="550 no such user")
        replied(cast)
        assert dispatch(clock=timezone.now) == {"failed": 1}
        assert OutgoingMail.objects.get().smtp_reply.startswith("550")

    def test_a_server_that_is_away_means_later(self, cast, settings):
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 9
        replied(cast)
        assert dispatch(clock=timezone.now) == {"retry": 1}
        assert OutgoingMail.objects.get().next_attempt_at > timezone.now()

    def test_an_address_that_bounced_since_gets_nothing(self, cast, smtp):
        inbox = smtp()
        replied(cast)
        cast.selin.bounced_at = timezone.now()
        cast.selin.save()
        assert dispatch(clock=timezone.now) == {"withheld": 1}
        assert inbox.letters == []

    def test_a_line_break_in_a_subject_reaches_no_header(self, cast, smtp):
        inbox = smtp()
        ticket = opened(cast, channel="email", subject="Hi\r\nBcc: all@evil.test", now=timezone.now())
        messages.reply(ticket_id=ticket.pk, body="x", author=cast.deniz, now=timezone.now())
        assert dispatch(clock=timezone.now) == {"sent": 1}
        assert b"\nBcc:" not in inbox.letters[0].content

    def test_a_tick_does_all_of_it(self, cast, smtp):
        inbox = smtp()
        ticket = replied(cast)
        answered(cast, ticket.pk, 5, timezone.now())
        Ticket.objects.update(clocks_set_at=None)
        done = tick()
        assert done.items() >= {"rated": 1, "clocks": 1, "near": 0, "breaches": 0, "kept": 0, "mails": {"sent": 1}}.items()
        assert len(inbox.letters) == 1
        assert Heartbeat.objects.filter(part="tickets.sweep").exists()
        assert tick().items() >= {"rated": 0, "clocks": 0, "near": 0, "breaches": 0, "kept": 0, "mails": {}}.items()
