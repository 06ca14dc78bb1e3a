"""Where a mail goes: its ticket, a new one, or a person's list. Twice is once, machines are never answered, nothing is lost."""

import base64
import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Contact, Installation, OutgoingMail
from tests.tickets.letters import BASE, incoming
from tickets.actions import messages, tickets
from tickets.actions.copies import add_copy
from tickets.actions.incoming_mail import place
from tickets.actions.merging import merge
from tickets.actions.reply_mails import reply_address
from tickets.models import Attachment, Ticket, TicketCopy, TicketLink, TicketMessage, UnsortedMessage
from tickets.queries.thread import thread

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _address(db):
    Installation.objects.update_or_create(pk=1, defaults={"ticket_address": BASE})


def opened(cast, **rest):
    return tickets.open_ticket(**{"account_id": cast.boga.pk, "subject": "Rota", "contact_id": cast.selin.pk, "channel": "email", "now": NOW - DAY, **rest})[0]


def took(mail=None, *, now=None, **rest):
    return place(mail=mail or incoming(**rest), source="mail:pipe", now=now or timezone.now())


def said(ticket):
    return list(TicketMessage.objects.filter(ticket=ticket).order_by("pk").values_list("author_kind", "contact__email", "body", "quoted"))


def waiting():
    return list(UnsortedMessage.objects.order_by("pk").values_list("why", "account__external_id", "contact__external_id", "ticket_id"))


def colleague(cast, address="emre@bogazici.test"):
    return Contact.objects.create(account=cast.boga, email=address, name="Emre Demir")


def test_a_known_person_opens_a_ticket(cast):
    placed = took(text="Merhaba,\nharita açılmıyor.\n\n-- \nSelin", files=(("../ekran.png", b"\x89PNG\r\n\x1a\nx"),), Cc="emre@bogazici.test, stranger@else.test")
    ticket = Ticket.objects.get()
    assert placed.outcome == "opened"
    assert (ticket.account, ticket.contact, ticket.subject, ticket.channel, ticket.severity, ticket.status) == (cast.boga, cast.selin, "Rota hatası", "email", None, "new")
    assert said(ticket) == [("customer", "selin@bogazici.test", "Merhaba,\nharita açılmıyor.", "-- \nSelin")]
    assert TicketMessage.objects.get().mail_id == "mail-1@bogazici.test"
    assert list(Attachment.objects.values_list("name", "media_type")) == [("ekran.png", "image/png")]
    assert not UnsortedMessage.objects.exists()


def test_colleagues_whom_the_mail_names_read_along_from_the_start(cast):
    emre = colleague(cast)
    took(Cc="Emre <EMRE@bogazici.test>, harry@northgate.test")
    assert list(TicketCopy.objects.values_list("contact", flat=True)) == [emre.pk]


@pytest.mark.parametrize("way", ["sign", "sign in capitals", "answer", "references", "id of ours", "number"])
def test_an_answer_finds_its_ticket(cast, way):
    ticket = opened(cast)
    messages.customer_reply(ticket_id=ticket.pk, body="ilk", mail_id="first@bogazici.test", now=NOW - DAY)
    messages.reply(ticket_id=ticket.pk, body="bakıyoruz", author=cast.deniz, now=NOW - DAY)
    ours = OutgoingMail.objects.get().pk
    how = {
        "sign": {"to": f"Vefa <{reply_address(ticket.pk)}>"},
        "sign in capitals": {"to": reply_address(ticket.pk).upper()},
        "answer": {"In_Reply_To": "<first@bogazici.test>"},
        "references": {"References": "<unknown@x> <first@bogazici.test> <other@x>"},
        "id of ours": {"In_Reply_To": f"<{ours}@some.relay.test>"},
        "number": {"subject": f"Ynt: Rota [#{ticket.pk}]"},
    }[way]
    assert took(text="oldu\n\n5.05.2025 10:00 tarihinde Vefa yazdı:\n> bakıyoruz", **how).outcome == "reply"
    assert said(ticket)[-1] == ("customer", "selin@bogazici.test", "oldu", "5.05.2025 10:00 tarihinde Vefa yazdı:\n> bakıyoruz")
    assert Ticket.objects.count() == 1


def test_an_answer_reopens_what_was_solved_and_wakes_what_waited(cast):
    for state in ("solved", "pending"):
        ticket = opened(cast)
        tickets.move_ticket(ticket_id=ticket.pk, to=state, now=NOW - DAY)
        assert took(to=reply_address(ticket.pk), number=state).outcome == "reply"
        ticket.refresh_from_db()
        assert ticket.status == "open"


def test_a_wrong_sign_and_a_strangers_number_lead_to_no_ticket(cast):
    ticket = opened(cast)
    wrong = reply_address(ticket.pk).replace(f"+t{ticket.pk}-", f"+t{ticket.pk}-a")[:-1]
    assert took(to=f"support+t{ticket.pk}-aaaaaaaaaaaa@help.vefa.test", sender="x@stranger.test", number=1).why == "stranger"
    assert took(to=wrong, sender="x@stranger.test", number=2).why == "stranger"
    assert took(subject=f"[#{ticket.pk}]", sender="harry@northgate.test", number=3).outcome == "opened"
    assert said(ticket) == []
    assert Ticket.objects.exclude(pk=ticket.pk).get().account == cast.north


def test_a_colleague_is_taken_and_put_in_copy_another_person_is_not(cast):
    ticket, emre = opened(cast), colleague(cast)
    assert took(to=reply_address(ticket.pk), sender="Emre <emre@bogazici.test>", number=1).outcome == "reply"
    assert list(TicketCopy.objects.values_list("contact", flat=True)) == [emre.pk]
    assert list(ticket.changes.filter(kind="copy").values_list("value", flat=True)) == ["emre@bogazici.test"]
    for number, sender in enumerate(("harry@northgate.test", "who@knows.test"), start=2):
        assert took(to=reply_address(ticket.pk), sender=sender, number=number).why == "other_person"
    assert [row[0] for row in waiting()] == ["other_person"] * 2
    assert {row[3] for row in waiting()} == {ticket.pk}
    assert len(said(ticket)) == 1


def test_a_merged_ticket_takes_it_to_its_survivor(cast):
    old, survivor = opened(cast), opened(cast)
    address = reply_address(old.pk)
    merge(ticket_id=old.pk, into_id=survivor.pk, now=NOW)
    placed = took(to=address)
    assert (placed.outcome, placed.ticket_id) == ("reply", survivor.pk)
    assert len(said(survivor)) == 1


@pytest.mark.parametrize("how", ["long solved", "long closed", "cancelled"])
def test_what_is_done_for_long_stays_and_a_linked_ticket_opens(cast, how):
    ticket = opened(cast, now=NOW - 60 * DAY)
    for step in {"long solved": ["solved"], "long closed": ["solved", "closed"], "cancelled": ["cancelled"]}[how]:
        tickets.move_ticket(ticket_id=ticket.pk, to=step, now=NOW - 29 * DAY)
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    assert took(to=reply_address(ticket.pk)).outcome == "opened"
    assert Ticket.objects.filter(pk=ticket.pk).values().get() == before
    link = TicketLink.objects.get()
    assert link.first_id == ticket.pk
    assert len(said(link.second)) == 1


def test_spam_and_deleted_tickets_take_nothing(cast):
    spam, gone = opened(cast), opened(cast)
    tickets.mark_spam(ticket_id=spam.pk, now=NOW)
    Ticket.objects.filter(pk=gone.pk).update(deleted_at=NOW)
    assert [took(to=reply_address(ticket.pk), number=ticket.pk).why for ticket in (spam, gone)] == ["finished", "finished"]
    assert not TicketMessage.objects.exists()


AUTOMATIC = {
    "vacation": {"Auto_Submitted": "auto-replied"},
    "generated": {"Auto_Submitted": "auto-generated; owner=x"},
    "bulk": {"Precedence": "bulk"},
    "junk": {"Precedence": "junk"},
    "list": {"List_Id": "<users.list.test>"},
    "autoreply": {"X_Autoreply": "yes"},
    "ours came back": {"X_Vefa_Ticket": "7"},
    "from the ticket address": {"sender": f"Vefa <{BASE}>"},
    "from a signed address": {"sender": "support+t7-abcdefghijkl@help.vefa.test"},
    "from our own sender": {"sender": "Vefa <vefa@localhost>"},
    "empty envelope": {"envelope_sender": ""},
    "empty envelope in brackets": {"envelope_sender": "<>"},
    "empty return path": {"Return_Path": "<>"},
    "daemon": {"sender": "Mail Delivery Subsystem <MAILER-DAEMON@mx.test>"},
    "out of office": {"subject": "Out of Office: Re: Rota"},
    "automatic": {"subject": "Automatic reply: Rota"},
    "otomatik": {"subject": "Otomatik yanıt: Rota hatası"},
    "ofis": {"subject": "Ofis Dışında Re: Rota"},
}


@pytest.mark.parametrize("how", AUTOMATIC)
def test_machines_open_and_change_nothing_and_get_no_answer(cast, settings, how):
    settings.DEFAULT_FROM_EMAIL = "Vefa <vefa@localhost>"
    ticket = opened(cast)
    tickets.move_ticket(ticket_id=ticket.pk, to="solved", now=NOW - DAY)
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    placed = took(**{"to": reply_address(ticket.pk), **AUTOMATIC[how]})
    assert (placed.why, waiting()[0][3]) == ("automatic", ticket.pk)
    assert Ticket.objects.filter(pk=ticket.pk).values().get() == before
    assert not TicketMessage.objects.exists()
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize(
    "how", [{"Auto_Submitted": "no"}, {"Precedence": "normal"}, {"subject": "Otomatik kapı çalışmıyor"}, {"subject": "Office 365"}, {"X_Auto_Response_Suppress": "OOF"}]
)
def test_people_are_not_taken_for_machines(cast, how):
    assert took(**how).outcome == "opened"


def test_our_reply_bounced_back_twenty_times_is_never_answered(cast):
    ticket = opened(cast)
    messages.reply(ticket_id=ticket.pk, body="bakıyoruz", author=cast.deniz, now=NOW - DAY)
    for number in range(20):
        took(to=reply_address(ticket.pk), sender="selin@bogazici.test", number=number, Auto_Submitted="auto-replied", subject=f"Re: Rota [#{ticket.pk}]")
    assert OutgoingMail.objects.count() == 1
    assert TicketMessage.objects.count() == 1
    assert {row[0] for row in waiting()} == {"automatic"}


def test_more_than_ten_mails_in_ten_minutes_are_a_loop(cast):
    ticket = opened(cast)
    outcomes = [took(to=reply_address(ticket.pk), number=number).outcome for number in range(12)]
    assert outcomes == ["reply"] * 10 + ["unsorted"] * 2
    assert {row[0] for row in waiting()} == {"loop"}
    assert took(sender="harry@northgate.test", number="h").outcome == "opened"
    assert took(to=reply_address(ticket.pk), number="later", now=timezone.now() + dt.timedelta(minutes=11)).outcome == "reply"


def test_a_stranger_waits_with_the_account_that_the_domain_suggests(cast):
    took(sender="New Person <new@bogazici.test>", number=1, files=(("a.txt", b"abc"),))
    took(sender="x@gmail.com", number=2)
    took(sender="y@nowhere.test", number=3)
    Contact.objects.create(account=cast.north, email="shared@bogazici.test")
    took(sender="z@bogazici.test", number=4)
    assert waiting() == [("stranger", "boga", None, None), *[("stranger", None, None, None)] * 3]
    row = UnsortedMessage.objects.order_by("pk").first()
    assert (row.sender_address, row.sender_name, row.subject, row.status) == ("new@bogazici.test", "New Person", "Rota hatası", "waiting")
    assert [base64.b64decode(file["data"]) for file in row.files] == [b"abc"]
    assert not Ticket.objects.exists()


def test_a_person_of_two_customers_and_marked_spam_wait_for_us(cast):
    assert took(spam=True, number=1).why == "unplaced"
    assert UnsortedMessage.objects.get().headers["X-Vefa-Spam"] == "yes"
    ticket = opened(cast)
    assert took(spam=True, number=2, to=reply_address(ticket.pk)).outcome == "reply"
    Contact.objects.create(account=cast.north, email="selin@bogazici.test")
    assert took(number=3).why == "unplaced"
    assert took(number=4, to=reply_address(ticket.pk)).outcome == "reply"


def test_html_alone_becomes_text(cast):
    took(text="", html="<p>Merhaba</p><script>alert(1)</script><p onclick=x()>çalışmıyor &lt;b&gt;</p><blockquote>eski</blockquote>")
    assert [(body, quoted) for _kind, _who, body, quoted in said(Ticket.objects.get())] == [("Merhaba\n\nçalışmıyor <b>", "> eski")]


def test_a_mail_without_words_keeps_its_subject(cast):
    took(text="\n", subject="Ekteki hata", number=1)
    took(text="", subject="", number=2)
    assert list(TicketMessage.objects.order_by("pk").values_list("body", flat=True)) == ["Ekteki hata", "—"]


def test_a_mail_of_ten_megabytes_waits_with_what_fits(cast):
    ticket = opened(cast)
    placed = took(text="uzun satır\n" * 1_000_000, to=reply_address(ticket.pk), files=(("küçük.txt", b"x"),), number=1)
    row = UnsortedMessage.objects.get()
    assert (placed.why, row.ticket_id, row.contact, len(row.body)) == ("too_large", ticket.pk, cast.selin, 1_000_000)
    assert row.headers["X-Vefa-Left-Out"].startswith("text (")
    assert [file["name"] for file in row.files] == ["küçük.txt"]
    took(files=(("dev.bin", b"x" * (10 * 1024 * 1024 + 1)), ("küçük.txt", b"y")), number=2)
    row = UnsortedMessage.objects.latest("pk")
    assert (row.why, row.body.strip(), [file["name"] for file in row.files]) == ("too_large", "Merhaba, çalışmıyor.", ["küçük.txt"])
    assert "dev.bin (10485761 B)" in row.headers["X-Vefa-Left-Out"]
    assert said(ticket) == []


def test_the_same_mail_again_is_known_whatever_way_it_comes(cast):
    ticket = opened(cast)
    for _ in range(2):
        took(to=reply_address(ticket.pk), number=1)
        took(number=2, sender="who@knows.test")
        took(number="", text="ohne Nummer")
    place(mail=incoming(to=f"x@y.test, {reply_address(ticket.pk)}", number=1), source="mail:postmark", now=timezone.now())
    assert len(said(ticket)) == 1
    assert UnsortedMessage.objects.count() == 1
    assert Ticket.objects.count() == 2
    # another sender cannot take a known id away from anybody
    assert took(number=1, sender="harry@northgate.test").outcome == "opened"


@pytest.mark.django_db(transaction=True)
def test_two_workers_place_a_mail_once(cast):
    Installation.objects.update_or_create(pk=1, defaults={"ticket_address": BASE})
    ready, outcomes = threading.Barrier(4), []

    def work():
        try:
            ready.wait()
            outcomes.append(took(number=1).outcome)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(outcomes) == ["known", "known", "known", "opened"]
    assert (Ticket.objects.count(), TicketMessage.objects.count()) == (1, 1)


def test_replies_leave_to_everybody_on_the_ticket_each_alone(client, cast):
    ticket, emre, gone = opened(cast), colleague(cast), colleague(cast, "gone@bogazici.test")
    took(to=reply_address(ticket.pk), number=1)
    for person in (emre, gone):
        add_copy(ticket_id=ticket.pk, contact_id=person.pk, now=NOW)
    Contact.objects.filter(pk=gone.pk).update(bounced_at=NOW)
    message, _new = messages.reply(ticket_id=ticket.pk, body="bakıyoruz", author=cast.deniz, now=timezone.now(), files=[("a.txt", b"abc")])
    rows = OutgoingMail.objects.filter(subject_id=str(message.pk)).order_by("to_address")
    assert [(row.to_address, row.status) for row in rows] == [("emre@bogazici.test", "queued"), ("gone@bogazici.test", "withheld"), ("selin@bogazici.test", "queued")]
    assert {row.reply_to for row in rows} == {reply_address(ticket.pk)}
    assert {row.headers["In-Reply-To"] for row in rows} == {"<mail-1@bogazici.test>"}
    assert message.mail_id.startswith(f"{rows.get(to_address='selin@bogazici.test').pk}@")
    [told] = [mail for entry in thread(ticket)[0] for mail in entry.undelivered]
    assert (told.to, told.said) == ("gone@bogazici.test", "withheld, the address bounced")
    client.force_login(cast.deniz)
    assert "Did not reach gone@bogazici.test: withheld, the address bounced" in client.get(f"/tickets/{ticket.pk}/").content.decode()
    assert "emre" not in str(rows.get(to_address="selin@bogazici.test").headers)


def test_without_an_address_of_tickets_replies_leave_without_a_way_back(cast):
    Installation.objects.update(ticket_address="")
    messages.reply(ticket_id=opened(cast).pk, body="x", author=cast.deniz, now=NOW)
    assert OutgoingMail.objects.get().reply_to == ""
    assert Account.objects.count() == 2
