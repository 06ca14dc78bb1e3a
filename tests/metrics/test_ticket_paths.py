"""Kept paths of tickets against their logs: every figure of support is the same to the digit, whatever was touched since, and no touch goes unmarked."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest
from django.db import connection

from accounts.models import Segment, SegmentMembership, User
from metrics.actions.ticket_paths import keep_paths
from metrics.kpis import behind
from metrics.kpis.engine import answer, ask
from metrics.kpis.promises import decided, promises_kept
from metrics.kpis.support_contacts import fcr, issues
from metrics.kpis.support_load import open_tickets, ticket_backlog
from metrics.kpis.support_times import first_replies, reply_times, resolution_times, resolutions
from metrics.models import StaleTicket, TicketPath
from tests.metrics.support_rows import NOW, account
from tests.metrics.test_kpi_support_replay import START, history
from tickets.durations import spread
from tickets.models import BusinessHours, Holiday, Interaction, ServiceLevel, Ticket, TicketChange

ASKED = [
    ("first_response_time", None), ("resolution_time", "full"), ("resolution_time", "first"), ("resolution_time", "minus_solved_time"), ("fcr", "all_issues"),
    ("fcr", "resolved_only"), ("fcr", "net"), ("ticket_backlog", None), ("ticket_backlog", "open"), ("ticket_backlog", "flow"), ("ats", None), ("ticket_volume", None),
    ("team_performance", None),
]  # fmt: skip
CHANNELS = ["email", "web", "phone", "chat"]
BY = ["agent", "severity", "category"]


def one_ticket(rng, number, agents):
    """A ticket with a random log, or with columns alone; every seventh is merged into one before it."""
    opened = START + dt.timedelta(minutes=rng.randrange(0, 60 * 24 * 60), microseconds=rng.choice([0, 999_999]))
    log = history(rng, opened)
    told = rng.random() < 0.8
    status = next((value for _at, kind, _before, value in reversed(log) if kind == "status"), "new") if told else rng.choice(["open", "solved", "closed", "cancelled"])
    replied = min((at for at, kind, *_rest in log if kind == "public_reply"), default=None)
    row = Ticket.objects.create(
        account=account(rng.choice(["acme", "bolt"])), external_id=f"p{number}", opened_at=opened, status=status, channel=rng.choice(CHANNELS), severity=rng.choice([None, 1, 2, 3, 4]),
        category=rng.choice(["", "a"]), first_replied_at=replied, created_by_kind=rng.choice(["customer", "agent"]), assignee=rng.choice([None, *agents]),
        solved_at=opened + dt.timedelta(hours=rng.randrange(1, 900)) if status in ("solved", "closed") and rng.random() < 0.8 else None,
        reopened_at=opened + dt.timedelta(hours=rng.randrange(1, 900)) if not told and rng.random() < 0.3 else None, first_level_solvable=rng.random() < 0.8,
        spam=rng.random() < 0.05, test=rng.random() < 0.05, replies=rng.randrange(0, 3),
    )  # fmt: skip
    if told:
        TicketChange.objects.bulk_create(
            TicketChange(
                ticket=row,
                kind=kind,
                occurred_at=at,
                value_before=before,
                value=value,
                actor=rng.choice([None, *agents]),
                actor_kind="customer" if kind == "customer_reply" else "agent",
            )
            for at, kind, before, value in [
                *log,
                *((opened + dt.timedelta(hours=hours), "assigned", "", rng.choice(agents).email) for hours in rng.sample(range(99), rng.randrange(3))),
            ]
        )
    for turn in range(rng.randrange(0, 3) if row.channel in ("phone", "chat") else 0):
        ended = opened + dt.timedelta(hours=rng.randrange(0, 400))
        Interaction.objects.create(ticket=row, external_id=f"p{number}-{turn}", channel=row.channel, ended_at=ended, talk_seconds=60, abandoned=rng.random() < 0.2)
    if number % 7 == 6:
        row.merged_into = rng.choice(list(Ticket.objects.exclude(pk=row.pk).filter(pk__lt=row.pk)))
        row.save()
    return row


@pytest.fixture
def agents(db):
    """Two people who answer."""
    return [User.objects.create(email=f"{name}@desk.test", name=name) for name in ("ada", "bo")]


def promise():
    """Hours that changed once, and levels of both clocks, one of a segment."""
    for day in range(1, 6):
        BusinessHours.objects.create(weekday=day, opens=dt.time(9), closes=dt.time(17), time_zone="Europe/Istanbul")
        BusinessHours.objects.create(weekday=day, opens=dt.time(22), closes=dt.time(3), time_zone="Europe/Istanbul", valid_from=dt.date(2024, 2, 1))
    Holiday.objects.create(day=dt.date(2024, 1, 23))
    for severity in (2, 3, 4):
        ServiceLevel.objects.create(severity=severity, first_reply_seconds=40_000, resolution_seconds=90_000, clock="business" if severity == 3 else "calendar")
    segment = Segment.objects.order_by("pk")[0]
    ServiceLevel.objects.create(severity=4, segment=segment, first_reply_seconds=None, resolution_seconds=30_000, clock="business")
    SegmentMembership.objects.create(account=account("bolt"), segment=segment, valid_from=START)


def tell():
    """Every figure and the rows behind them, over a month that has passed and up to now, cut by what changes hands."""
    told = {}
    for start, end in (("2024-01-20", "2024-02-20"), ("2024-02-01T10:30", "2026-02-01")):
        for name, variant in ASKED:
            by = "agent" if name == "team_performance" else BY[len(told) % 3]
            told[name, variant, start, by] = answer(name=name, variant=variant, start=start, end=end, now=NOW, by=by)
        for name in ("first_response_time", "resolution_time"):
            told[name, "business", start] = answer(name=name, start=start, end=end, now=NOW, by="agent", params={"clock": "business"})
        for name, source in behind.FIGURES.items():
            told[name, start] = behind.behind(name, ask(name=source.kpi, variant=source.variant, start=start, end=end, now=NOW))
        for target, kpi in (("first_reply", "first_response_time"), ("resolution", "resolution_time")):
            told[target, start] = promises_kept(ask(name=kpi, start=start, end=end, now=NOW), target, "agent")
    return told


def keep():
    """Works out every path; nothing stays marked."""
    list(keep_paths())
    assert not StaleTicket.objects.exists()


def from_the_logs():
    """The figures with every ticket marked, so that no kept path is read."""
    StaleTicket.objects.bulk_create(StaleTicket(ticket_id=pk) for pk in Ticket.objects.values_list("pk", flat=True))
    return tell()


def test_kept_paths_tell_what_the_logs_tell_whatever_is_touched(agents):
    rng = random.Random(1)
    promise()
    rows = [one_ticket(rng, number, agents) for number in range(60)]
    plain = tell()
    assert sum(len(found) for found in plain.values() if isinstance(found, list)) > 100
    keep()
    assert TicketPath.objects.count() == Ticket.objects.counted().count()
    assert tell() == plain
    # a handful of touches of each kind, not swept yet, on top of what is kept
    for row in rng.sample(rows, 12):
        at = START + dt.timedelta(hours=rng.randrange(1000))
        touch = rng.randrange(6)
        if touch == 0:
            TicketChange.objects.create(ticket=row, kind="status", occurred_at=at, value=rng.choice(["open", "solved"]), actor_kind="agent")
        elif touch == 1:
            TicketChange.objects.filter(ticket=row, kind__in=["status", "public_reply"]).delete()
        elif touch == 2:
            Ticket.objects.filter(pk=row.pk).update(merged_into=rng.choice([None, rows[0].pk if row.pk != rows[0].pk else None]))
        elif touch == 3:
            TicketChange.objects.create(ticket=row, kind="assigned", occurred_at=at, value="bo@desk.test", actor_kind="agent")
        elif touch == 4:
            Ticket.objects.filter(pk=row.pk).update(spam=not row.spam, opened_at=at, account=account("bolt"), location="Izmir")
        else:
            Interaction.objects.create(ticket=row, external_id=f"new-{row.pk}", channel="phone", ended_at=at, talk_seconds=5)
    touched = tell()
    assert touched != plain
    assert from_the_logs() == touched
    keep()
    assert tell() == touched


def test_sums_in_the_database_are_those_of_the_rows_behind_them(agents):
    rng = random.Random(5)
    for number in range(80):
        one_ticket(rng, number, agents)
    keep()
    span = {"start": "2024-01-05", "end": "2024-02-25", "now": NOW}
    for variant in ("all_issues", "resolved_only"):
        for window in ("1", "7"):
            question = ask(name="fcr", variant=variant, params={"window_days": window}, **span)
            judged = list(issues(question, "agent"))
            assert judged
            for key, figure in fcr(question, "agent").items():
                own = [issue for issue in judged if issue.key == key]
                counts = Counter(
                    resolved=sum(i.resolved for i in own), at_first=sum(i.at_first for i in own), hard=sum(not i.solvable for i in own), open=sum(i.unsettled for i in own)
                )
                parts = figure.parts
                assert (parts["issues"], parts["resolved"], parts["resolved_first_contact"], parts["not_first_level"], parts["unsettled"]) == (
                    len(own), counts["resolved"], counts["at_first"], counts["hard"], counts["open"],
                )  # fmt: skip
            assert any(issue.at_first for issue in judged)
    promise()
    for target, kpi in (("first_reply", "first_response_time"), ("resolution", "resolution_time")):
        question = ask(name=kpi, **span)
        listed = decided(question, target, "agent")
        assert 0 < sum(row.kept for row in listed) < len(listed)
        assert {key: (figure.numerator, figure.denominator) for key, figure in promises_kept(question, target, "agent").items()} == {
            key: (sum(row.kept for row in listed if row.key == key), sum(row.key == key for row in listed)) for key in {row.key for row in listed}
        }
    for params in ({}, {"clock": "business"}, {"target_seconds": "400000"}, {"target_seconds": "400000", "clock": "business"}):
        question = ask(name="ticket_backlog", params=params, **span)
        listed = open_tickets(question, None)
        parts = ticket_backlog(question, None)[None].parts
        assert 0 < parts["older"] < parts["open"]
        assert (parts["open"], parts["older"], parts["oldest_age"]) == (
            len(listed), sum(row[3] for row in listed), int(question.until.timestamp()) - min(row[2] for row in listed),
        )  # fmt: skip
    question = ask(name="first_response_time", **span)
    rows = first_replies(question, "agent")
    assert {key: times.spread for key, times in reply_times(question, "agent").items()} == {
        key: spread(replied - opened for found, _pk, opened, replied in rows if found == key) for key in {row[0] for row in rows}
    }
    for variant in ("full", "first"):
        question = ask(name="resolution_time", variant=variant, **span)
        rows = resolutions(question, None)
        assert len(rows) > 5
        times = resolution_times(question, None)[None]
        assert times.spread == spread(max(ends[0] - begins[0], 0) for _key, _opened, begins, ends, *_rest in rows)
        assert times.marked == sum(row[4] for row in rows)


def test_whatever_a_path_is_made_from_marks_its_ticket(agents):
    first, second, third = (one_ticket(random.Random(9), number, agents) for number in range(3))
    keep()

    def marked(*rows):
        found = set(StaleTicket.objects.values_list("ticket_id", flat=True))
        keep()
        return found == {row.pk for row in rows}

    entry = TicketChange.objects.create(ticket=first, kind="status", occurred_at=START, value="open")
    assert marked(first)
    TicketChange.objects.filter(pk=entry.pk).update(occurred_at=START + dt.timedelta(hours=1))
    assert marked(first)
    entry.delete()
    assert marked(first)
    call = Interaction.objects.create(ticket=second, external_id="c", channel="phone", ended_at=START)
    assert marked(second)
    Interaction.objects.filter(pk=call.pk).update(ticket=third)
    assert marked(second, third)
    Interaction.objects.filter(pk=call.pk).delete()
    assert marked(third)
    Ticket.objects.filter(pk=second.pk).update(merged_into=first)
    assert marked(second)
    Ticket.objects.filter(pk=second.pk).update(merged_into=third)
    assert marked(second, first)
    Ticket.objects.filter(pk=second.pk).update(group="b")
    assert marked(second)
    Ticket.objects.filter(pk=second.pk).update(subject="Only the words", clocks_set_at=NOW)
    TicketChange.objects.create(ticket=first, kind="internal_note", occurred_at=START)
    assert marked()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tickets_ticketchange WHERE ticket_id = %s", [second.pk])
        cursor.execute("DELETE FROM tickets_interaction WHERE ticket_id = %s", [second.pk])
        cursor.execute("DELETE FROM tickets_ticket WHERE id = %s", [second.pk])
    keep()
    assert not TicketPath.objects.filter(pk=second.pk).exists()
