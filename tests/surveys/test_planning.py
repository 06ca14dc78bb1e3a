"""The planner: one decision for everything that happened, the same on every run, and nothing for what was imported."""

import datetime as dt
import io
import json
import threading

import pytest
from django.core.management import call_command, execute_from_command_line
from django.db import connection, connections

from accounts.actions.suppressions import suppress
from accounts.models import Account, AccountEvent, Contact, Segment
from surveys.actions.planning import plan, request_invitation
from surveys.eligibility import phase
from surveys.models import Invitation, Survey, Touchpoint
from surveys.queries import plan_lines
from tests.surveys.making import NOW, activate, happens, solved

DAY = dt.timedelta(days=1)


@pytest.fixture
def ready(cast):
    """Shipped touchpoints active for long; the rhythm off, so that only events plan."""
    activate()
    Touchpoint.objects.filter(event_kind="").update(paused_at=None, activated_at=None)
    return cast


def decisions():
    return sorted(Invitation.objects.values_list("touchpoint__key", "contact__external_id", "status", "skip_reason"))


@pytest.mark.django_db
def test_a_solved_ticket_is_asked_about_a_day_later_at_a_decent_hour(ready):
    solved(ready.selin)
    assert plan(as_of=NOW) == {"planned": 1}
    row = Invitation.objects.get()
    assert (row.status, row.not_before, row.valid_until) == ("planned", NOW + DAY, NOW + dt.timedelta(hours=96))
    assert (row.ticket_id, row.rated_object, row.language, row.contact) == (4760, "4760", "tr", ready.selin)
    assert row.decision["rule"] == "eligible"


@pytest.mark.django_db
def test_planning_twice_changes_nothing(ready):
    solved(ready.selin)
    happens(ready.harry, "trial.ended")
    plan(as_of=NOW)
    before = list(Invitation.objects.order_by("pk").values())
    assert plan(as_of=NOW) == {}
    assert plan(as_of=NOW, full=False) == {}
    assert list(Invitation.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_imported_events_leave_no_trace(ready):
    for number in range(20):
        happens(ready.selin, origin="import", key=str(number))
    assert plan(as_of=NOW) == {}
    assert Invitation.objects.count() == 0
    assert plan_lines(as_of=NOW) == []


@pytest.mark.django_db
def test_every_event_gets_a_row_even_when_nobody_can_be_asked(ready):
    empty = Account.objects.create(external_id="empty", name="Nobody Inc.")
    event = happens(None, account=empty)
    plan(as_of=NOW)
    row = Invitation.objects.get()
    assert (row.event_id, row.contact_id, row.status, row.skip_reason) == (event.pk, None, "skipped", "no_contact")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("no_consent", lambda cast: Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True)),
        ("no_address", lambda cast: Contact.objects.filter(pk=cast.selin.pk).update(email="")),
        ("suppressed", lambda cast: Contact.objects.filter(pk=cast.selin.pk).update(bounced_at=NOW)),
        ("suppressed", lambda cast: suppress(address="SELIN@bogazici.test ", reason="complaint")),
        ("suppressed", lambda cast: suppress(address="selin@bogazici.test", reason="unsubscribe", scope="survey:csat")),
        ("account_churned", lambda cast: Account.objects.filter(pk=cast.boga.pk).update(churned_at=NOW - DAY)),
        ("paused", lambda cast: Touchpoint.objects.update(paused_at=NOW)),
        ("sampled_out", lambda cast: Touchpoint.objects.update(sampling=0)),
        ("segment", lambda cast: Touchpoint.objects.get(key="ticket-solved").segments.add(Segment.objects.get(key="vip"))),
        ("reopened", lambda cast: happens(cast.selin, "ticket.reopened", at=NOW + dt.timedelta(minutes=1), ticket=4760)),
        ("not_active", lambda cast: Touchpoint.objects.update(activated_at=NOW + dt.timedelta(minutes=1))),
    ],
)
def test_a_refusal_is_stored_with_its_reason(ready, reason, change):
    solved(ready.selin)
    change(ready)
    plan(as_of=NOW + dt.timedelta(minutes=5))
    assert [(status, why) for _key, _contact, status, why in decisions()] == [("skipped", reason)]


@pytest.mark.django_db
def test_imported_people_rest_until_something_happens_to_them(ready):
    Contact.objects.filter(pk=ready.selin.pk).update(surveyable_from=NOW + 7 * DAY)
    happens(None, "subscription.renewal_due", account=ready.boga)
    plan(as_of=NOW)
    assert decisions() == [("renewal-due", "selin", "skipped", "import")]
    solved(ready.selin)
    assert plan(as_of=NOW) == {"planned": 1}


@pytest.mark.django_db
def test_a_ticket_closed_without_a_person_is_not_asked_about(ready):
    happens(ready.selin, "ticket.solved", ticket=1, resolution=1, person_replied=False)
    plan(as_of=NOW)
    assert decisions()[0][2:] == ("skipped", "condition")


@pytest.mark.django_db
def test_other_segments_and_scopes_do_not_refuse(ready):
    vip = Segment.objects.get(key="vip")
    Account.objects.filter(pk=ready.boga.pk).update(segment=vip)
    Touchpoint.objects.get(key="ticket-solved").segments.add(vip)
    suppress(address="selin@bogazici.test", reason="unsubscribe", scope="survey:nps")
    solved(ready.selin)
    assert plan(as_of=NOW) == {"planned": 1}


@pytest.mark.django_db
def test_twenty_touchpoints_at_the_same_second_ask_a_contact_once(ready):
    for kind in ("purchase.completed", "trial.ended", "onboarding.completed", "subscription.cancelled", "subscription.renewal_due"):
        happens(ready.selin, kind)
    solved(ready.selin)
    made = plan(as_of=NOW)
    assert made == {"planned": 1, "skipped": 5}
    assert set(Invitation.objects.filter(status="skipped").values_list("skip_reason", flat=True)) == {"fatigue_contact"}


@pytest.mark.django_db
def test_an_account_is_not_asked_by_more_than_three_in_a_week(ready):
    for number in range(6):
        person = Contact.objects.create(external_id=f"p{number}", account=ready.boga, email=f"p{number}@bogazici.test")
        happens(person, at=NOW - dt.timedelta(minutes=number))
    assert plan(as_of=NOW) == {"planned": 3, "skipped": 3}
    assert set(Invitation.objects.filter(status="skipped").values_list("skip_reason", flat=True)) == {"fatigue_account"}


@pytest.mark.django_db
def test_an_imported_answer_tires_like_a_survey_of_ours(ready):
    survey = Survey.objects.get(key="csat")
    survey.responses.create(kind="csat", account=ready.boga, contact=ready.selin, answered_at=NOW - DAY, score=5, scale_min=1, scale_max=5, origin="import")
    solved(ready.selin)
    plan(as_of=NOW)
    assert decisions()[0][3] == "fatigue_contact"


@pytest.mark.django_db
def test_without_a_named_contact_the_main_one_is_asked(ready):
    Contact.objects.create(external_id="aaa", account=ready.boga, email="billing@bogazici.test", role="billing")
    happens(None, "subscription.renewal_due", account=ready.boga, days=30)
    plan(as_of=NOW)
    assert decisions() == [("renewal-due", "selin", "planned", "")]


@pytest.mark.django_db
def test_the_exit_survey_is_for_those_who_left_too(ready):
    Account.objects.filter(pk=ready.boga.pk).update(churned_at=NOW - DAY)
    happens(ready.selin, "subscription.cancelled")
    assert plan(as_of=NOW) == {"planned": 1}


@pytest.mark.django_db
def test_an_event_far_in_the_future_waits(ready):
    happens(ready.selin, at=NOW + dt.timedelta(minutes=11))
    assert plan(as_of=NOW) == {}
    assert plan(as_of=NOW + dt.timedelta(minutes=1)) == {"planned": 1}


@pytest.mark.django_db
def test_a_rhythm_asks_each_contact_once_a_round_on_the_day_of_its_hash(ready):
    touchpoint = Touchpoint.objects.get(event_kind="")
    Touchpoint.objects.filter(pk=touchpoint.pk).update(activated_at=NOW - 200 * DAY)
    accounts = [Account.objects.create(external_id=f"a{number}", name=f"A {number}") for number in range(60)]
    people = [Contact.objects.create(external_id=f"c-{account.external_id}", account=account, email=f"{account.external_id}@x.test") for account in accounts]
    asked: dict[int, list[int]] = {}
    for day in range(180):
        plan(as_of=NOW + day * DAY)
    for contact, decided in Invitation.objects.filter(touchpoint=touchpoint, contact__in=people).values_list("contact_id", "decided_at"):
        asked.setdefault(contact, []).append((decided - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).days)
    # those whose turn was in the 14 days before the first run come at once, and again 180 days later
    for person in people:
        turn = phase(touchpoint.key, person.pk, 180)
        for day in asked[person.pk]:
            assert (day - turn) % 180 == 0 or day == (NOW - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).days
        assert 1 <= len(asked[person.pk]) <= 2


@pytest.mark.django_db
def test_a_direct_request_is_subject_to_all_rules_and_idempotent_by_its_key(ready):
    survey = Survey.objects.get(key="nps")
    row, made = request_invitation(contact=ready.selin, survey=survey, now=NOW, key="k1", actor_id=ready.elif_.pk)
    assert (row.status, made.outcome, made.due_at) == ("planned", "send", NOW)
    again, _made = request_invitation(contact=ready.selin, survey=survey, now=NOW, key="k1")
    assert again.pk == row.pk
    refused, why = request_invitation(contact=ready.selin, survey=survey, now=NOW, key="k2")
    assert (refused.status, why.outcome, why.reason) == ("skipped", "skip", "fatigue_contact")
    assert AccountEvent.objects.filter(kind="survey.requested").count() == 2
    with pytest.raises(ValueError):
        request_invitation(contact=ready.selin, now=NOW)


@pytest.mark.django_db
def test_a_direct_request_at_night_waits_for_the_morning(ready):
    _row, made = request_invitation(contact=ready.selin, touchpoint=Touchpoint.objects.get(key="ticket-solved"), ticket=12, now=NOW.replace(hour=20))
    assert (made.outcome, made.reason, made.due_at) == ("hold", "quiet_hours", dt.datetime(2026, 3, 4, 6, tzinfo=dt.UTC))


@pytest.mark.django_db
def test_the_dry_run_prints_lines_with_external_ids_and_writes_nothing(ready):
    solved(ready.selin)
    happens(ready.harry)
    Contact.objects.filter(pk=ready.harry.pk).update(opted_out=True)
    out = io.StringIO()
    call_command("plan-surveys", "--dry-run", "--as-of", NOW.isoformat(), stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert sorted(lines, key=lambda line: line["contact"]) == [
        {"contact": "harry", "account": "north", "touchpoint": "purchase-completed", "decision": "skip", "reason": "no_consent", "due_at": None},
        {"contact": "selin", "account": "boga", "touchpoint": "ticket-solved", "decision": "hold", "reason": "delay", "due_at": (NOW + DAY).isoformat()},
    ]
    assert Invitation.objects.count() == 0


@pytest.mark.django_db
def test_the_dry_run_decides_as_the_run_does(ready):
    for number in range(40):
        account = Account.objects.create(external_id=f"a{number}", name=f"A {number}", time_zone=["Asia/Tokyo", "America/New_York", "Europe/Berlin", ""][number % 4])
        for person in range(5):
            contact = Contact.objects.create(external_id=f"c{number}-{person}", account=account, email=f"c{number}-{person}@x.test", opted_out=person == 4)
            solved(contact, ticket=number * 10 + person, at=NOW - dt.timedelta(hours=number))
            happens(contact, "trial.ended", at=NOW - dt.timedelta(hours=number))
    named = {(line["contact"], line["touchpoint"]): (line["decision"], line["due_at"]) for line in plan_lines(as_of=NOW)}
    plan(as_of=NOW)
    stored = {}
    for row in Invitation.objects.select_related("contact", "touchpoint"):
        outcome = "skip" if row.status == "skipped" else "send" if row.not_before <= NOW else "hold"
        stored[row.contact.external_id, row.touchpoint.key] = (outcome, row.not_before.isoformat() if row.not_before else None)
    assert stored == named
    assert len(stored) == 400


@pytest.mark.django_db
def test_a_wrong_instant_is_wrong_usage():
    with pytest.raises(SystemExit) as stopped:
        execute_from_command_line(["manage.py", "plan-surveys", "--as-of", "yesterday"])
    assert stopped.value.code == 2


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_make_one_decision_each(cast):
    activate()
    for number in range(30):
        account = Account.objects.create(external_id=f"a{number}", name=f"A {number}")
        contact = Contact.objects.create(external_id=f"c{number}", account=account, email=f"c{number}@x.test")
        for kind in ("purchase.completed", "trial.ended"):
            happens(contact, kind)
    start, made = threading.Barrier(3), []

    def run():
        start.wait()
        made.append(sum(plan(as_of=NOW).values()))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = Invitation.objects.filter(event__isnull=False)
    assert rows.count() == 60
    assert rows.filter(status="planned").count() == 30
    assert connection.vendor == "postgresql"
