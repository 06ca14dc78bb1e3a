"""Whether a survey is brought to mind again, as a table of facts."""

import datetime as dt
from dataclasses import replace

import pytest

from surveys.days_off import days_off_of
from surveys.eligibility import Company, Limits, Person, Rule
from surveys.reminding import Outstanding, decide_reminder

DAY = dt.timedelta(days=1)
# sent on a Tuesday morning
SENT = dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)
RULE = Rule(salt="t", survey_kind="csat", activated_at=SENT - 9 * DAY, reminder_after=6 * DAY, link_life=14 * DAY)
PERSON = Person(contact_id=1, address="selin@bogazici.test")
OUT = Outstanding(status="sent", sent_at=SENT)
COMPANY = Company()


def decision(*, rule=RULE, invitation=OUT, person=PERSON, company=COMPANY, days=6.0, limits=None):
    return decide_reminder(rule=rule, invitation=invitation, person=person, company=company, as_of=SENT + days * DAY, limits=limits or Limits())


def test_it_is_due_after_the_days_of_the_programme_and_not_before():
    assert (decision().outcome, decision().due_at) == ("send", SENT + 6 * DAY)
    early = decision(days=2)
    assert (early.outcome, early.reason, early.due_at) == ("hold", "delay", SENT + 6 * DAY)


def test_it_waits_for_a_decent_hour_and_over_a_holiday():
    night = decision(days=6.5)
    assert (night.outcome, night.reason, night.due_at) == ("hold", "quiet_hours", dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC))
    sent = dt.datetime(2026, 4, 17, 10, tzinfo=dt.UTC)
    turkish = replace(PERSON, time_zone="Europe/Istanbul", days_off=days_off_of("TR"))
    made = decide_reminder(rule=RULE, invitation=replace(OUT, sent_at=sent), person=turkish, company=COMPANY, as_of=sent + 6 * DAY)
    assert made.due_at == dt.datetime(2026, 4, 24, 6, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("no_reminder", {"rule": replace(RULE, reminder_after=None)}),
        ("not_sent", {"invitation": replace(OUT, status="queued", sent_at=None)}),
        ("not_sent", {"invitation": replace(OUT, status="unknown")}),
        ("not_sent", {"invitation": replace(OUT, status="answered")}),
        ("reminded", {"invitation": replace(OUT, reminded_at=SENT + DAY)}),
        # also by an answer that is held back as automatic
        ("answered", {"invitation": replace(OUT, answered=True)}),
        ("suppressed", {"invitation": replace(OUT, bounced=True)}),
        ("suppressed", {"invitation": replace(OUT, complained=True)}),
        ("suppressed", {"person": replace(PERSON, suppressed=True)}),
        ("no_consent", {"person": replace(PERSON, opted_out=True)}),
        ("no_address", {"person": replace(PERSON, address="")}),
        ("paused", {"rule": replace(RULE, paused=True)}),
        ("ended", {"rule": replace(RULE, ended=True)}),
        ("account_churned", {"company": replace(COMPANY, churned=True)}),
        ("stale", {"days": 14}),
        ("stale", {"rule": replace(RULE, link_life=6 * DAY)}),
    ],
)
def test_each_rule_refuses_and_names_itself(reason, change):
    made = decision(**change)
    assert (made.outcome, made.reason) == ("skip", reason)


def test_those_who_left_are_reminded_of_the_exit_survey():
    assert decision(rule=replace(RULE, survey_kind="exit"), company=replace(COMPANY, churned=True)).outcome == "send"


def test_between_two_reminders_to_one_person_lie_the_days_of_the_installation():
    reminded = replace(OUT, reminders=[SENT - 4 * DAY])
    made = decision(invitation=reminded)
    assert (made.outcome, made.reason, made.due_at) == ("hold", "reminder_gap", SENT + 10 * DAY - dt.timedelta(0))
    assert decision(invitation=reminded, limits=Limits(reminder_gap=10 * DAY)).outcome == "send"
    late = decision(invitation=replace(OUT, reminders=[SENT + 5 * DAY]))
    assert (late.outcome, late.reason) == ("skip", "reminder_gap")
