"""A report or a press stops mails that wait in the outbox already: each looks once more before it leaves."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.actions.suppressions import suppress
from accounts.models import OutgoingMail
from surveys.actions.dispatch import queue_due, send_queued
from surveys.models import Touchpoint
from tests.config.provider_calls import SECRET, brevo, call
from tests.surveys.making import NOW, Sink, activate, planned

# a claim is committed before its mail leaves
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queued(cast, settings):
    """A survey for Selin and one for Harry, both in the outbox."""
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET]}
    activate()
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)
    planned(cast.selin)
    planned(cast.harry)
    assert queue_due(as_of=NOW, now=NOW)["send"] == 2
    return cast


def who_got_one():
    with Sink() as sink, sink.session() as session:
        send_queued(as_of=NOW, now=NOW, worker="w", session=session)
        return sorted(address for address, _message in sink.kept)


@pytest.mark.parametrize("event", ["hard_bounce", "spam", "unsubscribe"])
def test_a_report_stops_the_mail_that_waits_and_no_other(queued, event):
    assert call("brevo", brevo(event, queued.selin.email, timezone.now())).status_code == 202
    assert who_got_one() == [queued.harry.email]
    assert OutgoingMail.objects.get(contact=queued.selin).status == "aborted"


def test_a_pause_stops_it_while_it_lasts(queued):
    now = timezone.now()
    suppress(address=queued.selin.email, reason="soft_bounces", until=now + dt.timedelta(days=1))
    suppress(address=queued.harry.email, reason="soft_bounces", until=NOW - dt.timedelta(seconds=1))
    assert who_got_one() == [queued.harry.email]
