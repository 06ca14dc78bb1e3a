"""What is done beside the thread of a ticket: copies, canned replies, files, work, handle times."""

import datetime as dt
import json

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.actions.work_items import close_work_item, open_work_item
from accounts.models import Contact, WorkItem
from tests.api_client import ApiClient
from tickets import canned
from tickets.actions import messages, tickets
from tickets.actions.attachments import keep_files
from tickets.actions.copies import add_copy, remove_copy
from tickets.actions.merging import merge
from tickets.downloads import risk_of
from tickets.handling import handled, parse_length, spell_length
from tickets.models import Attachment, CannedReply, CannedReplyText, Interaction, Ticket, TicketChange, TicketCopy, TicketMessage, TicketWork
from tickets.templatetags.ticket_face import beginning, linked, rest

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
# who may read a ticket of Elif's account; only those of WRITES change it
READS = {"ada": True, "elif_": True, "deniz": True, "vera": True, "can": False, "ana": False}
WRITES = {"ada", "elif_", "deniz"}


@pytest.fixture
def emre(cast):
    return Contact.objects.create(external_id="emre", account=cast.boga, email="emre@bogazici.test", name="Emre Demir")


@pytest.fixture
def ours(cast):
    return tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject="İhracat hatası", body="500", channel="web", now=timezone.now())[0]


@pytest.fixture
def file(cast, ours):
    message, _new = messages.customer_reply(ticket_id=ours.pk, body="Ekte.", now=timezone.now())
    return keep_files(message=message, files=[("ekran görüntüsü.png", b"\x89PNG\r\n\x1a\n<script>")])[0]


def state():
    return [list(model.objects.order_by("pk").values()) for model in (Ticket, TicketChange, TicketCopy, TicketMessage, TicketWork, Interaction, WorkItem)]


def writes(ours, emre):
    """Address and form of every change beside the thread."""
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    return {
        "copy_add": ([ours.pk], {"contact": emre.pk}),
        "copy_remove": ([ours.pk], {"contact": emre.pk}),
        "contact": ([ours.pk], {"contact": ""}),
        "work": ([ours.pk], {"title": "Ara", "type": "risk", "date": tomorrow.isoformat()}),
        "handling": ([ours.pk], {"channel": "phone", "talk_seconds": "3:20"}),
        "test": ([ours.pk], {"on": "1"}),
        "unlink": ([ours.pk], {"other": ours.pk}),
    }


def reads(ours, file):
    item = open_work_item(account_id=ours.account_id, type="risk", reason="r", why={}, now=timezone.now(), due_at=timezone.now())[0]
    return [
        reverse("tickets:attachment", args=[file.pk]),
        reverse("tickets:of_work", args=[item.pk]),
        reverse("tickets:canned", args=[ours.pk, CannedReply.objects.get(shortcut="received").pk]),
    ]


@pytest.mark.parametrize("who", [None, *READS])
def test_only_those_who_work_on_the_ticket_change_what_stands_beside_it(client, cast, ours, emre, who):
    if who:
        client.force_login(getattr(cast, who))
    for name, (args, data) in writes(ours, emre).items():
        was = state()
        response = client.post(reverse(f"tickets:{name}", args=args), data)
        if who is None:
            assert response.url.startswith("/login/?next="), name
        elif who not in WRITES:
            assert response.status_code == (403 if READS[who] else 404), name
        else:
            assert response.status_code == 302, (name, response.content[:300])
        assert who in WRITES or state() == was, name


@pytest.mark.parametrize("who", [None, *READS])
def test_files_and_linked_tickets_are_seen_by_those_who_see_the_ticket(client, cast, ours, file, who):
    if who:
        client.force_login(getattr(cast, who))
    download, of_work, filled = reads(ours, file)
    statuses = [client.get(address).status_code for address in (download, of_work, filled)]
    if who is None:
        assert statuses == [302, 302, 302]
    else:
        assert statuses == ([200, 200, 200 if who in WRITES else 403] if READS[who] else [404, 404, 404])


# ── copies ──


def test_a_contact_in_copy_is_logged_and_comes_once(cast, ours, emre):
    now = timezone.now()
    assert add_copy(ticket_id=ours.pk, contact_id=emre.pk, actor=cast.deniz, now=now)[1] is True
    assert add_copy(ticket_id=ours.pk, contact_id=emre.pk, actor=cast.deniz, now=now)[1] is False
    assert remove_copy(ticket_id=ours.pk, contact_id=emre.pk, actor=cast.deniz, now=now) is True
    logged = TicketChange.objects.filter(ticket=ours, kind="copy").order_by("pk").values_list("value_before", "value")
    assert list(logged) == [("", "emre@bogazici.test"), ("emre@bogazici.test", "")]


def test_a_ticket_handed_to_another_person_is_logged_and_taken_back(client, cast, ours, emre):
    add_copy(ticket_id=ours.pk, contact_id=emre.pk, now=timezone.now())
    client.force_login(cast.deniz)
    done = client.post(reverse("tickets:contact", args=[ours.pk]), {"contact": emre.pk}, headers=HTMX)
    ours.refresh_from_db()
    assert (ours.contact, list(ours.copies.all())) == (emre, [])
    change = TicketChange.objects.get(ticket=ours, kind="contact")
    assert (change.value_before, change.value, change.actor) == ("selin@bogazici.test", "emre@bogazici.test", cast.deniz)
    client.post(json.loads(done["HX-Trigger"])["toast"]["undo"], headers=HTMX)
    ours.refresh_from_db()
    assert ours.contact == cast.selin
    was = state()
    assert client.post(reverse("tickets:contact", args=[ours.pk]), {"contact": cast.harry.pk}, headers=HTMX).status_code == 422
    assert state() == was


def test_nobody_of_another_account_nor_the_requester_is_put_in_copy(cast, ours):
    was = state()
    for contact in (cast.harry, cast.selin):
        with pytest.raises(ValidationError):
            add_copy(ticket_id=ours.pk, contact_id=contact.pk, now=timezone.now())
    api = ApiClient(cast.ada)
    assert api.post(f"/tickets/{ours.pk}/copies/", {"contact": "harry"}).status_code == 400
    assert state() == was


def test_a_merged_ticket_brings_its_people_and_its_work_along(client, cast, ours, emre):
    now = timezone.now()
    other = tickets.open_ticket(account_id=cast.boga.pk, contact_id=emre.pk, subject="Aynı hata", now=now)[0]
    client.force_login(cast.deniz)
    client.post(reverse("tickets:work", args=[other.pk]), {"title": "Ara", "type": "risk", "date": (timezone.localdate() + dt.timedelta(days=1)).isoformat()})
    merge(ticket_id=other.pk, into_id=ours.pk, actor=cast.deniz, now=now)
    assert [copy.contact for copy in TicketCopy.objects.filter(ticket=ours)] == [emre]
    assert TicketWork.objects.get().ticket == ours


# ── canned replies ──


def test_placeholders_are_filled_once_and_missing_ones_close_their_gap():
    text = 'Merhaba {first_name}, {contact|dear customer}: #{ticket} { } {{x}} {"a": 1}'
    assert canned.fill(text, {"first_name": "{agent}", "ticket": "7"}) == ('Merhaba {agent}, dear customer: #7 { } {{x}} {"a": 1}', ())
    assert canned.fill("Hello {first_name},\n{agent}", {"agent": "Deniz\r\nBcc: x"}) == ("Hello,\nDeniz Bcc: x", ("first_name",))


def test_the_language_is_the_contacts_then_the_nearest_there_is():
    assert canned.language_for(["tr-CY", "en"], ["en", "tr"]) == "tr"
    assert canned.language_for(["de"], ["en", "tr"]) == "en"
    assert canned.language_for(["de"], ["tr"]) == "tr"
    assert canned.language_for(["de"], []) is None


def test_a_placeholder_that_does_not_exist_is_refused_by_name(client, cast):
    with pytest.raises(ValidationError) as refusal:
        CannedReplyText(reply=CannedReply.objects.first(), language="tr", body="Merhaba {isim}").full_clean()
    assert "{isim}" in str(refusal.value)
    client.force_login(cast.ada)
    form = {"name": "x", "shortcut": "x", "active": "on", "texts-TOTAL_FORMS": "1", "texts-INITIAL_FORMS": "0", "texts-0-language": "tr", "texts-0-body": "Merhaba {isim}"}
    refused = client.post(reverse("admin:tickets_cannedreply_add"), form)
    assert refused.status_code == 200
    assert "{isim}" in refused.content.decode()
    assert not CannedReply.objects.filter(shortcut="x").exists()


def test_a_canned_reply_comes_in_the_contacts_language_with_its_values(client, cast, ours):
    client.force_login(cast.deniz)
    taken = client.get(reverse("tickets:canned", args=[ours.pk, CannedReply.objects.get(shortcut="received").pk])).content.decode()
    assert f"Merhaba Selin,\n\nbize yazdığınız için teşekkür ederiz. #{ours.pk} numaralı" in taken
    assert 'data-missing=""' in taken
    assert client.get(reverse("tickets:canned", args=[ours.pk, 999999])).status_code == 404


def test_shipped_replies_have_both_languages_and_only_known_placeholders():
    shipped = CannedReplyText.objects.filter(reply__shortcut__in=["received", "more", "solved", "call"])
    assert {(text.reply.shortcut, text.language) for text in shipped} == {(name, language) for name in ("received", "more", "solved", "call") for language in ("en", "tr")}
    assert not [text for text in shipped if canned.unknown(text.body)]
    assert {reply.name for reply in CannedReply.objects.all()} == {str(name) for name in canned.SHIPPED_NAMES}


# ── messages and files ──


def test_a_file_is_always_a_download_that_runs_nothing(client, cast, file):
    client.force_login(cast.deniz)
    response = client.get(reverse("tickets:attachment", args=[file.pk]))
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''ekran%20g%C3%B6r%C3%BCnt%C3%BCs%C3%BC.png"
    assert (response["Content-Type"], response["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert {"sandbox", "default-src 'none'"} <= set(response["Content-Security-Policy"].split("; "))
    assert "script-src" not in response["Content-Security-Policy"]
    Attachment.objects.filter(pk=file.pk).update(media_type="text/html", name='a"\r\nSet-Cookie: x.html')
    response = client.get(reverse("tickets:attachment", args=[file.pk]))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert "Set-Cookie" not in response.headers


def test_the_api_lists_files_and_hands_them_out(cast, ours, file):
    api = ApiClient(cast.deniz)
    told = api.get(f"/tickets/{ours.pk}/messages/").json()["results"][-1]["attachments"]
    assert [(one["name"], one["media_type"], one["size"]) for one in told] == [("ekran görüntüsü.png", "image/png", 16)]
    assert api.get(told[0]["url"].replace("/api/v1", "", 1).removeprefix("http://testserver")).content == b"\x89PNG\r\n\x1a\n<script>"


def test_a_reply_takes_several_files_and_refuses_too_large_ones_with_the_text_kept(client, cast, ours):
    client.force_login(cast.deniz)
    data = {"body": "Ekte.", "kind": "internal", "version": ours.version}
    small = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.pdf", b"%PDF-1.7")]
    assert client.post(reverse("tickets:reply", args=[ours.pk]), {**data, "attachments": small}).status_code == 302
    assert list(Attachment.objects.values_list("name", "media_type")) == [("a.txt", "text/plain"), ("b.pdf", "application/pdf")]
    was = state()
    large = SimpleUploadedFile("büyük.bin", b"x" * (10 * 1024 * 1024 + 1))
    refused = client.post(reverse("tickets:reply", args=[ours.pk]), {**data, "version": "", "attachments": [large]}, headers=HTMX)
    assert refused.status_code == 422
    assert all(words in refused.content.decode() for words in ("büyük.bin", "Ekte."))
    assert state() == was


def test_a_message_of_ten_megabytes_is_refused_and_its_text_kept(client, cast, ours):
    client.force_login(cast.deniz)
    was = state()
    refused = client.post(reverse("tickets:reply", args=[ours.pk]), {"body": "uzun " * 2_000_000, "kind": "public"}, headers=HTMX)
    assert refused.status_code == 422
    assert "100000" in refused.content.decode()
    assert refused.content.count(b"uzun ") > 1_999_000
    assert ApiClient(cast.deniz).post(f"/tickets/{ours.pk}/messages/", {"body": "x" * 100_001}).status_code == 400
    assert state() == was


def test_what_people_write_is_text_with_links_and_never_html():
    assert linked('<img src=x onerror=alert(1)> http://a.example/?a=1&b="x') == (
        '&lt;img src=x onerror=alert(1)&gt; <a class="link" href="http://a.example/?a=1&amp;b=" rel="noopener noreferrer nofollow ugc" target="_blank">'
        "http://a.example/?a=1&amp;b=</a>&quot;x"
    )
    assert "<a" not in linked("javascript:alert(1) ftp://x data:text/html,x")
    assert 'href="https://a.example/(b)"' in linked("(https://a.example/(b)).")
    long = "satır\n" * 5_000
    assert beginning(long) + rest(long) == long
    assert rest("kısa") == ""


def test_programs_and_files_that_lie_are_marked():
    assert risk_of("Rechnung.pdf.exe", "application/octet-stream") == "runs"
    assert risk_of("fatura.pdf", "text/plain") == "lies"
    assert risk_of("fatura.pdf", "application/pdf") == risk_of("README", "text/plain") == ""


def test_a_reply_to_a_ticket_merged_meanwhile_shows_the_survivor_with_the_text(client, cast, ours):
    other = tickets.open_ticket(account_id=cast.boga.pk, subject="Aynı hata", now=timezone.now())[0]
    merge(ticket_id=ours.pk, into_id=other.pk, now=timezone.now())
    client.force_login(cast.deniz)
    was = state()
    response = client.post(reverse("tickets:reply", args=[ours.pk]), {"body": "Uzun yanıt", "kind": "public", "version": ours.version}, headers=HTMX)
    shown = response.content.decode()
    assert (response.status_code, response["HX-Push-Url"]) == (409, reverse("tickets:ticket", args=[other.pk]))
    assert "Uzun yanıt" in shown
    assert reverse("tickets:reply", args=[other.pk]) in shown
    assert state() == was


def test_a_change_is_taken_back_by_the_address_in_its_toast(client, cast, ours):
    client.force_login(cast.deniz)
    for name, data, column, before in (("escalate", {"on": "1"}, "escalated", False), ("test", {"on": "1"}, "test", False), ("severity", {"severity": "4"}, "severity", None)):
        done = client.post(reverse(f"tickets:{name}", args=[ours.pk]), data, headers=HTMX)
        ours.refresh_from_db()
        assert getattr(ours, column) != before
        undo = json.loads(done["HX-Trigger"])["toast"]["undo"]
        assert "ticket-changed" in client.post(undo, headers=HTMX)["HX-Trigger"]
        ours.refresh_from_db()
        assert getattr(ours, column) == before


# ── work ──


def test_a_ticket_made_work_is_linked_and_closing_one_leaves_the_other(client, cast, ours):
    client.force_login(cast.deniz)
    day = timezone.localdate() + dt.timedelta(days=2)
    answer = client.post(reverse("tickets:work", args=[ours.pk]), {"title": "Müşteriyi ara", "type": "risk", "date": day.isoformat()}, headers=HTMX)
    assert "close-dialog" in answer["HX-Trigger"]
    item = WorkItem.objects.get()
    assert (item.title, item.owner, item.contact, item.subject_type, item.subject_id) == ("Müşteriyi ara", cast.elif_, cast.selin, "ticket", str(ours.pk))
    assert item.why == {"key": "from_ticket", "values": {"ticket": ours.pk}}
    close_work_item(item_id=item.pk, actor=cast.elif_, now=timezone.now(), outcome="Konuştuk")
    ours.refresh_from_db()
    assert ours.status == "new"
    assert "Konuştuk" in client.get(reverse("tickets:ticket", args=[ours.pk])).content.decode()
    past = client.post(reverse("tickets:work", args=[ours.pk]), {"title": "x", "type": "risk", "date": "2020-01-01"}, headers=HTMX)
    assert past.status_code == 422
    assert WorkItem.objects.count() == 1


def test_work_becomes_a_ticket_and_each_shows_the_other(client, cast):
    now = timezone.now()
    item = open_work_item(account_id=cast.boga.pk, contact_id=cast.selin.pk, type="risk", reason="r", title="Fatura sorunu", why={}, now=now, due_at=now)[0]
    client.force_login(cast.elif_)
    assert reverse("tickets:of_work", args=[item.pk]) in client.get(reverse("accounts:work_item", args=[item.pk])).content.decode()
    address = f"{reverse('tickets:new')}?work={item.pk}"
    assert 'value="Fatura sorunu"' in client.get(address).content.decode()
    made = client.post(address, {"subject": "Fatura sorunu", "contact": cast.selin.pk, "created_by_kind": "agent", "channel": "email", "body": "Bakalım"})
    ticket = Ticket.objects.get()
    assert made.url == reverse("tickets:ticket", args=[ticket.pk])
    assert (TicketWork.objects.get().work_item, TicketWork.objects.get().ticket_first) == (item, False)
    assert f"#{ticket.pk}" in client.get(reverse("tickets:of_work", args=[item.pk])).content.decode()
    assert reverse("accounts:work_item", args=[item.pk]) in client.get(made.url).content.decode()
    client.force_login(cast.can)
    assert client.get(address).status_code == 404


# ── handle time ──


def test_lengths_are_read_as_people_write_them():
    assert [parse_length(text) for text in ("12", "12:30", "1:02:03", "90", "0:05")] == [720, 750, 3723, 5400, 5]
    assert [spell_length(seconds) for seconds in (5, 750, 3723)] == ["0:05", "12:30", "1:02:03"]
    for wrong in ("", "x", "1:60", "1:2:3:4", "-1", "1.5"):
        with pytest.raises(ValueError, match=wrong or None):
            parse_length(wrong)


def test_handle_time_counts_the_clocks_of_its_channel_alone():
    every = {"talk_seconds": 100, "hold_seconds": 20, "wrap_seconds": 30, "session_seconds": 500, "follow_up_seconds": 7, "work_seconds": 9}
    assert [handled(channel, every) for channel in ("phone", "chat", "email", "web", "social")] == [150, 507, 9, 9, 9]
    assert handled("phone", {"session_seconds": 5}) is None


def test_times_are_noted_by_hand_summed_and_taken_back_by_whoever_noted_them(client, cast, ours):
    client.force_login(cast.deniz)
    note = reverse("tickets:handling", args=[ours.pk])
    # times of another channel that the form still holds are left out
    shown = client.post(note, {"channel": "phone", "talk_seconds": "3:20", "wrap_seconds": "1", "work_seconds": ""}, headers=HTMX).content.decode()
    assert "4:20" in shown
    noted = Interaction.objects.get()
    assert (noted.agent, noted.talk_seconds, noted.wrap_seconds, noted.account) == (cast.deniz, 200, 60, cast.boga)
    for wrong in ({"channel": "phone", "talk_seconds": "lange"}, {"channel": "email", "work_seconds": ""}, {"channel": "email", "work_seconds": "30:00:00"}):
        refused = client.post(note, wrong, headers=HTMX)
        assert refused.status_code == 422
        assert b'role="alert"' in refused.content
    assert Interaction.objects.count() == 1
    forget = reverse("tickets:handling_forget", args=[ours.pk, noted.pk])
    client.force_login(cast.elif_)
    assert client.post(forget).status_code == 404
    client.force_login(cast.deniz)
    client.post(forget)
    assert not Interaction.objects.exists()


def test_the_api_notes_a_contact_once_and_refuses_clocks_of_another_channel(cast, ours):
    api, body = ApiClient(cast.deniz), {"channel": "phone", "talk_seconds": 60, "hold_seconds": 5, "external_id": "call-1"}
    first = api.post(f"/tickets/{ours.pk}/interactions/", body)
    assert (first.status_code, first.json()["handled_seconds"], first.json()["agent_email"]) == (201, 65, "deniz@vefa.test")
    assert api.post(f"/tickets/{ours.pk}/interactions/", body).status_code == 200
    for wrong in ({"channel": "email", "talk_seconds": 5}, {"channel": "phone"}, {"channel": "fax", "work_seconds": 5}, {"channel": "chat", "session_seconds": 90_000}):
        assert api.post(f"/tickets/{ours.pk}/interactions/", wrong).status_code == 400
    assert Interaction.objects.count() == 1
