"""Customers who ask by a survey: the ticket is open again exactly once, with their words, and whoever has it is told."""

import datetime as dt
import threading
import uuid

import pytest
from django.db import connections

from accounts.actions.event_log import record_event
from accounts.actions.verbatims import NewText, read_texts
from accounts.models import AccountEvent, AccountSnapshot, Verbatim, WorkItem
from tickets.actions import merging, tickets
from tickets.actions.reopening import reopen_wanted
from tickets.actions.verbatims import read_messages
from tickets.models import Ticket, TicketMessage, TicketWork

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
LATER = NOW + DAY
pytestmark = pytest.mark.django_db


@pytest.fixture
def solved(cast):
    """A ticket of Deniz's that was solved an hour after it was opened."""
    for account in (cast.boga, cast.north):
        AccountSnapshot.objects.get_or_create(account=account, defaults={"computed_at": NOW})
    return in_state(cast, "solved")


def in_state(cast, *states, **rest):
    ticket = tickets.open_ticket(account_id=cast.boga.pk, subject="Rota", body="Çalışmıyor.", contact_id=cast.selin.pk, assignee=cast.deniz, now=NOW, **rest)[0]
    for number, state in enumerate(states, start=1):
        ticket = tickets.move_ticket(ticket_id=ticket.pk, to=state, now=NOW + number * MINUTE, actor=cast.deniz)
    return ticket


def wanted(cast, ticket, *, comment="Hâlâ çalışmıyor.", at=LATER):
    """What surveys tell: the wish, and the comment of the answer as it was read."""
    response = str(uuid.uuid4())
    if comment:
        read_texts(texts=[NewText(source=Verbatim.Source.ANSWER, subject_id=response, account_id=cast.boga.pk, contact_id=cast.selin.pk, occurred_at=at, text=comment)], now=at)
    payload = {"ticket": ticket.pk if isinstance(ticket, Ticket) else ticket, "response": response}
    record_event(account_id=cast.boga.pk, contact_id=cast.selin.pk, kind="ticket.reopen_wanted", occurred_at=at, origin="app", dedupe_key=response, payload=payload)
    return response


def run(now=LATER + MINUTE):
    return reopen_wanted(since=NOW, now=max(now, dt.datetime.now(dt.UTC) + MINUTE), wide=True)


def test_a_wish_opens_the_ticket_with_the_customers_words_and_tells_the_assignee(cast, solved):
    response = wanted(cast, solved)
    assert run() == 1
    solved.refresh_from_db()
    assert (solved.status, solved.reopened_at, solved.solved_at) == ("open", LATER, None)
    message = solved.messages.get(external_id=f"survey-answer:{response}")
    assert (message.body, message.author_kind, message.contact, message.public, message.written_at) == ("Hâlâ çalışmıyor.", "customer", cast.selin, True, LATER)
    change = solved.changes.filter(kind="status").latest("occurred_at")
    assert (change.value_before, change.value, change.actor, change.actor_kind) == ("solved", "open", None, "customer")
    work = WorkItem.objects.get()
    assert (work.owner, work.type, work.priority, work.why["key"], work.status) == (cast.deniz, "close_loop", 1, "reopen_wanted", "open")
    link = TicketWork.objects.get()
    assert (link.work_item, link.ticket) == (work, solved)
    assert AccountEvent.objects.filter(kind="ticket.reopened").count() == 1


def test_further_ticks_change_nothing_even_when_the_ticket_is_solved_anew(cast, solved):
    wanted(cast, solved)
    run()
    tickets.move_ticket(ticket_id=solved.pk, to="solved", now=LATER + 2 * MINUTE, actor=cast.deniz)
    WorkItem.objects.update(status="done", closed_at=LATER)
    assert [run(), run()] == [0, 0]
    solved.refresh_from_db()
    assert (solved.status, solved.messages.count(), WorkItem.objects.count()) == ("solved", 2, 1)


@pytest.mark.parametrize(("language", "words"), [("en", "Please open this request again."), ("de", "Please open this request again.")])
def test_without_a_comment_the_message_says_what_the_button_said(cast, solved, settings, language, words):
    settings.LANGUAGE_CODE = "en"
    cast.selin.language = language
    cast.selin.save()
    wanted(cast, solved, comment="")
    run()
    assert solved.messages.latest("written_at").body == words


@pytest.mark.parametrize(("states", "after"), [(["solved", "closed"], "open"), (["pending"], "open"), (["on_hold"], "on_hold"), ([], "new")])
def test_closed_opens_too_and_what_is_open_gets_the_words_alone(cast, solved, states, after):
    ticket = in_state(cast, *states)
    wanted(cast, ticket)
    assert run() == 1
    ticket.refresh_from_db()
    assert (ticket.status, ticket.messages.count()) == (after, 2)


def test_of_a_merged_ticket_the_one_it_became_is_opened(cast, solved):
    survivor = in_state(cast, "solved")
    merging.merge(ticket_id=solved.pk, into_id=survivor.pk, now=NOW + 9 * MINUTE, actor=cast.deniz)
    wanted(cast, solved)
    assert [run(), run()] == [1, 0]
    survivor.refresh_from_db()
    solved.refresh_from_db()
    assert (survivor.status, solved.status) == ("open", "solved")
    assert survivor.messages.filter(body="Hâlâ çalışmıyor.").count() == 1
    assert WorkItem.objects.get().why["values"]["ticket"] == survivor.pk


def test_a_ticket_merged_after_it_was_opened_again_stays_done(cast, solved):
    survivor = in_state(cast)
    wanted(cast, solved)
    run()
    merging.merge(ticket_id=solved.pk, into_id=survivor.pk, now=LATER + MINUTE, actor=cast.deniz)
    assert run() == 0
    assert TicketMessage.objects.filter(body="Hâlâ çalışmıyor.").count() == 1


def test_a_cancelled_ticket_stays_so_keeps_the_words_and_the_owner_has_to_decide(cast, solved):
    ticket = in_state(cast, "cancelled")
    wanted(cast, ticket)
    assert [run(), run()] == [1, 0]
    ticket.refresh_from_db()
    assert (ticket.status, ticket.messages.latest("written_at").body) == ("cancelled", "Hâlâ çalışmıyor.")
    work = WorkItem.objects.get()
    assert (work.owner, work.why["key"]) == (cast.elif_, "reopen_refused")


@pytest.mark.parametrize("what", ["spam", "deleted", "unknown", "of another account"])
def test_what_cannot_be_opened_is_work_for_the_owner_and_touches_no_ticket(cast, solved, what):
    if what == "spam":
        tickets.mark_spam(ticket_id=solved.pk, now=NOW + DAY / 2, actor=cast.deniz)
    elif what == "deleted":
        Ticket.objects.filter(pk=solved.pk).update(deleted_at=NOW)
    elif what == "of another account":
        solved = tickets.open_ticket(account_id=cast.north.pk, now=NOW)[0]
    before = list(Ticket.objects.order_by("pk").values("status", "version"))
    wanted(cast, "ZD-77" if what == "unknown" else solved)
    assert [run(), run()] == [1, 0]
    assert list(Ticket.objects.order_by("pk").values("status", "version")) == before
    assert not TicketMessage.objects.filter(external_id__startswith="survey-answer").exists()
    work = WorkItem.objects.get()
    assert (work.owner, work.why["key"]) == (cast.elif_, "reopen_refused")


def test_a_ticket_is_found_by_the_name_another_system_gave_it(cast, solved):
    ticket = in_state(cast, "solved", external_id="ZD-77")
    wanted(cast, "ZD-77")
    run()
    ticket.refresh_from_db()
    assert ticket.status == "open"


def test_an_assignee_who_left_hands_the_work_to_the_owner(cast, solved):
    cast.deniz.is_active = False
    cast.deniz.save()
    wanted(cast, solved)
    run()
    assert WorkItem.objects.get().owner == cast.elif_


def test_a_wish_read_late_lies_behind_what_happened_since(cast, solved):
    tickets.move_ticket(ticket_id=solved.pk, to="closed", now=LATER + 5 * MINUTE, actor=cast.deniz)
    wanted(cast, solved)
    run()
    assert list(solved.changes.order_by("occurred_at", "pk").values_list("kind", "value"))[-3:] == [("status", "closed"), ("customer_reply", ""), ("status", "open")]


def test_the_words_are_read_as_the_answer_alone(cast, solved):
    wanted(cast, solved)
    run()
    read_messages(now=LATER, since=None)
    assert Verbatim.objects.filter(text="Hâlâ çalışmıyor.").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_open_it_once(cast, solved):
    for _ in range(6):
        wanted(cast, in_state(cast, "solved"))
    start, done = threading.Barrier(3), []

    def work():
        start.wait()
        done.append(run())
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 6
    assert TicketMessage.objects.filter(external_id__startswith="survey-answer").count() == WorkItem.objects.count() == 6
    assert Ticket.objects.filter(status="open").count() == 6
