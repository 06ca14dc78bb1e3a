"""An offer made by a mail of the outbox: seen first, sent after a moment, taken back in it, a touch once it left, open again where it did not."""

import datetime as dt

import pytest
from django.test import Client

from accounts.actions.offer_mails import CannotWrite, LeftAlready, send_offer, take_offer_back
from accounts.actions.offers import NotOpen, save_offer
from accounts.models import AccountEvent, Contact, Installation, OfferMatch, OutgoingMail
from tests.accounts.plan_builders import NOW
from tests.accounts.test_offers import TERMS
from tests.accounts.test_playbook_outward import inbox, send  # noqa: F401 - a mail server
from tests.surveys.pressing import everything

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = dt.timedelta(seconds=1)
TEXT = {"subject": "Less typing", "body": "Merhaba Selin,\n\ndaha az yazma.\n\nElif"}


@pytest.fixture
def match(cast):
    offer = save_offer(offer_id=None, version=0, terms=TERMS, now=NOW)
    return OfferMatch.objects.create(offer=offer, account=cast.boga, matched_at=NOW)


def state(match):
    match.refresh_from_db()
    return match.status


def make(match, cast, **more):
    return send_offer(**{"match_id": match.pk, "contact": cast.selin, **TEXT, "actor": cast.elif_, "now": NOW, **more})


def test_it_leaves_after_its_moment_once_and_is_a_touch_only_then(cast, match, inbox):  # noqa: F811
    make(match, cast)
    assert (state(match), match.sent_by, match.contact) == ("sent", cast.elif_, cast.selin)
    OutgoingMail.objects.update(next_attempt_at=dt.datetime.now(dt.UTC) + 30 * SECOND)
    assert send(dt.datetime.now(dt.UTC)) == {}
    assert not AccountEvent.objects.filter(kind="touch.logged").exists()
    later = dt.datetime.now(dt.UTC) + 31 * SECOND
    OutgoingMail.objects.update(valid_until=None)
    assert send(later) == {"sent": 1}
    assert send(later) == {}
    [letter] = inbox
    assert (letter["To"], letter["Subject"], "Elif" in letter["Reply-To"], letter["List-Unsubscribe-Post"]) == (
        "selin@bogazici.test",
        "Less typing",
        True,
        "List-Unsubscribe=One-Click",
    )
    assert "daha az yazma." in letter.get_content()
    [touch] = AccountEvent.objects.filter(kind="touch.logged")
    assert (touch.actor, touch.contact, touch.payload["channel"]) == (cast.elif_, cast.selin, "mail")
    with pytest.raises(LeftAlready):
        take_offer_back(match_id=match.pk, now=NOW)
    assert state(match) == "sent"


def test_taken_back_in_its_moment_nothing_leaves_and_it_can_be_sent_again(cast, match, inbox):  # noqa: F811
    make(match, cast)
    take_offer_back(match_id=match.pk, now=NOW)
    assert (state(match), OutgoingMail.objects.get().status) == ("open", "aborted")
    make(match, cast)
    with pytest.raises(NotOpen):
        make(match, cast)
    OutgoingMail.objects.update(valid_until=None)
    assert send(dt.datetime.now(dt.UTC) + dt.timedelta(days=900)) == {"sent": 1}
    assert len(inbox) == 1


def test_who_may_not_be_written_to_is_refused_at_once_and_looked_at_once_more(cast, match, inbox):  # noqa: F811
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True)
    cast.selin.refresh_from_db()
    before = everything()
    for wrong, fault in (({}, CannotWrite), ({"contact": cast.harry}, ValueError), ({"body": " "}, ValueError)):
        with pytest.raises(fault):
            make(match, cast, **wrong)
    assert everything() == before
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=False)
    cast.selin.refresh_from_db()
    make(match, cast)
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True)
    OutgoingMail.objects.update(valid_until=None)
    assert send(dt.datetime.now(dt.UTC) + dt.timedelta(days=900)) == {"aborted": 1}
    assert (state(match), match.sent_at, inbox) == ("open", None, [])
    client = Client()
    client.force_login(cast.elif_)
    assert "The last mail did not leave: the person wants no mails" in client.get(f"/offers/{match.pk}/").content.decode()


def test_the_page_shows_what_leaves_before_it_is_sent_and_takes_it_back(cast, match):
    Installation.objects.update_or_create(pk=1, defaults={"postal_address": "Kervan, İzmir"})
    client, path = Client(), f"/offers/{match.pk}/"
    client.force_login(cast.elif_)
    assert "Merhaba Selin, elle içe aktarıyorsunuz. Elif" in client.get(path).content.decode(), "the draft stands in the form"
    typed = {**TEXT, "contact": cast.selin.pk, "version": "1"}
    others = [(Client(), user, status) for user, status in ((cast.can, 404), (cast.vera, 403))]
    for other, user, _status in others:
        other.force_login(user)
    before = everything()
    page = client.post(f"{path}mail/", {**typed, "go": "preview"}).content.decode()
    assert "This is what leaves" in page
    assert "Kervan, İzmir" in page
    assert page.count("daha az yazma.") == 2, "in the form and in the letter"
    assert client.post(f"{path}mail/", {**typed, "subject": ""}).status_code == 422
    for other, _user, status in others:
        assert other.post(f"{path}mail/", {**typed, "go": "send"}).status_code == status
    assert everything() == before
    page = client.post(f"{path}mail/", {**typed, "go": "send"}, follow=True).content.decode()
    assert "Take the mail back" in page
    assert f'action="{path}back/"' in page
    client.post(f"{path}back/")
    assert (state(match), OutgoingMail.objects.get().reason) == ("open", "taken_back")
