"""Satisfaction after a ticket, through all apps: solved, asked a day later, rated, opened again; and what is never asked about."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountSnapshot, OutgoingMail, WorkItem
from config.tasks import sweep
from metrics.kpis.engine import answer
from surveys.actions.dispatch import queue_due, send_queued
from surveys.actions.follow_ups import open_due_cases
from surveys.actions.planning import plan
from surveys.models import Invitation, LoopCase, Response, Touchpoint
from surveys.tasks import read_texts
from tests.surveys.making import Sink, activate
from tests.surveys.pressing import BROWSER, nonce_of, press, tell
from tickets.actions import merging, messages, tickets
from tickets.models import Ticket
from tickets.queries import ticket_page
from tickets.tasks import tick

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def office(cast):
    """Surveys after tickets at any hour of any day, so that the clock of the test does not matter; nothing else asks."""
    activate()
    Touchpoint.objects.exclude(key="ticket-solved").update(activated_at=None)
    Touchpoint.objects.update(window_from=dt.time(0), window_until=dt.time(23, 59, 59), weekdays=[1, 2, 3, 4, 5, 6, 7], respects_holidays=False)
    AccountSnapshot.objects.get_or_create(account=cast.boga, defaults={"computed_at": timezone.now()})
    cast.solved_at = timezone.now() - DAY - 2 * HOUR
    return cast


def solved(office, *, by="agent", **rest):
    """A ticket of Deniz's, answered by a person or a bot, solved a day and two hours ago."""
    at = office.solved_at - HOUR
    ticket, _new = tickets.open_ticket(
        account_id=office.boga.pk, contact_id=office.selin.pk, subject="Rota hatası", body="Rapor boş.", channel="chat", assignee=office.deniz, now=at, **rest
    )
    messages.reply(ticket_id=ticket.pk, body="Bakıyoruz.", author=office.deniz if by == "agent" else None, author_kind=by, now=at + MINUTE)
    tickets.move_ticket(ticket_id=ticket.pk, to="solved", actor=office.deniz, now=office.solved_at)
    plan(as_of=office.solved_at + MINUTE)
    ticket.refresh_from_db()
    return ticket


@pytest.mark.django_db(transaction=True)
def test_a_solved_ticket_is_rated_a_day_later_and_opened_again_by_the_customer(office):
    ticket = solved(office)
    assert queue_due(as_of=office.solved_at + DAY - MINUTE, now=timezone.now()) == {}
    due = office.solved_at + DAY
    assert queue_due(as_of=due, now=due) == {"send": 1}
    with Sink() as sink, sink.session() as session:
        send_queued(as_of=due, now=due, worker="w", session=session)
        [(address, mail)] = [(to, letter) for to, letter in sink.kept if "/s/" in letter.get_body(("plain",)).get_content()]
    assert address == "selin@bogazici.test"
    token = re.search(r"http\S+/s/([\w-]+)", mail.get_body(("plain",)).get_content())[1]
    # two hours later the customer answers
    customer = Client(enforce_csrf_checks=True)
    press(customer, token, 2)
    tell(customer, token, comment="Rapor hâlâ boş.")
    customer.post(f"/s/{token}/again", {"form_nonce": nonce_of(token)}, headers=BROWSER)
    read_texts()
    open_due_cases(now=timezone.now() + 2 * MINUTE)
    assert tick()["reopened"] == 1
    assert tick()["reopened"] == 0
    ticket.refresh_from_db()
    assert (ticket.status, ticket.rating, ticket.solved_at) == ("open", 2, None)
    said = ticket.messages.latest("written_at")
    assert (said.body, said.author_kind, said.contact) == ("Rapor hâlâ boş.", "customer", office.selin)
    rated = ticket_page(ticket=ticket, user=office.deniz, now=timezone.now()).rating
    assert (rated.score, rated.scale_max, rated.comment, rated.contact) == (2, 5, "Rapor hâlâ boş.", office.selin)
    # the loop of the unhappy answer is open as before, and the assignee knows of the wish
    case = LoopCase.objects.get()
    assert (case.response, case.work_item.owner, case.closed_at) == (Response.objects.get(), office.elif_, None)
    assert WorkItem.objects.exclude(pk=case.work_item_id).get().owner == office.deniz
    # and the figure of the agent counts it
    today = timezone.now().date()
    told = answer(name="csat", start=str(today - DAY), end=str(today + DAY), by="agent", now=timezone.now() + HOUR)
    assert [(group["key"], group["value"], group["parts"]["score_2"], group["parts"]["responses"]) for group in told["groups"]] == [("deniz@vefa.test", "0", 1, 1)]


@pytest.mark.django_db
def test_a_ticket_that_only_a_bot_answered_is_not_asked_about(office):
    solved(office, by="bot")
    row = Invitation.objects.get()
    assert (row.status, row.skip_reason, row.decision["value"]) == ("skipped", "condition", {"person_replied": False})


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["spam", "merged", "deleted"])
@pytest.mark.parametrize("queued", [False, True])
def test_a_ticket_that_is_gone_before_the_survey_leaves_is_not_asked_about(office, what, queued):
    ticket = solved(office)
    other, _new = tickets.open_ticket(account_id=office.boga.pk, now=office.solved_at)
    if queued:
        queue_due(as_of=office.solved_at + DAY, now=timezone.now())
    assert sweep()["withdrawn"] == 0
    if what == "spam":
        tickets.mark_spam(ticket_id=ticket.pk, actor=office.deniz, now=timezone.now())
    elif what == "merged":
        merging.merge(ticket_id=ticket.pk, into_id=other.pk, actor=office.deniz, now=timezone.now())
    else:
        Ticket.objects.filter(pk=ticket.pk).update(deleted_at=timezone.now())
    assert sweep()["withdrawn"] == 1
    assert sweep()["withdrawn"] == 0
    row = Invitation.objects.get()
    assert (row.status, row.skip_reason, row.decision["rule"]) == ("skipped", "ticket_gone", "ticket_gone")
    assert not OutgoingMail.objects.filter(kind="survey", status="queued").exists()


@pytest.mark.django_db
def test_a_test_ticket_is_never_asked_about_and_one_opened_again_in_time_neither(office):
    solved(office, test=True)
    assert not Invitation.objects.exists()
    ticket = solved(office)
    tickets.move_ticket(ticket_id=ticket.pk, to="open", actor=office.deniz, now=office.solved_at + HOUR)
    plan(as_of=office.solved_at + 2 * HOUR)
    assert Invitation.objects.get().skip_reason == "reopened"


@pytest.mark.django_db
def test_the_ledger_names_why_a_user_of_this_installation_is_not_asked(office, client):
    office.selin.email = office.deniz.email
    office.selin.save()
    solved(office)
    client.force_login(office.ada)
    page = client.get(reverse("surveys:decisions")).content.decode()
    assert "the address is one of a user here" in page
