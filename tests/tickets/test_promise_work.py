"""Promises that come near or are broken: told once each, turned into work of the right person, which ends by itself."""

import datetime as dt
import threading

import pytest
from django.db import connection

from accounts.models import AccountEvent, Segment, WorkItem
from accounts.sentences import say
from tickets.actions import messages, tickets
from tickets.actions.clocks import Promises
from tickets.actions.promise_work import close_kept, record_breaches, record_near
from tickets.models import BusinessHours, Holiday, ServiceLevel, Ticket

# a Friday, 15:30 in Berlin is 14:30 UTC
NOW = dt.datetime(2026, 3, 6, 15, 30, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


def opened(cast, **rest):
    return tickets.open_ticket(**{"account_id": cast.boga.pk, "subject": "Hata", "contact_id": cast.selin.pk, "severity": 2, "now": NOW, **rest})[0]


def told(kind="ticket.sla_near"):
    return [(event.payload["ticket"], event.payload["target"]) for event in AccountEvent.objects.filter(kind=kind).order_by("pk")]


def work(**rest):
    return list(WorkItem.objects.filter(subject_type="ticket", **rest).order_by("pk"))


def breaches(now):
    return record_breaches(since=NOW, now=now)


@pytest.mark.django_db
class TestNear:
    def test_three_quarters_of_the_time_are_near_and_told_once(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=4 * 3600)
        ticket = opened(cast)
        opened(cast, test=True)
        assert record_near(now=NOW + 3 * HOUR - MINUTE) == 0
        assert record_near(now=NOW + 3 * HOUR) == 1
        assert record_near(now=NOW + 3 * HOUR + MINUTE) == 0
        assert told() == [(ticket.pk, "resolution")]
        event = AccountEvent.objects.get(kind="ticket.sla_near")
        assert (event.occurred_at, event.contact_id, event.payload["due_at"]) == (NOW + 3 * HOUR, cast.selin.pk, (NOW + 4 * HOUR).isoformat())

    def test_near_is_counted_in_the_hours_of_the_level(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=4 * 3600, clock="business")
        for weekday in range(1, 6):
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(9), closes=dt.time(17), time_zone="Europe/Berlin")
        # on that Friday half an hour is left, Monday is a holiday: due on Tuesday at 12:30 in Berlin, near at 11:30
        Holiday.objects.create(day=dt.date(2026, 3, 9))
        ticket = opened(cast)
        due = dt.datetime(2026, 3, 10, 11, 30, tzinfo=dt.UTC)
        assert ticket.resolution_due_at == due
        assert Promises().near_from(ticket, "resolution", segment_id=cast.boga.segment_id) == due - HOUR
        assert record_near(now=due - HOUR - MINUTE) == 0
        assert record_near(now=due - HOUR) == 1
        assert AccountEvent.objects.get(kind="ticket.sla_near").occurred_at == due - HOUR

    def test_tickets_opened_before_new_hours_are_near_by_the_old_ones(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=4 * 3600, clock="business")
        for weekday in range(1, 8):
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(0), closes=dt.time(0), time_zone="Europe/Berlin")
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(9), closes=dt.time(10), time_zone="Europe/Berlin", valid_from=dt.date(2026, 3, 7))
        ticket, later = opened(cast), opened(cast, now=NOW + 24 * HOUR)
        assert (ticket.resolution_due_at, later.resolution_due_at) == (NOW + 4 * HOUR, dt.datetime(2026, 3, 11, 9, tzinfo=dt.UTC))
        assert record_near(now=NOW + 3 * HOUR) == 1
        # one of four hours is left of the later one once Tuesday's hour has passed
        assert record_near(now=dt.datetime(2026, 3, 10, 8, 59, tzinfo=dt.UTC)) == 0
        assert record_near(now=dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC)) == 1
        assert told() == [(ticket.pk, "resolution"), (later.pk, "resolution")]

    def test_the_level_of_a_segment_stands_before_the_general_one(self, cast):
        cast.boga.segment = Segment.objects.first()
        cast.boga.save()
        ServiceLevel.objects.create(severity=2, resolution_seconds=400 * 60)
        ServiceLevel.objects.create(severity=2, resolution_seconds=40 * 60, segment=cast.boga.segment)
        theirs, ours = opened(cast, account_id=cast.north.pk, contact_id=None), opened(cast)
        record_near(now=NOW + 30 * MINUTE)
        assert told() == [(ours.pk, "resolution")]
        record_near(now=NOW + 300 * MINUTE)
        assert told() == [(ours.pk, "resolution"), (theirs.pk, "resolution")]

    def test_waiting_for_the_customer_holds_it_off(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=4 * 3600)
        ticket = opened(cast)
        tickets.move_ticket(ticket_id=ticket.pk, to="pending", now=NOW + 2 * HOUR)
        assert record_near(now=NOW + 90 * HOUR) == 0
        tickets.move_ticket(ticket_id=ticket.pk, to="open", now=NOW + 92 * HOUR)
        assert record_near(now=NOW + 93 * HOUR - MINUTE) == 0
        assert record_near(now=NOW + 93 * HOUR) == 1

    def test_what_is_solved_answered_or_passed_is_not_near(self, cast):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=4 * 3600, resolution_seconds=8 * 3600)
        solved, answered, passed = opened(cast), opened(cast), opened(cast)
        tickets.move_ticket(ticket_id=solved.pk, to="solved", now=NOW + HOUR)
        messages.reply(ticket_id=answered.pk, body="Bakıyoruz.", author=cast.deniz, now=NOW + HOUR)
        record_near(now=NOW + 3 * HOUR)
        assert told() == [(passed.pk, "first_reply")]
        # both of these are broken at this moment
        assert record_near(now=NOW + 9 * HOUR) == 0


@pytest.mark.django_db
class TestWork:
    def test_near_is_work_of_the_assignee_who_works_accounts(self, cast):
        ServiceLevel.objects.create(severity=3, resolution_seconds=4 * 3600)
        ticket = opened(cast, severity=3, assignee=cast.elif_)
        record_near(now=NOW + 3 * HOUR)
        [item] = work()
        assert (item.owner, item.account, item.type, item.status, item.priority, item.due_at) == (cast.elif_, cast.boga, "risk", "open", WorkItem.Priority.HIGH, NOW + 4 * HOUR)
        assert (item.reason, item.subject_id, item.contact_id) == (f"ticket_near:{ticket.pk}", str(ticket.pk), cast.selin.pk)
        assert say(item.why) == f"Three quarters of the time promised for solving ticket #{ticket.pk} have passed."
        assert item.event.kind == "ticket.sla_near"

    @pytest.mark.parametrize("who", ["deniz", "can", None])
    def test_an_agent_or_somebody_elses_csm_leaves_it_to_the_owner(self, cast, who):
        ServiceLevel.objects.create(severity=2, resolution_seconds=4 * 3600)
        opened(cast, assignee=getattr(cast, who) if who else None)
        record_near(now=NOW + 3 * HOUR)
        assert [item.owner for item in work()] == [cast.boga.owner]

    def test_a_broken_promise_is_work_of_the_owner_and_ends_the_one_before(self, cast):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=60, resolution_seconds=4 * 3600)
        ticket = opened(cast, assignee=cast.ada)
        record_near(now=NOW + 3 * HOUR)
        assert breaches(NOW + 3 * HOUR) == 1
        assert breaches(NOW + 5 * HOUR) == 1
        assert breaches(NOW + 6 * HOUR) == 0
        seconds = {event.payload["target"]: event.payload["seconds_over"] for event in AccountEvent.objects.filter(kind="ticket.sla_breached")}
        assert seconds == {"first_reply": 3 * 3600 - 60, "resolution": 3600}
        near, late = work()
        assert (near.owner, late.owner, late.reason) == (cast.ada, cast.boga.owner, f"ticket_late:{ticket.pk}")
        # both broken promises of a ticket are one work item, which tells of the later one
        assert say(late.why) == f"Ticket #{ticket.pk} is not solved in the time promised."
        assert close_kept(now=NOW + 6 * HOUR) == 1
        near.refresh_from_db()
        assert (near.status, near.outcome) == ("dropped", "The promised time passed.")

    def test_work_that_somebody_closed_does_not_come_back(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=3600)
        opened(cast)
        breaches(NOW + 2 * HOUR)
        WorkItem.objects.update(status="done", closed_at=NOW)
        assert breaches(NOW + 3 * HOUR) == 0
        assert work(status="open") == []

    def test_promises_broken_long_ago_are_told_without_work(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=3600)
        opened(cast)
        assert breaches(NOW + dt.timedelta(days=30)) == 1
        assert work() == []

    def test_solving_ends_it_in_the_language_of_its_owner(self, cast):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=3600, resolution_seconds=8 * 3600)
        solved, answered, waiting = opened(cast), opened(cast), opened(cast)
        breaches(NOW + 2 * HOUR)
        assert close_kept(now=NOW + 2 * HOUR) == 0
        tickets.move_ticket(ticket_id=solved.pk, to="solved", now=NOW + 3 * HOUR)
        messages.reply(ticket_id=answered.pk, body="Bakıyoruz.", author=cast.deniz, now=NOW + 3 * HOUR)
        assert close_kept(now=NOW + 3 * HOUR) == 2
        assert close_kept(now=NOW + 3 * HOUR) == 0
        ends = {item.subject_id: (item.status, item.outcome) for item in work()}
        assert ends == {str(solved.pk): ("done", "The ticket was solved."), str(answered.pk): ("done", "The first reply was sent."), str(waiting.pk): ("open", "")}
        assert AccountEvent.objects.filter(kind="work.done").count() == 2

    def test_spam_and_cancelled_tickets_need_no_work(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=3600)
        spam, cancelled = opened(cast), opened(cast)
        breaches(NOW + 2 * HOUR)
        tickets.mark_spam(ticket_id=spam.pk, now=NOW + 3 * HOUR)
        tickets.move_ticket(ticket_id=cancelled.pk, to="cancelled", now=NOW + 3 * HOUR)
        close_kept(now=NOW + 3 * HOUR)
        assert [(item.status, item.outcome) for item in work()] == [("dropped", "The ticket counts no more."), ("dropped", "The ticket was cancelled.")]

    def test_a_reopened_ticket_has_a_promise_of_its_own(self, cast):
        ServiceLevel.objects.create(severity=2, resolution_seconds=4 * 3600)
        ticket = opened(cast)
        record_near(now=NOW + 3 * HOUR)
        tickets.move_ticket(ticket_id=ticket.pk, to="solved", now=NOW + 3 * HOUR)
        close_kept(now=NOW + 3 * HOUR)
        tickets.move_ticket(ticket_id=ticket.pk, to="open", now=NOW + 90 * HOUR)
        assert record_near(now=NOW + 90 * HOUR) == 1
        assert [item.status for item in work()] == ["done", "open"]

    def test_many_at_once_take_few_queries(self, cast, django_assert_max_num_queries):
        ServiceLevel.objects.create(severity=2, first_reply_seconds=3600)
        for _number in range(30):
            opened(cast)
        with django_assert_max_num_queries(20):
            assert breaches(NOW + 2 * HOUR) == 30
        Ticket.objects.update(status="cancelled")
        with django_assert_max_num_queries(8):
            assert close_kept(now=NOW + 2 * HOUR) == 30


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_and_open_once(cast):
    ServiceLevel.objects.create(severity=2, first_reply_seconds=4 * 3600, resolution_seconds=4 * 3600)
    for _number in range(20):
        opened(cast)
    made, barrier = [], threading.Barrier(2)

    def run():
        try:
            barrier.wait()
            made.append((record_near(now=NOW + 3 * HOUR), breaches(NOW + 5 * HOUR)))
        finally:
            connection.close()

    workers = [threading.Thread(target=run) for _number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [sum(counts) for counts in zip(*made, strict=True)] == [40, 40]
    assert len(told()) == len(told("ticket.sla_breached")) == 40
    assert len(work(status="open")) == 40
