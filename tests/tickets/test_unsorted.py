"""Messages that no rule could place: who sees them, what a person decides, and that nothing is lost on the way."""

import base64
import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import Account, Contact, Installation, OutgoingMail
from tests.tickets.letters import BASE, incoming
from tickets.actions import tickets
from tickets.actions.incoming_mail import place
from tickets.actions.merging import merge
from tickets.actions.reply_mails import reply_address
from tickets.actions.unsorted import AlreadyDecided, drop, forget_dropped, place_on_ticket
from tickets.models import Attachment, Ticket, TicketCopy, TicketMessage, UnsortedMessage

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LIST = "/tickets/unsorted/"


@pytest.fixture(autouse=True)
def _address(db):
    Installation.objects.update_or_create(pk=1, defaults={"ticket_address": BASE})


def stranger(number=1, sender="New Person <new@bogazici.test>", **rest):
    placed = place(mail=incoming("Merhaba\n\n> eski", sender=sender, number=number, files=(("a.txt", b"abc"),), **rest), source="mail:pipe", now=NOW)
    return UnsortedMessage.objects.get(pk=placed.unsorted_id)


def opened(cast):
    return tickets.open_ticket(account_id=cast.boga.pk, subject="Rota", contact_id=cast.selin.pk, channel="email", now=NOW)[0]


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (UnsortedMessage, Ticket, TicketMessage, Contact, TicketCopy)]


def post(client, user, row, what, **data):
    client.force_login(user)
    return client.post(f"{LIST}{row.pk}/{what}/", data)


def test_who_works_tickets_sees_those_of_the_own_book_and_some_see_strangers(client, cast):
    of_boga, of_nobody = stranger(1), stranger(2, sender="x@nowhere.test")
    seen = {}
    for name in ("ada", "mert", "elif_", "can", "deniz"):
        client.force_login(getattr(cast, name))
        page = client.get(LIST)
        assert page.status_code == 200
        seen[name] = {row.pk for row in page.context["page"].rows}
    both = {of_boga.pk, of_nobody.pk}
    assert seen == {"ada": both, "mert": both, "elif_": {of_boga.pk}, "can": set(), "deniz": both}
    client.force_login(cast.can)
    assert client.get(f"{LIST}{of_boga.pk}/").status_code == 404
    for user in (cast.vera, cast.ana):
        client.force_login(user)
        assert client.get(LIST).status_code == 404
    client.logout()
    assert client.get(LIST).status_code == 302


@pytest.mark.parametrize("what", ["place", "open", "drop", "back"])
def test_who_does_not_see_it_decides_nothing(client, cast, what):
    row, ticket = stranger(), opened(cast)
    before = everything()
    for user in (cast.can, cast.vera, cast.ana):
        assert post(client, user, row, what, ticket=ticket.pk, account=cast.boga.pk).status_code == 404
    client.logout()
    assert client.post(f"{LIST}{row.pk}/{what}/").status_code == 302
    client.force_login(cast.ada)
    assert client.get(f"{LIST}{row.pk}/{what}/").status_code == 405
    assert everything() == before


def test_a_message_goes_onto_a_ticket_and_its_sender_reads_along(client, cast):
    row, ticket = stranger(), opened(cast)
    assert post(client, cast.deniz, row, "place", ticket=f"#{ticket.pk}").headers["Location"] == f"/tickets/{ticket.pk}/"
    person = Contact.objects.get(email="new@bogazici.test")
    assert (person.account, person.name) == (cast.boga, "New Person")
    message = ticket.messages.get()
    assert (message.body, message.quoted, message.contact, message.mail_id) == ("Merhaba", "> eski", person, "mail-1@bogazici.test")
    assert [bytes(file.content.data) for file in Attachment.objects.filter(message=message)] == [b"abc"]
    assert TicketCopy.objects.get().contact == person
    row.refresh_from_db()
    assert (row.status, row.message, row.decided_by, row.body, row.files) == ("placed", message, cast.deniz, "", [])
    # the same mail once more is known, and nobody was written to
    assert place(mail=incoming("x", sender="new@bogazici.test"), source="mail:postmark", now=NOW).outcome == "known"
    assert not OutgoingMail.objects.exists()


def test_a_message_becomes_a_ticket_of_an_account(client, cast):
    row = stranger()
    answer = post(client, cast.elif_, row, "open", account=cast.boga.pk)
    ticket = Ticket.objects.get()
    assert answer.headers["Location"] == f"/tickets/{ticket.pk}/"
    assert (ticket.account, ticket.contact.email, ticket.subject, ticket.channel) == (cast.boga, "new@bogazici.test", "Rota hatası", "email")
    assert ticket.messages.get().body == "Merhaba"
    # the next mail of the person needs nobody
    assert place(mail=incoming(sender="new@bogazici.test", number=2), source="mail:pipe", now=NOW).outcome == "opened"


@pytest.mark.parametrize(("what", "data"), [("place", {"ticket": "99999"}), ("place", {"ticket": "x"}), ("place", {}), ("open", {"account": "99999"}), ("open", {})])
def test_a_choice_that_is_none_is_said_and_changes_nothing(client, cast, what, data):
    row = stranger()
    before = everything()
    answer = post(client, cast.deniz, row, what, **data)
    assert answer.status_code == 422
    assert b'role="alert"' in answer.content
    assert everything() == before


def test_other_books_cannot_be_chosen(client, cast):
    row, other = stranger(), tickets.open_ticket(account_id=cast.north.pk, subject="X", now=NOW)[0]
    before = everything()
    assert post(client, cast.elif_, row, "open", account=cast.north.pk).status_code == 422
    assert post(client, cast.elif_, row, "place", ticket=other.pk).status_code == 422
    assert everything() == before


def test_a_merged_ticket_is_refused_by_the_name_of_its_survivor(client, cast):
    row, old, survivor = stranger(), opened(cast), opened(cast)
    merge(ticket_id=old.pk, into_id=survivor.pk, now=NOW)
    before = everything()
    answer = post(client, cast.deniz, row, "place", ticket=old.pk)
    assert answer.status_code == 409
    assert f"#{survivor.pk}" in answer.content.decode()
    assert everything() == before


def test_what_was_dropped_can_be_brought_back(client, cast):
    row = stranger()
    answer = post(client, cast.mert, row, "drop")
    assert answer.headers["Location"] == f"{LIST}?dropped={row.pk}"
    page = client.get(answer.headers["Location"])
    assert page.context["undo"] == row
    assert page.context["page"].rows == []
    assert [found.pk for found in client.get(f"{LIST}?show=dropped").context["page"].rows] == [row.pk]
    assert post(client, cast.mert, row, "back").status_code == 302
    row.refresh_from_db()
    assert (row.status, row.decided_at, base64.b64decode(row.files[0]["data"])) == ("waiting", None, b"abc")


def test_a_second_decision_hears_of_the_first(client, cast):
    row, ticket = stranger(), opened(cast)
    place_on_ticket(unsorted_id=row.pk, ticket_id=ticket.pk, actor=cast.deniz, now=NOW)
    before = everything()
    for what in ("place", "open", "drop", "back"):
        assert post(client, cast.ada, row, what, ticket=ticket.pk, account=cast.boga.pk).headers["Location"] == f"/tickets/{ticket.pk}/"
    assert everything() == before
    with pytest.raises(AlreadyDecided):
        drop(unsorted_id=row.pk, actor=cast.ada, now=NOW)


def test_what_was_dropped_is_forgotten_after_a_month(cast):
    row, kept = stranger(1), stranger(2, sender="y@nowhere.test")
    drop(unsorted_id=row.pk, actor=cast.ada, now=NOW)
    assert forget_dropped(now=NOW + dt.timedelta(days=29)) == 0
    assert forget_dropped(now=NOW + dt.timedelta(days=31)) == 1
    assert forget_dropped(now=NOW + dt.timedelta(days=31)) == 0
    row.refresh_from_db()
    kept.refresh_from_db()
    assert (row.body, row.files, row.sender_address, row.headers) == ("", [], "", {})
    assert (kept.body, kept.status) == ("Merhaba\n\n> eski", "waiting")


def test_the_page_of_one_shows_it_as_text_and_finds_accounts(client, cast):
    placed = place(mail=incoming("<script>alert(1)</script>", sender="z@nowhere.test", subject="<b>x</b>"), source="mail:pipe", now=NOW)
    client.force_login(cast.ada)
    page = client.get(f"{LIST}{placed.unsorted_id}/?q=bogazici")
    text = page.content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert [account.pk for account in page.context["found"]] == [cast.boga.pk]


def test_the_list_reads_no_bytes_and_asks_little(client, cast, django_assert_max_num_queries):
    Account.objects.filter(pk=cast.north.pk).update(name="Other")
    for number in range(35):
        UnsortedMessage.objects.create(
            source="mail:x", external_id=str(number), why="stranger", received_at=NOW - dt.timedelta(minutes=number), body="x" * 1000, files=[{"name": "a"}]
        )
    client.force_login(cast.ada)
    with django_assert_max_num_queries(14):
        page = client.get(LIST)
    assert len(page.context["page"].rows) == 30
    assert {"body", "files"} <= page.context["page"].rows[0].get_deferred_fields()
    older = client.get(f"{LIST}?after={page.context['page'].next_after}")
    assert len(older.context["page"].rows) == 5
    queue = client.get("/tickets/")
    assert LIST in queue.content.decode()


def test_a_mail_to_a_ticket_suggests_it(client, cast):
    ticket = opened(cast)
    row = stranger(to=reply_address(ticket.pk), sender="who@knows.test")
    client.force_login(cast.deniz)
    shown = client.get(LIST).context["page"].rows[0]
    assert (shown.pk, shown.may_ticket, shown.may_at_once, row.why) == (row.pk, True, False, "other_person")


def test_what_a_machine_wrote_makes_nobody_a_contact_or_a_reader(client, cast):
    ticket, people = opened(cast), Contact.objects.count()
    row = stranger(to=reply_address(ticket.pk), sender="MAILER-DAEMON@mx.test")
    assert row.why == "automatic"
    assert post(client, cast.deniz, row, "place", ticket=ticket.pk).status_code == 302
    assert (Contact.objects.count(), TicketCopy.objects.count(), ticket.messages.count()) == (people, 0, 1)
