"""Moves, replies, merges: every change stands in the log, every event once; a refusal changes nothing."""

import datetime as dt
import itertools

import pytest
from django.core.exceptions import ValidationError

from accounts.actions.work_items import StaleVersion
from accounts.models import AccountEvent, OutgoingMail
from tickets.actions import merging, messages, tickets
from tickets.models import ServiceLevel, Ticket, TicketChange, TicketMessage
from tickets.state import MOVES, ImpossibleMove

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
pytestmark = pytest.mark.django_db

# a way from new into each state
WAYS = {
    "new": [], "open": ["open"], "pending": ["pending"], "on_hold": ["on_hold"], "solved": ["solved"],
    "closed": ["solved", "closed"], "cancelled": ["cancelled"],
}  # fmt: skip
ALL_MOVES = [(before, after) for before, after in itertools.product(MOVES, MOVES) if before != after]


def opened(cast, **rest):
    return tickets.open_ticket(account_id=cast.boga.pk, subject="Rota hatası", contact_id=cast.selin.pk, now=NOW, **rest)[0]


def in_state(cast, state):
    ticket = opened(cast)
    for number, step in enumerate(WAYS[state], start=1):
        ticket = tickets.move_ticket(ticket_id=ticket.pk, to=step, now=NOW + number * MINUTE, actor=cast.deniz)
    return ticket


def everything(ticket):
    return (
        Ticket.objects.filter(pk=ticket.pk).values().get(),
        list(TicketChange.objects.order_by("pk").values()),
        list(TicketMessage.objects.order_by("pk").values()),
        list(AccountEvent.objects.order_by("pk").values()),
        OutgoingMail.objects.count(),
    )


def events(kind):
    return list(AccountEvent.objects.filter(kind=kind).order_by("pk"))


def test_opening_writes_log_message_and_event(cast):
    ticket = opened(cast, body="500 veriyor", severity=4, channel="web", category="bug")
    assert ticket.status == "new"
    assert list(ticket.changes.values_list("kind", "value")) == [("created", "new")]
    assert list(ticket.messages.values_list("body", "author_kind", "contact_id")) == [("500 veriyor", "customer", cast.selin.pk)]
    [event] = events("ticket.opened")
    assert event.payload == {"ticket": ticket.pk, "severity": 4, "channel": "web", "category": "bug"}
    assert event.contact_id == cast.selin.pk


def test_opening_twice_by_external_id_is_opening_once(cast):
    first, new = tickets.open_ticket(account_id=cast.boga.pk, external_id="T-1", subject="A", now=NOW)
    again, new_again = tickets.open_ticket(account_id=cast.boga.pk, external_id="T-1", subject="B", now=NOW)
    assert (new, new_again) == (True, False)
    assert again.pk == first.pk
    assert again.subject == "A"
    assert len(events("ticket.opened")) == 1


def test_a_person_of_another_account_cannot_open_a_ticket(cast):
    with pytest.raises(ValidationError):
        tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.harry.pk, subject="A", now=NOW)
    assert not Ticket.objects.exists()
    assert not AccountEvent.objects.exists()


@pytest.mark.parametrize(("before", "after"), [move for move in ALL_MOVES if move[1] in MOVES[move[0]]])
def test_every_move_of_the_table_is_made_and_logged(cast, before, after):
    ticket = in_state(cast, before)
    at = NOW + HOUR
    moved = tickets.move_ticket(ticket_id=ticket.pk, to=after, now=at, actor=cast.deniz)
    moved.refresh_from_db()
    assert moved.status == after
    assert moved.version == ticket.version + 1
    last = moved.changes.filter(kind="status").last()
    assert (last.value_before, last.value, last.occurred_at, last.actor) == (before, after, at, cast.deniz)
    assert (moved.solved_at == at) == (after == "solved")
    assert (moved.closed_at == at) == (after == "closed")
    assert (moved.reopened_at == at) == (before in {"solved", "closed"} and after == "open")


@pytest.mark.parametrize(("before", "after"), [move for move in ALL_MOVES if move[1] not in MOVES[move[0]]])
def test_every_other_move_is_refused_and_nothing_changes(cast, before, after):
    ticket = in_state(cast, before)
    was = everything(ticket)
    with pytest.raises(ImpossibleMove):
        tickets.move_ticket(ticket_id=ticket.pk, to=after, now=NOW + HOUR, actor=cast.deniz)
    assert everything(ticket) == was


@pytest.mark.parametrize("state", list(MOVES))
def test_moving_to_the_state_it_has_is_nothing(cast, state):
    ticket = in_state(cast, state)
    was = everything(ticket)
    tickets.move_ticket(ticket_id=ticket.pk, to=state, now=NOW + HOUR, actor=cast.deniz)
    assert everything(ticket) == was


def test_each_resolution_writes_exactly_one_event(cast):
    ticket = opened(cast, severity=2, channel="phone", category="bug", group="first")
    for number, step in enumerate(["solved", "solved", "open", "solved", "closed", "open", "solved"], start=1):
        tickets.move_ticket(ticket_id=ticket.pk, to=step, now=NOW + number * MINUTE, actor=cast.deniz)
    assert [event.payload["resolution"] for event in events("ticket.solved")] == [1, 2, 3]
    assert [event.payload["resolution"] for event in events("ticket.reopened")] == [1, 2]
    ticket.refresh_from_db()
    assert (ticket.resolutions, ticket.solved_at, ticket.reopened_at) == (3, NOW + 7 * MINUTE, NOW + 6 * MINUTE)
    assert events("ticket.solved")[0].payload == {
        "ticket": ticket.pk, "resolution": 1, "agent": cast.deniz.pk, "requester": cast.selin.pk, "person_replied": False,
        "severity": 2, "channel": "phone", "category": "bug", "group": "first",
    }  # fmt: skip


def test_whoever_solves_what_nobody_had_taken_has_taken_it(cast):
    ticket = tickets.move_ticket(ticket_id=opened(cast).pk, to="solved", now=NOW, actor=cast.deniz)
    assert ticket.assignee == cast.deniz
    taken = tickets.move_ticket(ticket_id=opened(cast, assignee=cast.mert).pk, to="solved", now=NOW, actor=cast.deniz)
    assert taken.assignee == cast.mert
    assert events("ticket.solved")[-1].payload["agent"] == cast.mert.pk


def test_another_ones_change_in_between_is_seen_and_nothing_changes(cast):
    ticket = opened(cast)
    tickets.set_severity(ticket_id=ticket.pk, severity=3, now=NOW, version=1)
    was = everything(ticket)
    with pytest.raises(StaleVersion):
        tickets.move_ticket(ticket_id=ticket.pk, to="open", now=NOW, version=1)
    with pytest.raises(StaleVersion):
        messages.reply(ticket_id=ticket.pk, body="x", now=NOW, version=1)
    assert everything(ticket) == was


def test_the_first_reply_is_a_persons_public_one(cast):
    ticket = opened(cast, body="Yardım", channel="web")
    messages.reply(ticket_id=ticket.pk, body="We got it.", author_kind="bot", now=NOW + 1 * MINUTE)
    messages.reply(ticket_id=ticket.pk, body="Looks like the router.", author=cast.deniz, public=False, now=NOW + 2 * MINUTE)
    ticket.refresh_from_db()
    assert (ticket.first_replied_at, ticket.status, ticket.replies) == (None, "new", 0)
    messages.reply(ticket_id=ticket.pk, body="Bakıyoruz.", author=cast.deniz, now=NOW + 3 * MINUTE)
    messages.reply(ticket_id=ticket.pk, body="Düzeldi.", author=cast.deniz, solve=True, now=NOW + 4 * MINUTE)
    ticket.refresh_from_db()
    assert (ticket.first_replied_at, ticket.status, ticket.replies) == (NOW + 3 * MINUTE, "solved", 2)
    assert events("ticket.solved")[0].payload["person_replied"] is True
    assert list(ticket.changes.values_list("kind", flat=True)) == ["created", "public_reply", "internal_note", "public_reply", "status", "public_reply", "assigned", "status"]


def test_a_ticket_we_opened_is_not_answered_by_its_own_text(cast):
    ticket = opened(cast, body="We saw errors.", created_by_kind="agent", actor=cast.deniz)
    assert ticket.messages.get().author == cast.deniz
    assert ticket.first_replied_at is None


def test_a_public_reply_leaves_by_mail_where_the_ticket_came_in_writing(cast):
    for channel, contact in (("email", cast.selin), ("phone", cast.selin)):
        ticket = tickets.open_ticket(account_id=cast.boga.pk, contact_id=contact.pk, channel=channel, subject="Hata", now=NOW)[0]
        messages.reply(ticket_id=ticket.pk, body="Bakıyoruz.", author=cast.deniz, now=NOW)
        messages.reply(ticket_id=ticket.pk, body="Müşteri kızgın.", author=cast.deniz, public=False, now=NOW)
    mail = OutgoingMail.objects.get()
    assert (mail.kind, mail.to_address, mail.language, mail.body_text, mail.status) == ("reply", "selin@bogazici.test", "tr", "Bakıyoruz.", "queued")
    assert "Hata" in mail.mail_subject


def test_a_reply_pushed_by_another_system_is_not_mailed_again(cast):
    ticket = opened(cast, channel="email")
    first = messages.reply(ticket_id=ticket.pk, body="Sent elsewhere.", origin="api", external_id="m1", now=NOW)
    again = messages.reply(ticket_id=ticket.pk, body="Sent elsewhere.", origin="api", external_id="m1", now=NOW)
    assert (first[1], again[1]) == (True, False)
    assert TicketMessage.objects.count() == 1
    assert not OutgoingMail.objects.exists()


def test_a_bounced_address_gets_no_reply_and_it_is_said(cast):
    cast.selin.bounced_at = NOW
    cast.selin.save()
    messages.reply(ticket_id=opened(cast, channel="email").pk, body="Hi", author=cast.deniz, now=NOW)
    assert OutgoingMail.objects.values_list("status", "reason").get() == ("withheld", "address_bounced")


WOKEN = {"new": "new", "open": "open", "pending": "open", "on_hold": "on_hold", "solved": "open", "closed": "open", "cancelled": "cancelled"}


@pytest.mark.parametrize(("state", "then"), WOKEN.items())
def test_what_the_customer_answers_wakes_the_ticket(cast, state, then):
    ticket = in_state(cast, state)
    messages.customer_reply(ticket_id=ticket.pk, body="Still broken", contact_id=cast.selin.pk, now=NOW + HOUR)
    ticket.refresh_from_db()
    assert ticket.status == then
    assert len(events("ticket.reopened")) == (state in {"solved", "closed"})
    assert ticket.messages.get().author_kind == "customer"


@pytest.mark.parametrize("state", ["closed", "cancelled"])
def test_a_closed_ticket_takes_notes_but_no_replies(cast, state):
    ticket = in_state(cast, state)
    was = everything(ticket)
    with pytest.raises(messages.ClosedTicket):
        messages.reply(ticket_id=ticket.pk, body="x", author=cast.deniz, now=NOW + HOUR)
    assert everything(ticket) == was
    messages.reply(ticket_id=ticket.pk, body="x", author=cast.deniz, public=False, now=NOW + HOUR)
    assert ticket.messages.count() == 1


@pytest.mark.parametrize("call", [lambda pk: messages.reply(ticket_id=pk, body=" \n ", now=NOW), lambda pk: messages.customer_reply(ticket_id=pk, body="", now=NOW)])
def test_empty_messages_are_refused(cast, call):
    ticket = opened(cast)
    was = everything(ticket)
    with pytest.raises(ValidationError):
        call(ticket.pk)
    assert everything(ticket) == was


def test_nothing_happens_before_the_ticket_was_opened(cast):
    ticket = opened(cast)
    was = everything(ticket)
    with pytest.raises(ValidationError):
        tickets.move_ticket(ticket_id=ticket.pk, to="solved", now=NOW, occurred_at=NOW - DAY)
    assert everything(ticket) == was


def test_only_people_who_work_on_tickets_are_assigned(cast):
    ticket = opened(cast)
    was = everything(ticket)
    with pytest.raises(ValidationError):
        tickets.assign(ticket_id=ticket.pk, assignee=cast.vera, now=NOW)
    assert everything(ticket) == was
    tickets.assign(ticket_id=ticket.pk, assignee=cast.deniz, actor=cast.mert, now=NOW)
    tickets.assign(ticket_id=ticket.pk, assignee=cast.deniz, actor=cast.mert, now=NOW)
    tickets.assign(ticket_id=ticket.pk, assignee=None, actor=cast.mert, now=NOW)
    assert list(ticket.changes.filter(kind="assigned").values_list("value_before", "value")) == [("", "deniz@vefa.test"), ("deniz@vefa.test", "")]


def test_spam_is_cancelled_and_tells_the_world_nothing(cast):
    ticket = tickets.mark_spam(ticket_id=opened(cast).pk, now=NOW, actor=cast.deniz)
    assert (ticket.spam, ticket.status) == (True, "cancelled")
    assert not events("ticket.solved")
    assert not Ticket.objects.counted().exists()


def test_severity_and_category_and_escalation_are_logged_once(cast):
    ticket = opened(cast)
    for _twice in range(2):
        tickets.set_severity(ticket_id=ticket.pk, severity=4, now=NOW, actor=cast.deniz)
        tickets.set_category(ticket_id=ticket.pk, category=" billing ", now=NOW, actor=cast.deniz)
        tickets.escalate(ticket_id=ticket.pk, now=NOW, actor=cast.deniz)
    assert list(ticket.changes.values_list("kind", "value")) == [("created", "new"), ("severity", "4"), ("category", "billing"), ("escalated", "true")]
    with pytest.raises(ValidationError):
        tickets.set_severity(ticket_id=ticket.pk, severity=5, now=NOW)
    ticket.refresh_from_db()
    assert ticket.severity == 4


def test_a_merged_ticket_leaves_everything_to_its_survivor(cast):
    old = opened(cast, body="first", opened_at=NOW - DAY, external_id="old")
    messages.reply(ticket_id=old.pk, body="answer", author=cast.deniz, now=NOW - 5 * HOUR)
    survivor = opened(cast, body="second", external_id="kept")
    for _twice in range(2):
        merged_into = merging.merge(ticket_id=old.pk, into_id=survivor.pk, now=NOW, actor=cast.deniz)
    assert merged_into.pk == survivor.pk
    survivor.refresh_from_db()
    old.refresh_from_db()
    assert (survivor.opened_at, survivor.first_replied_at, survivor.replies) == (NOW - DAY, NOW - 5 * HOUR, 1)
    assert list(survivor.messages.values_list("body", flat=True)) == ["first", "answer", "second"]
    assert merging.survivor_of(old) == survivor
    assert list(Ticket.objects.counted()) == [survivor]
    assert not events("ticket.solved")
    with pytest.raises(tickets.MergedAway) as refused:
        tickets.move_ticket(ticket_id=old.pk, to="open", now=NOW)
    assert refused.value.survivor_id == survivor.pk


def test_tickets_of_two_accounts_are_not_merged(cast):
    ours, theirs = opened(cast), tickets.open_ticket(account_id=cast.north.pk, subject="B", now=NOW)[0]
    was = everything(ours)
    for into in (theirs.pk, ours.pk):
        with pytest.raises(ValidationError):
            merging.merge(ticket_id=ours.pk, into_id=into, now=NOW)
    assert everything(ours) == was


def test_linking_is_kept_once_whichever_way(cast):
    one, two = opened(cast), opened(cast)
    assert merging.link(ticket_id=two.pk, other_id=one.pk) == merging.link(ticket_id=one.pk, other_id=two.pk)
    assert merging.unlink(ticket_id=one.pk, other_id=two.pk) is True
    assert merging.unlink(ticket_id=one.pk, other_id=two.pk) is False


def test_promised_times_come_from_the_segments_level_and_rest_while_we_wait(cast):
    ServiceLevel.objects.create(severity=3, first_reply_seconds=3600, resolution_seconds=4 * 3600)
    ServiceLevel.objects.create(severity=3, segment=segment(cast.north, "vip"), first_reply_seconds=600)
    general, vip = opened(cast, severity=3), tickets.open_ticket(account_id=cast.north.pk, severity=3, now=NOW)[0]
    assert (general.first_reply_due_at, general.resolution_due_at) == (NOW + HOUR, NOW + 4 * HOUR)
    assert (vip.first_reply_due_at, vip.resolution_due_at) == (NOW + 10 * MINUTE, None)
    waiting = tickets.move_ticket(ticket_id=general.pk, to="pending", now=NOW + HOUR)
    assert (waiting.resolution_due_at, waiting.resolution_left_seconds) == (None, 3 * 3600)
    back = tickets.move_ticket(ticket_id=general.pk, to="open", now=NOW + DAY)
    assert (back.resolution_due_at, back.resolution_left_seconds) == (NOW + DAY + 3 * HOUR, None)


def test_a_late_solution_is_recorded_as_a_broken_promise(cast):
    ServiceLevel.objects.create(severity=3, first_reply_seconds=3600, resolution_seconds=7200)
    ticket = opened(cast, severity=3)
    messages.reply(ticket_id=ticket.pk, body="x", author=cast.deniz, now=NOW + 30 * MINUTE)
    tickets.move_ticket(ticket_id=ticket.pk, to="solved", now=NOW + 3 * HOUR, actor=cast.deniz)
    assert [event.payload for event in events("ticket.sla_breached")] == [{"ticket": ticket.pk, "target": "resolution", "seconds_over": 3600}]


def segment(account, key):
    from accounts.models import Segment

    account.segment = Segment.objects.get(key=key)
    account.save()
    return account.segment
