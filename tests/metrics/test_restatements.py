"""Closed months stand; whatever is recorded about them later becomes a restatement with its cause, and only then."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import islice
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from accounts.actions.subscriptions import change_subscription
from accounts.importing.undo import undo_batch
from accounts.models import Account, AccountEvent, CostEntry, ExchangeRate, ImportBatch, Segment, SegmentMembership, Subscription, Transaction
from accounts.queries.clock import database_now
from config.erasing import erase_contact
from config.imports import DERIVED, KINDS, load_rows
from metrics.actions.closing import closing_steps, computed
from metrics.actions.restatements import restating_steps
from metrics.models import ClosedFigure, ClosedMonth, LateChange, Restatement
from metrics.months import FAMILIES, MOST_MONTHS, month_before, months_to_close, next_month
from metrics.tasks import close_months, restate_months
from surveys.models import Response, Survey
from tickets.actions import messages, tickets
from tickets.actions.merging import merge
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def when(db):
    """The three months before this one, and the eleventh of this month: late enough that they are closed."""
    this = database_now().date().replace(day=1)
    last = month_before(this)
    return SimpleNamespace(
        now=dt.datetime.combine(this, dt.time(12), tzinfo=dt.UTC) + dt.timedelta(days=10), this=this, last=last, before=month_before(last), first=month_before(month_before(last))
    )


def at(day: dt.date, days: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(10), tzinfo=dt.UTC) + dt.timedelta(days=days)


def span(account: Account, start: dt.datetime, end: dt.datetime | None = None, amount: int = 100, **terms: object) -> Subscription:
    return Subscription.objects.create(account=account, start=start, end=end, amount=amount, **{"currency": "EUR", **terms})


def close(when: SimpleNamespace, *kpis: str) -> int:
    """Closes these figures (all where none is named), and forgets how their facts came in."""
    done = sum(closing_steps(now=when.now, kpis=kpis or FAMILIES))
    LateChange.objects.all().delete()
    return done


def restate(when: SimpleNamespace, hours: int = 0) -> list[Restatement]:
    before = set(Restatement.objects.values_list("pk", flat=True))
    sum(restating_steps(now=when.now + dt.timedelta(hours=hours)))
    return list(Restatement.objects.exclude(pk__in=before).order_by("month", "kpi", "segment"))


def figure(kpi: str, month: dt.date, segment: str = "") -> ClosedFigure:
    return ClosedFigure.objects.get(kpi=kpi, month=month, segment=segment)


def moved(rows: list[Restatement], kpi: str, segment: str = "") -> dict[dt.date, tuple[Decimal | None, Decimal | None]]:
    return {row.month: (row.before_value, row.after_value) for row in rows if row.kpi == kpi and row.segment == segment}


def test_the_first_run_closes_past_months_without_restatements(cast, when):
    span(cast.boga, at(when.first, 3))
    assert close(when) > 0
    assert list(ClosedMonth.objects.values_list("month", flat=True)) == [when.last, when.before, when.first]
    assert set(ClosedFigure.objects.filter(month=when.last, segment="").values_list("kpi", flat=True)) == set(FAMILIES)
    found = figure("nrr", when.last)
    assert (found.value, found.numerator, found.denominator, found.first_value, found.parts["opening"]) == (1, 100, 100, 1, "100")
    assert figure("mrr", when.first).value == 100
    assert (restate(when), Restatement.objects.count()) == ([], 0)
    assert sum(closing_steps(now=when.now)) == 0


def test_a_month_closes_three_days_after_its_end_and_not_before(cast, when):
    span(cast.boga, at(when.first))
    sum(closing_steps(now=dt.datetime.combine(when.this, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=2, hours=20), kpis=["mrr"]))
    assert not ClosedMonth.objects.filter(month=when.last).exists()
    sum(closing_steps(now=dt.datetime.combine(when.this, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=3, hours=15), kpis=["mrr"]))
    assert ClosedMonth.objects.filter(month=when.last).exists()


def test_no_more_than_48_months_are_closed_at_first_and_the_newest_come_first(when):
    months = months_to_close(now=when.now, zone=dt.UTC, earliest=dt.datetime(2001, 1, 1, tzinfo=dt.UTC))
    assert (len(months), months[0], months[1]) == (MOST_MONTHS, when.last, when.before)
    assert months_to_close(now=when.now, zone=dt.UTC, earliest=None) == []


def test_closing_that_was_killed_goes_on_where_it_stopped(cast, when):
    span(cast.boga, at(when.first))
    assert len(list(islice(closing_steps(now=when.now), 4))) == 4
    there = set(ClosedFigure.objects.values_list("pk", flat=True))
    sum(closing_steps(now=when.now))
    assert there < set(ClosedFigure.objects.values_list("pk", flat=True))
    assert ClosedFigure.objects.filter(segment="").count() == 3 * len(FAMILIES)


def test_a_late_end_restates_the_months_it_touches_and_no_others(cast, when):
    one = span(cast.boga, at(when.first))
    span(cast.north, at(when.first), amount=300)
    close(when, "mrr", "logo_churn", "grr", "nps")
    event_before = AccountEvent.objects.count()
    change_subscription(span_id=one.pk, fields={"end": at(when.last, 4), "end_reason": "price"}, actor=cast.elif_, now=database_now())
    assert AccountEvent.objects.count() > event_before
    rows = restate(when)
    assert moved(rows, "mrr") == {when.last: (400, 300)}
    assert moved(rows, "logo_churn") == {when.last: (0, Decimal("0.5"))}
    assert {row.month for row in rows} == {when.last}
    assert {(row.cause, row.actor_id, row.account_id) for row in rows} == {("person", cast.elif_.pk, cast.boga.pk)}
    found = figure("mrr", when.last)
    assert (found.first_value, found.value, found.restatements, found.first_parts["customers"], found.parts["customers"]) == (400, 300, 1, 2, 1)
    grr = Restatement.objects.get(kpi="grr", month=when.last, segment="")
    assert (grr.before, grr.after) == (
        {"numerator": "400", "churned": "0", "kept": "400"}, {"numerator": "300", "churned": "100", "kept": "300"},
    )  # fmt: skip
    assert (restate(when), LateChange.objects.count()) == ([], 0)


def test_what_happens_in_this_month_is_looked_at_by_nobody(cast, when):
    one = span(cast.boga, at(when.first))
    close(when, "mrr")
    today = database_now()
    one.end = today + dt.timedelta(days=40)
    one.save()
    Transaction.objects.create(account=cast.boga, occurred_at=today, amount=5, currency="EUR")
    cast.boga.plan = "Pro"
    cast.boga.save()
    span(cast.north, today)
    soon = today.date().day > 1
    assert not soon or LateChange.objects.count() == 0


def test_an_import_and_its_undo_are_the_causes_they_are(cast, when):
    span(cast.boga, at(when.first))
    close(when, "mrr")
    row = {"external_id": "late", "account": "north", "start": at(when.before).isoformat(), "amount": "50", "currency": "EUR", "interval": "month"}
    report = load_rows("subscriptions", [row], now=when.now)
    assert report.created == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('vefa.cause', '', false)")  # the end of its transaction would do that
    rows = restate(when)
    assert moved(rows, "mrr") == {when.before: (100, 150), when.last: (100, 150)}
    assert {(row.cause, str(row.batch_id)) for row in rows} == {("import", report.batch)}
    undo_batch(batch_id=report.batch, kinds=KINDS.values(), derived=DERIVED, now=when.now)
    rows = restate(when)
    assert moved(rows, "mrr") == {when.before: (150, 100), when.last: (150, 100)}
    assert {row.cause for row in rows} == {"undo"}
    assert (figure("mrr", when.last).first_value, figure("mrr", when.last).value, figure("mrr", when.last).restatements) == (100, 100, 2)


def test_a_change_by_the_api_says_so(cast, when):
    one = span(cast.boga, at(when.first))
    close(when, "mrr")
    change_subscription(span_id=one.pk, fields={"amount": Decimal(80)}, actor=cast.ada, now=database_now(), origin="api")
    rows = restate(when)
    assert {(row.cause, row.actor_id) for row in rows} == {("api", cast.ada.pk)}
    assert moved(rows, "mrr") == {when.first: (100, 80), when.before: (100, 80), when.last: (100, 80)}


def test_the_admins_log_names_who_changed_a_rate_or_a_cost(cast, when):
    span(cast.boga, at(when.first), currency="GBP")
    rate = ExchangeRate.objects.create(currency="GBP", day=month_before(when.first), rate=2)
    close(when, "mrr", "crc", "nrr")
    rate.rate = 3
    rate.save()
    LogEntry.objects.create(
        user=cast.ada, content_type=ContentType.objects.get_for_model(ExchangeRate), object_id=str(rate.pk), object_repr="x", action_flag=CHANGE, action_time=database_now()
    )
    rows = restate(when)
    assert moved(rows, "mrr")[when.last] == (200, 300)
    assert {(row.cause, row.actor_id) for row in rows} == {("person", cast.ada.pk)}
    CostEntry.objects.create(category="team", amount=60, currency="EUR", start=when.before)
    rows = restate(when)
    assert moved(rows, "crc") == {when.before: (0, 60)}
    assert {row.kpi for row in rows} == {"crc"}


def test_segments_are_restated_for_themselves(cast, when):
    vip, core = Segment.objects.get(key="vip"), Segment.objects.exclude(key="vip").first()
    span(cast.boga, at(when.first))
    stay = SegmentMembership.objects.create(account=cast.boga, segment=vip, valid_from=at(month_before(when.first)))
    close(when, "mrr")
    stay.segment = core
    stay.save()
    rows = restate(when)
    assert moved(rows, "mrr", "vip")[when.last] == (100, None)
    assert moved(rows, "mrr", core.key)[when.last] == (None, 100)
    assert moved(rows, "mrr") == {}
    assert restate(when) == []


def test_an_account_left_out_leaves_every_closed_month(cast, when):
    span(cast.boga, at(when.first))
    close(when, "mrr")
    Account.objects.filter(pk=cast.boga.pk).update(excluded=True)
    assert moved(restate(when), "mrr") == {when.first: (100, 0), when.before: (100, 0), when.last: (100, 0)}


def test_an_order_of_a_shop_recorded_late_moves_who_was_a_customer(cast, when):
    Account.objects.update(business_model="ecommerce")
    Transaction.objects.create(account=cast.boga, occurred_at=at(month_before(when.first)), amount=5, currency="EUR")
    close(when, "logo_churn", "mrr")
    Transaction.objects.create(account=cast.north, occurred_at=at(month_before(when.first)), amount=5, currency="EUR")
    rows = restate(when)
    assert {row.kpi for row in rows} <= {"logo_churn", "crc", "support_cost"}
    assert Restatement.objects.get(kpi="logo_churn", month=when.last, segment="").after["customers_start"] == 2


def answered(account: Account, day: dt.datetime, score: int, **more: object) -> Response:
    survey, _new = Survey.objects.get_or_create(key="nps-old", defaults={"kind": "nps", "name": "NPS"})
    return Response.objects.create(survey=survey, kind="nps", account=account, answered_at=day, score=score, scale_min=0, scale_max=10, **more)


def test_an_answer_that_came_late_moves_its_month_alone(cast, when):
    answered(cast.boga, at(when.before), 10)
    close(when, "nps", "mrr")
    answered(cast.north, at(when.before, 1), 0)
    rows = restate(when)
    assert moved(rows, "nps") == {when.before: (100, 0)}
    assert {row.kpi for row in rows} == {"nps"}


def test_answers_to_last_months_surveys_settle_once_a_day(cast, when):
    answered(cast.boga, at(when.last), 10, invited_at=at(when.last), contact=cast.selin)
    late = answered(cast.north, None, None, invited_at=at(when.last, 5))
    close(when, "response_rate")
    late.answered_at, late.score = at(when.this, 1), 9
    late.save()
    assert restate(when) == []
    real = database_now() - when.now
    rows = restate(when, hours=25 + max(0, round(real.total_seconds() / 3600)))
    assert moved(rows, "response_rate") == {when.last: (Decimal("0.5"), 1)}
    assert {row.cause for row in rows} == {"settled"}


def test_a_ticket_solved_after_its_month_changes_only_what_settles(cast, when):
    ticket, _new = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", body="500", now=at(when.before))
    close(when, "first_response_time", "ticket_volume")
    messages.reply(ticket_id=ticket.pk, body="Bakıyoruz", author=cast.deniz, now=at(when.last, 2))
    rows = restate(when)
    assert moved(rows, "first_response_time") == {when.last: (None, (at(when.last, 2) - at(when.before)).total_seconds())}
    assert moved(rows, "ticket_volume") == {}


def test_a_deleted_ticket_leaves_the_month_it_was_opened_in(cast, when):
    ticket, _new = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", body="500", now=at(when.before))
    close(when, "ticket_volume")
    Ticket.objects.filter(pk=ticket.pk).update(deleted_at=database_now())
    assert moved(restate(when), "ticket_volume") == {when.before: (1, 0)}


def test_a_changed_zone_moves_the_bounds_of_every_month_and_says_that_a_setting_did_it(cast, when, settings):
    span(cast.boga, dt.datetime.combine(when.last, dt.time(23), tzinfo=dt.UTC) - dt.timedelta(days=1))
    close(when, "mrr")
    settings.ORGANISATION_TIME_ZONE = "Pacific/Auckland"
    rows = restate(when)
    assert moved(rows, "mrr") == {when.before: (100, 0)}
    assert {row.cause for row in rows} == {"setting"}
    assert restate(when) == []


def test_a_sweep_that_was_killed_logs_nothing_twice(cast, when):
    one = span(cast.boga, at(when.first))
    close(when, "mrr", "grr")
    Subscription.objects.filter(pk=one.pk).update(mrr_micros=7_000_000)
    assert list(islice(restating_steps(now=when.now), 2)) != []
    sum(restating_steps(now=when.now))
    logged = list(Restatement.objects.values_list("month", "kpi", "segment"))
    assert len(logged) == len(set(logged)) > 0
    assert figure("mrr", when.last).restatements == 1


def test_every_closed_figure_is_what_a_full_recompute_gives(cast, when):
    """After many late changes the stored figures equal those computed anew, and the log leads from the first to the last."""
    one = span(cast.boga, at(when.first))
    answered(cast.boga, at(when.before), 10)
    close(when)
    change_subscription(span_id=one.pk, fields={"end": at(when.before, 9)}, actor=None, now=database_now())
    restate(when)
    answered(cast.boga, at(when.last), 3)
    span(cast.boga, at(when.last, 3), amount=40)
    span(cast.north, at(when.before, 3), at(when.before, 20), amount=9)
    restate(when)
    Subscription.objects.filter(account=cast.north).delete()
    restate(when)
    months = [when.first, when.before, when.last]
    for kpi in FAMILIES:
        anew = {(row.month_id, row.segment): (row.value, row.numerator, row.denominator, row.parts) for row in computed(kpi, months, now=when.now)}
        stored = {(row.month_id, row.segment): (row.value, row.numerator, row.denominator, row.parts) for row in ClosedFigure.objects.filter(kpi=kpi) if row.parts}
        assert {key: row for key, row in stored.items() if not key[1]} == {key: row for key, row in anew.items() if not key[1]}, kpi
    for found in ClosedFigure.objects.filter(segment=""):
        log = list(Restatement.objects.filter(month=found.month_id, kpi=found.kpi, segment="").order_by("pk").values_list("before_value", "after_value"))
        path = [found.first_value, *(after for _before, after in log)]
        assert [before for before, _after in log] == path[:-1]
        assert path[-1] == found.value


def test_months_are_cut_without_gaps():
    assert next_month(dt.date(2026, 12, 1)) == dt.date(2027, 1, 1)
    assert month_before(dt.date(2026, 1, 1)) == dt.date(2025, 12, 1)


def test_a_batch_is_its_own_cause_even_when_two_files_came_at_once(cast, when):
    span(cast.boga, at(when.first))
    close(when, "mrr", "nps")
    batch = ImportBatch.objects.create(kind="subscriptions", file_name="a.csv")
    span(cast.north, at(when.last))
    second = ImportBatch.objects.create(kind="responses", file_name="b.csv")
    answered(cast.boga, at(when.last), 10)
    rows = restate(when)
    assert {row.kpi: row.batch_id for row in rows if row.kpi in {"mrr", "nps"}} == {"mrr": batch.pk, "nps": second.pk}


def test_forgetting_a_person_moves_no_closed_figure(cast, when):
    answered(cast.boga, at(when.before), 10, contact=cast.selin)
    answered(cast.boga, at(when.last), 2, contact=cast.selin)
    close(when, "nps", "response_rate")
    erase_contact(contact_id=cast.selin.pk, source="admin", now=database_now())
    assert restate(when) == []
    assert figure("nps", when.before).value == 100


def test_tickets_merged_afterwards_are_one_in_the_month_they_were_opened_in(cast, when):
    first, _new = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", body="500", now=at(when.before))
    second, _new = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", body="500", now=at(when.before, 1))
    close(when, "ticket_volume")
    merge(ticket_id=second.pk, into_id=first.pk, actor=cast.deniz, now=database_now())
    rows = restate(when)
    assert moved(rows, "ticket_volume") == {when.before: (2, 1)}
    assert {row.account_id for row in rows} == {cast.boga.pk}


def test_the_beat_closes_and_restates(cast, when):
    one = span(cast.boga, at(when.first))
    assert close_months() > 0
    assert restate_months() == 0
    Subscription.objects.filter(pk=one.pk).delete()
    assert restate_months() > 0
    # the last month may still be settling, the one before it never is
    assert (figure("mrr", when.before).first_value, figure("mrr", when.before).value) == (100, 0)
