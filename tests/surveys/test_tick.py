"""The tick: safe to run twice and at once, and whole whatever was missed."""

import importlib
import threading

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import Error, connections, transaction
from django.utils import timezone

from accounts.models import Contact, OutgoingMail
from accounts.placeholders import unknown
from surveys.models import Invitation, SurveyText, SurveyVersion, Touchpoint
from surveys.tasks import tick
from tests.surveys.making import LONG_AGO, Sink, happens

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def always(cast, settings):
    """Windows that are open day and night, so that the tick's own clock does not matter."""
    cache.delete("surveys:full-sweep")
    Touchpoint.objects.update(activated_at=LONG_AGO, delay_minutes=0, window_from="00:00", window_until="00:00", weekdays=[1, 2, 3, 4, 5, 6, 7])
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)
    with Sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        cast.sink = sink
        yield cast


def test_a_tick_takes_an_event_to_a_mail_and_the_next_does_nothing(always):
    happens(always.selin, at=timezone.now())
    assert tick()["mail_sent"] == 1
    assert "mail_sent" not in tick()
    assert [address for address, _message in always.sink.kept] == ["selin@bogazici.test"]


def test_ticks_at_once_send_each_survey_once(always):
    for number in range(12):
        happens(Contact.objects.create(external_id=f"c{number}", account=always.boga if number % 2 else always.north, email=f"c{number}@x.test"), at=timezone.now())
    start = threading.Barrier(3)

    def run():
        start.wait()
        tick()
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tick()
    addresses = [address for address, _message in always.sink.kept]
    # three of each account, and everybody else is refused by the same rule
    assert len(addresses) == len(set(addresses)) == 6
    assert set(Invitation.objects.filter(status="skipped").values_list("skip_reason", flat=True)) == {"fatigue_account"}
    assert OutgoingMail.objects.filter(status="sent").count() == 6


FROZEN = {
    "scale": lambda version: SurveyVersion.objects.filter(pk=version.pk).update(low_score=3),
    "words": lambda version: version.texts.update(question="Something else?"),
    "new words": lambda version: SurveyText.objects.create(version=version, language="de", question="x"),
    "delete": lambda version: version.texts.all().delete(),
}


@pytest.mark.parametrize("change", FROZEN)
def test_a_published_version_is_frozen_in_the_database(cast, change):
    before = list(SurveyText.objects.order_by("id").values())
    with pytest.raises(Error, match="frozen"), transaction.atomic():
        FROZEN[change](SurveyVersion.objects.get(survey__key="nps"))
    assert list(SurveyText.objects.order_by("id").values()) == before


def test_the_shipped_rows_are_whole_and_adding_them_twice_adds_nothing(cast):
    module = importlib.import_module("surveys.migrations.0003_shipped_rows")
    before = (SurveyText.objects.count(), Touchpoint.objects.count())
    module.add(apps, None)
    assert (SurveyText.objects.count(), Touchpoint.objects.count()) == before == (8, 7)
    for text in SurveyText.objects.select_related("version"):
        version = text.version
        assert {int(key) for key in text.score_labels} == set(range(version.scale_min, version.scale_max + 1))
        assert set(text.reason_labels) == {entry["key"] for entry in version.reasons}
        assert all([text.mail_subject, text.mail_body, text.question, text.why_low, text.why_middle, text.why_high, text.thanks])
        for words in (text.mail_subject, text.mail_body, text.question, text.why_low, text.thanks):
            assert unknown(words) == []
    kinds = set(Touchpoint.objects.values_list("event_kind", flat=True))
    assert kinds == {"onboarding.completed", "trial.ended", "purchase.completed", "ticket.solved", "subscription.renewal_due", "subscription.cancelled", ""}
