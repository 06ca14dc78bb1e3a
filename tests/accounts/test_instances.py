"""Where the database belongs: remembered silently at first, and nothing leaves from a copy until an admin confirms."""

import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.actions.instances import confirm_instance, is_in_doubt, marks, watch_instance
from accounts.models import Installation, OutgoingMail
from surveys.actions.sending import InDoubt, switch_sending
from surveys.models import Invitation
from surveys.tasks import tick
from tests.surveys.making import Sink, activate, planned
from tickets.actions.dispatch import dispatch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def known(cast, settings, tmp_path):
    """An installation that remembers where it is; its file lies in a folder of its own."""
    settings.VEFA_DATA = tmp_path
    assert watch_instance() == ""
    cast.file = next((tmp_path / "instance").glob("*.json"))
    return cast


def row():
    return Installation.objects.get()


def test_the_first_start_remembers_silently(known, settings):
    assert (row().instance_url, row().sending_enabled, row().doubt) == (settings.PUBLIC_BASE_URL, True, "")
    assert (row().timeline, row().database_mark) == (marks().timeline, marks().database)
    assert json.loads(known.file.read_text()) == {"epoch": str(row().epoch)}
    assert watch_instance() == ""
    assert is_in_doubt() is False


CHANGES = {
    "url": lambda cast, settings: setattr(settings, "PUBLIC_BASE_URL", "https://copy.example.com"),
    "epoch": lambda cast, settings: cast.file.unlink(),
    "timeline": lambda cast, settings: Installation.objects.update(timeline=marks().timeline + 1),
    "database": lambda cast, settings: Installation.objects.update(database_mark="another/1/2"),
}


@pytest.mark.parametrize("doubt", CHANGES)
def test_what_does_not_fit_stops_everything_and_one_confirmation_ends_it(known, settings, doubt):
    CHANGES[doubt](known, settings)
    before = row().epoch
    assert is_in_doubt() is True
    assert row().doubt == ""
    assert watch_instance() == doubt
    assert (row().doubt, row().sending_enabled, row().sending_note) == (doubt, False, f"This may be a copy: {doubt}")
    with pytest.raises(InDoubt):
        switch_sending(enabled=True)
    # whoever turns the switch by another way does not get round it
    Installation.objects.update(sending_enabled=True)
    assert watch_instance() == doubt
    assert row().sending_enabled is False
    confirm_instance()
    assert (row().doubt, row().sending_enabled, row().sending_note) == ("", True, "")
    assert row().epoch != before
    assert watch_instance() == ""
    assert row().instance_url == settings.PUBLIC_BASE_URL


def test_a_file_of_another_installation_or_a_broken_one_is_a_doubt(known):
    known.file.write_text(json.dumps({"epoch": str(uuid.uuid4())}))
    assert watch_instance() == "epoch"
    confirm_instance()
    known.file.write_text("{")
    assert watch_instance() == "epoch"


def test_what_a_person_had_stopped_stays_stopped_after_the_confirmation(known, settings):
    switch_sending(enabled=False, note="holidays")
    settings.PUBLIC_BASE_URL = "https://copy.example.com"
    assert watch_instance() == "url"
    assert row().sending_note == "holidays"
    confirm_instance()
    assert (row().sending_enabled, row().sending_note, row().doubt) == (False, "holidays", "")


def test_a_copy_sends_no_survey_and_no_reply(known, settings):
    activate()
    # the tick may find a turn of the rhythm besides, depending on the day
    due = planned(known.selin, at=timezone.now())
    OutgoingMail.objects.create(kind="reply", to_address="x@y.test", next_attempt_at=timezone.now())
    with Sink() as sink:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", sink.port
        settings.PUBLIC_BASE_URL = "https://copy.example.com"
        assert dispatch(clock=timezone.now) == {}
        with pytest.raises(CommandError, match="may be a copy"):
            call_command("send-due", stdout=io.StringIO())
        # a command run in another environment stops itself alone
        assert row().sending_enabled is True
        tick()
        assert (row().doubt, row().sending_enabled) == ("url", False)
        assert dispatch(clock=timezone.now) == {}
        assert sink.kept == []
        assert Invitation.objects.get(pk=due.pk).status == "planned"
        confirm_instance()
        assert dispatch(clock=timezone.now) == {"sent": 1}


def test_who_may_not_ask_the_server_for_its_marks_still_has_some(known):
    with connection.cursor() as cursor:
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        cursor.execute("CREATE ROLE vefa_unprivileged")
        cursor.execute("SET ROLE vefa_unprivileged")
        try:
            found = marks()
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
            cursor.execute("DROP ROLE vefa_unprivileged")
    assert found.timeline is None
    assert found.database.count("/") == 1


@pytest.mark.django_db
def test_another_port_of_this_very_machine_is_no_other_place(settings, tmp_path):
    settings.VEFA_DATA, settings.PUBLIC_BASE_URL = tmp_path, "http://127.0.0.1:8000"
    watch_instance()
    settings.PUBLIC_BASE_URL = "http://localhost:8001"
    assert watch_instance() == ""
    settings.PUBLIC_BASE_URL = "https://vefa.example.com"
    assert watch_instance() == "url"
