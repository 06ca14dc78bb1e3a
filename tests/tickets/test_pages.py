"""The pages: who sees what, what a refusal leaves as it was, and how few queries the queue takes."""

import datetime as dt

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountEvent, Cover, OutgoingMail
from tickets.actions import messages, tickets
from tickets.models import ServiceLevel, Ticket, TicketChange, TicketMessage
from tickets.models.tickets import next_due
from tickets.queries import view_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours(cast):
    return tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject="İhracat hatası", body="500 <b>veriyor</b>", channel="web", now=timezone.now())[0]


@pytest.fixture
def theirs(cast):
    return tickets.open_ticket(account_id=cast.north.pk, contact_id=cast.harry.pk, subject="Export broken", now=timezone.now())[0]


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Ticket, TicketChange, TicketMessage, AccountEvent, OutgoingMail)]


READ = {
    "queue": lambda ticket: reverse("tickets:queue"),
    "ticket": lambda ticket: reverse("tickets:ticket", args=[ticket.pk]),
    "panel": lambda ticket: reverse("tickets:account_panel", args=[ticket.account_id]),
    "new": lambda ticket: reverse("tickets:new"),
    "new for an account": lambda ticket: f"{reverse('tickets:new')}?account={ticket.account_id}",
}
WRITE = {
    "reply": {"body": "Bakıyoruz.", "kind": "public"},
    "move": {"status": "pending"},
    "assign": {"assignee": ""},
    "severity": {"severity": "4"},
    "category": {"category": "bug"},
    "escalate": {"on": "1"},
    "spam": {"on": "1"},
    "link": {"other": "1"},
    "merge": {"other": "1"},
}
# who may read and who may write a ticket of Elif's account
READS = {"ada": True, "mert": True, "elif_": True, "deniz": True, "vera": True, "can": False, "ana": False}
WRITES = {"ada", "mert", "elif_", "deniz"}


@pytest.mark.parametrize("page", READ)
def test_a_stranger_is_led_to_the_login(client, cast, ours, page):
    response = client.get(READ[page](ours))
    assert response.status_code == 302
    assert response.url.startswith("/login/?next=")


@pytest.mark.parametrize("change", WRITE)
def test_a_stranger_changes_nothing(client, cast, ours, change):
    was = everything()
    response = client.post(reverse(f"tickets:{change}", args=[ours.pk]), WRITE[change])
    assert response.status_code == 302
    assert response.url.startswith("/login/?next=")
    assert everything() == was


@pytest.mark.parametrize("who", READS)
@pytest.mark.parametrize("page", ["ticket", "panel"])
def test_a_ticket_is_seen_by_those_who_see_the_account_and_by_agents(client, cast, ours, who, page):
    client.force_login(getattr(cast, who))
    assert client.get(READ[page](ours)).status_code == (200 if READS[who] else 404)


@pytest.mark.parametrize("who", READS)
def test_the_queue_holds_what_the_reader_may_see(client, cast, ours, theirs, who):
    client.force_login(getattr(cast, who))
    response = client.get(reverse("tickets:queue"), {"view": "all"})
    if who == "ana":
        assert response.status_code == 404
        return
    shown = {row.ticket.pk for row in response.context["page"].rows}
    assert shown == {"mert": {ours.pk}, "elif_": {ours.pk}, "can": {theirs.pk}}.get(who, {ours.pk, theirs.pk})


def test_a_substitute_sees_the_tickets_of_the_absent(client, cast, ours):
    now = timezone.now()
    Cover.objects.create(absent=cast.elif_, substitute=cast.can, starts_at=now - dt.timedelta(hours=1), ends_at=now + dt.timedelta(hours=1))
    client.force_login(cast.can)
    assert client.get(READ["ticket"](ours)).status_code == 200


@pytest.mark.parametrize("who", READS)
@pytest.mark.parametrize("change", WRITE)
def test_only_those_who_work_on_tickets_change_them(client, cast, ours, who, change):
    other = tickets.open_ticket(account_id=cast.boga.pk, subject="Other", now=timezone.now())[0]
    data = {**WRITE[change], "version": ours.version}
    if "other" in data:
        data["other"] = other.pk
    client.force_login(getattr(cast, who))
    was = everything()
    response = client.post(reverse(f"tickets:{change}", args=[ours.pk]), data)
    assert response.status_code == (302 if who in WRITES else 403 if READS[who] else 404)
    if who not in WRITES:
        assert everything() == was
    elif change not in {"assign", "link"}:
        assert everything() != was


@pytest.mark.parametrize("change", WRITE)
def test_reading_never_changes_anything(client, cast, ours, change):
    client.force_login(cast.deniz)
    was = everything()
    assert client.get(reverse(f"tickets:{change}", args=[ours.pk])).status_code == 405
    for page in READ.values():
        client.get(page(ours))
    assert everything() == was


@pytest.mark.parametrize(("who", "status"), [("ada", 302), ("elif_", 302), ("deniz", 302), ("vera", 403), ("can", 404), ("ana", 404)])
def test_a_ticket_is_opened_by_those_who_see_the_account_and_work_on_tickets(client, cast, ours, who, status):
    client.force_login(getattr(cast, who))
    was = Ticket.objects.count()
    data = {"subject": "Fatura", "channel": "phone", "created_by_kind": "customer", "severity": "2", "contact": cast.selin.pk, "assignee": cast.deniz.pk, "body": "Yanlış"}
    response = client.post(READ["new for an account"](ours), data)
    assert response.status_code == status
    assert Ticket.objects.count() - was == (status == 302)
    if status == 302:
        made = Ticket.objects.latest("pk")
        assert (made.account, made.contact, made.severity, made.assignee, made.channel) == (cast.boga, cast.selin, 2, cast.deniz, "phone")
        assert response.url == made.get_absolute_url()


def test_a_contact_of_another_account_cannot_be_chosen_and_what_was_typed_stays(client, cast, ours):
    client.force_login(cast.ada)
    was = everything()
    response = client.post(READ["new for an account"](ours), {"subject": "Fatura", "channel": "phone", "created_by_kind": "customer", "contact": cast.harry.pk})
    assert response.status_code == 422
    assert b"Fatura" in response.content
    assert everything() == was


def test_choosing_the_account_comes_first(client, cast, ours):
    client.force_login(cast.elif_)
    response = client.get(reverse("tickets:new"), {"q": "BOGAZICI"})
    assert [account.pk for account in response.context["found"]] == [cast.boga.pk]
    assert list(client.get(reverse("tickets:new"), {"q": "north"}).context["found"]) == []


def test_a_reply_that_solves_is_one_step(client, cast, ours):
    client.force_login(cast.deniz)
    client.post(reverse("tickets:reply", args=[ours.pk]), {"body": "Düzeldi.", "kind": "public", "solve": "1", "version": ours.version})
    ours.refresh_from_db()
    assert (ours.status, ours.assignee, ours.messages.last().body) == ("solved", cast.deniz, "Düzeldi.")
    assert AccountEvent.objects.filter(kind="ticket.solved").count() == 1
    assert OutgoingMail.objects.get().to_address == "selin@bogazici.test"


def test_a_note_solves_nothing_and_leaves_no_mail(client, cast, ours):
    client.force_login(cast.deniz)
    client.post(reverse("tickets:reply", args=[ours.pk]), {"body": "Kızgın.", "kind": "internal", "solve": "1", "version": ours.version})
    ours.refresh_from_db()
    assert (ours.status, ours.messages.last().public) == ("new", False)
    assert not OutgoingMail.objects.exists()


def test_a_change_by_htmx_brings_back_the_part_and_says_what_happened(client, cast, ours):
    client.force_login(cast.deniz)
    response = client.post(reverse("tickets:severity", args=[ours.pk]), {"severity": "4", "version": ours.version}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert response.content.lstrip().startswith(b'<div id="ticket">')
    assert b"<html" not in response.content
    assert "toast" in response.headers["HX-Trigger"]


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_stale_page_is_told_and_keeps_what_was_typed(client, cast, ours, headers):
    tickets.set_severity(ticket_id=ours.pk, severity=3, now=timezone.now())
    was = everything()
    client.force_login(cast.deniz)
    response = client.post(reverse("tickets:reply", args=[ours.pk]), {"body": "Uzun bir yanıt", "kind": "public", "version": 1}, headers=headers)
    assert response.status_code == 409
    assert "Uzun bir yanıt" in response.content.decode()
    assert everything() == was


@pytest.mark.parametrize(
    ("change", "data", "status"),
    [
        ("move", {"status": "closed"}, 409),
        ("move", {"status": "gone"}, 422),
        ("reply", {"body": "  ", "kind": "public"}, 422),
        ("severity", {"severity": "9"}, 422),
        ("link", {"other": "x"}, 422),
        ("merge", {"other": "999999"}, 422),
        ("assign", {"assignee": "999999"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(client, cast, ours, change, data, status):
    client.force_login(cast.deniz)
    was = everything()
    response = client.post(reverse(f"tickets:{change}", args=[ours.pk]), {**data, "version": ours.version}, headers={"HX-Request": "true"})
    assert response.status_code == status
    assert b'role="alert"' in response.content
    assert everything() == was


def test_a_ticket_out_of_sight_can_neither_be_linked_nor_merged_into(client, cast, ours, theirs):
    client.force_login(cast.elif_)
    was = everything()
    for change in ("link", "merge"):
        assert client.post(reverse(f"tickets:{change}", args=[ours.pk]), {"other": theirs.pk, "version": ours.version}).status_code == 422
    assert everything() == was
    assert not ours.links_forward.exists()


def test_a_merged_ticket_leads_to_its_survivor(client, cast, ours):
    other = tickets.open_ticket(account_id=cast.boga.pk, subject="Same", now=timezone.now())[0]
    client.force_login(cast.deniz)
    response = client.post(reverse("tickets:merge", args=[other.pk]), {"other": ours.pk, "version": 1})
    assert response.url == ours.get_absolute_url()
    assert client.get(other.get_absolute_url()).url == ours.get_absolute_url()


def test_what_customers_write_is_shown_as_text(client, cast, ours):
    client.force_login(cast.deniz)
    shown = client.get(ours.get_absolute_url()).content.decode()
    assert "500 &lt;b&gt;veriyor&lt;/b&gt;" in shown
    assert " style=" not in shown
    assert "hx-on" not in shown


def test_tabs_hold_what_they_say(client, cast, ours, theirs):
    now = timezone.now()
    ServiceLevel.objects.create(severity=4, first_reply_seconds=60)
    tickets.assign(ticket_id=theirs.pk, assignee=cast.deniz, now=now)
    overdue = tickets.open_ticket(account_id=cast.boga.pk, subject="Old", severity=4, opened_at=now - dt.timedelta(hours=2), now=now)[0]
    tickets.move_ticket(ticket_id=ours.pk, to="solved", now=now)
    client.force_login(cast.deniz)

    def tab(**query):
        return [row.ticket.pk for row in client.get(reverse("tickets:queue"), query).context["page"].rows]

    assert tab() == [theirs.pk]
    assert tab(view="mine") == [theirs.pk]
    assert tab(view="unassigned") == [overdue.pk]
    assert tab(view="late") == [overdue.pk]
    assert tab(view="open") == [overdue.pk, theirs.pk]
    assert set(tab(view="all")) == {ours.pk, theirs.pk, overdue.pk}
    assert tab(view="all", status="solved") == [ours.pk]
    assert tab(view="open", severity="4") == [overdue.pk]
    assert tab(view="all", q="BOĞAZİÇİ") == [ours.pk, overdue.pk]
    assert tab(view="all", q="ihracat") == [ours.pk]
    assert tab(view="all", q=f"#{theirs.pk}") == [theirs.pk]
    assert set(tab(view="nonsense", severity="x", status="gone", after="rubbish")) == {overdue.pk, theirs.pk}


@pytest.mark.parametrize("view", ["open", "all"])
def test_pages_follow_each_other_without_gap_or_repetition(client, cast, view):
    now = timezone.now()
    ServiceLevel.objects.create(severity=3, resolution_seconds=3600)
    made = {
        tickets.open_ticket(account_id=cast.boga.pk, subject=str(n), severity=3 if n % 3 else None, opened_at=now - dt.timedelta(minutes=n // 2), now=now)[0].pk for n in range(120)
    }
    client.force_login(cast.vera)
    seen, query = [], f"view={view}"
    for _page in range(3):
        context = client.get(f"{reverse('tickets:queue')}?{query}").context
        seen += [row.ticket.pk for row in context["page"].rows]
        query = context["next_query"]
    assert query == ""
    assert len(seen) == 120
    assert set(seen) == made


@pytest.mark.parametrize("who", ["deniz", "elif_", "mert", "vera"])
def test_the_queue_takes_at_most_nine_queries_however_long_it_is(client, cast, django_assert_max_num_queries, who):
    for number in range(60):
        tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject=str(number), assignee=cast.deniz, now=timezone.now())
    client.force_login(getattr(cast, who))
    for words in ({}, {"q": "boğaziçi"}):
        with django_assert_max_num_queries(9):
            assert len(client.get(reverse("tickets:queue"), {"view": "open", **words}).context["page"].rows) == 50


def test_the_order_of_the_queue_is_read_from_its_index(cast):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        plan = view_of("open", cast.ada, timezone.now()).annotate(due=next_due()).order_by("due", "pk")[:51].explain()
    assert "ticket_by_due" in plan


def test_a_ticket_page_takes_the_same_queries_for_a_long_thread(client, cast, ours, django_assert_max_num_queries):
    for number in range(40):
        messages.reply(ticket_id=ours.pk, body=str(number), author=cast.deniz if number % 2 else cast.mert, public=number % 3 == 0, now=timezone.now())
    client.force_login(cast.deniz)
    with django_assert_max_num_queries(26):
        assert client.get(ours.get_absolute_url()).status_code == 200


def test_the_pages_speak_turkish_to_a_turkish_reader(client, cast, ours):
    cast.deniz.language = "tr"
    cast.deniz.save()
    client.force_login(cast.deniz)
    for page in READ.values():
        assert client.get(page(ours)).status_code == 200
