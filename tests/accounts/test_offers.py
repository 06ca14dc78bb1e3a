"""Offers: whom they fit and why, drafts in the contact's language, outcomes, growth tied to the offer; advocates are not asked too often."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.actions.advocates import AskedLately, ask_advocate, note_answer
from accounts.actions.offers import NotOpen, StaleOffer, match_offers, note_outcome, note_sent, save_offer, take_back, tie_expansions
from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.actions.usage import put_usage
from accounts.models import Account, AccountEvent, AccountSnapshot, AdvocateAsk, Offer, OfferMatch, Subscription, User
from accounts.queries.offers import draft_of, signs_of
from accounts.rules import parse, sentence
from tests.accounts.plan_builders import NOW
from tests.surveys.pressing import everything

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
MAIL = {"subject": "Less typing for {account}", "body": "Dear {first_name|customer}, we saw you import by hand. {csm}"}
TERMS: dict[str, Any] = {
    "name": "Integration", "description": "", "active": True, "eligible": {"all": [{"field": "plan", "op": "in", "value": ["Pro"]}]},
    "signal": {"all": [{"usage": {"measure": "count", "feature": "manual_import", "days": 28, "per": "total"}, "op": "gte", "value": "4"}]},
    "texts": {"en": MAIL, "tr": {"subject": "{account} için daha az yazma", "body": "Merhaba {first_name}, elle içe aktarıyorsunuz. {csm}"}},
}  # fmt: skip


def offer(**terms: Any) -> Offer:
    return save_offer(offer_id=None, version=0, terms={**TERMS, **terms}, now=NOW)


@pytest.fixture
def weekly(cast: SimpleNamespace) -> Account:
    """Elif's customer, on the plan that may have it, who imports by hand every week; Can's does not."""
    Account.objects.update(plan="Pro")
    put_usage([(cast.boga.pk, "manual_import", NOW.date() - DAY * 7 * week, 1, 1, None, None) for week in range(1, 5)])
    cast.boga.refresh_from_db()
    return cast.boga


def matched(**fields: Any) -> OfferMatch:
    match_offers(now=NOW)
    return OfferMatch.objects.get(**fields)


def grows(account: Account, *, at: dt.datetime, before: int = 100, after: int = 160) -> None:
    """A subscription whose MRR grows at an instant; from nothing where `before` is 0."""
    if before:
        Subscription.objects.create(account=account, external_id=f"a{at}", start=NOW - 400 * DAY, end=at, currency="EUR", amount=Decimal(before))
    Subscription.objects.create(account=account, external_id=f"b{at}", start=at, currency="EUR", amount=Decimal(after))
    rebuild_ledger(account_ids=[account.pk])


# ── whom an offer fits ──────────────────────────────────────────────────────


def test_an_offer_finds_who_may_have_it_and_shows_the_need_and_says_why(cast: SimpleNamespace, weekly: Account) -> None:
    made = offer()
    assert match_offers(now=NOW) == {"opened": 1, "gone": 0}
    assert match_offers(now=NOW) == {"opened": 0, "gone": 0}
    match = OfferMatch.objects.get()
    assert (match.account, match.status) == (weekly, "open")
    [sign] = signs_of([match], now=NOW, today=NOW.date())[match.pk]
    assert "manual_import" in sign
    assert sign.endswith(": 4")
    Account.objects.filter(pk=weekly.pk).update(plan="Basic")
    assert match_offers(now=NOW + DAY) == {"opened": 0, "gone": 1}
    Account.objects.filter(pk=weekly.pk).update(plan="Pro", churned_at=NOW)
    assert match_offers(now=NOW + DAY)["opened"] == 0
    assert OfferMatch.objects.filter(offer=made).count() == 1


def test_who_decided_is_left_alone_for_half_a_year(cast: SimpleNamespace, weekly: Account) -> None:
    offer()
    match = matched()
    note_sent(match_id=match.pk, contact=cast.selin, actor=cast.elif_, now=NOW)
    assert match_offers(now=NOW + DAY)["opened"] == 0
    note_outcome(match_id=match.pk, won=False, reason="No budget this year", now=NOW + DAY)
    put_usage([(weekly.pk, "manual_import", NOW.date() + DAY * number, 1, 1, None, None) for number in range(210)])
    assert match_offers(now=NOW + 100 * DAY)["opened"] == 0
    assert match_offers(now=NOW + 190 * DAY)["opened"] == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"texts": {"en": {**MAIL, "body": "Hello {frist_name}"}}}, "body_en"), ({"texts": {"en": {**MAIL, "subject": "Ticket {ticket}"}}}, "subject_en"),
        ({"texts": {"en": {"subject": "x", "body": ""}}}, "body_en"), ({"texts": {}}, "body_en"),
        ({"signal": {"all": [{"field": "password", "op": "eq", "value": "x"}]}}, "signal"), ({"eligible": {"some": []}}, "eligible"),
    ],
)  # fmt: skip
def test_an_offer_that_does_not_hold_together_is_refused_with_the_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as fault:
        offer(**wrong)
    assert list(fault.value.message_dict) == [field]
    assert Offer.objects.count() == 0


def test_two_editors_notice_each_other() -> None:
    made = offer()
    save_offer(offer_id=made.pk, version=1, terms={**TERMS, "name": "First"}, now=NOW)
    with pytest.raises(StaleOffer):
        save_offer(offer_id=made.pk, version=1, terms={**TERMS, "name": "Second"}, now=NOW)
    assert Offer.objects.get().name == "First"


# ── what came of it ─────────────────────────────────────────────────────────


def test_the_draft_speaks_the_contacts_language_and_falls_back(cast: SimpleNamespace, weekly: Account) -> None:
    offer()
    match = matched()
    draft = draft_of(match, cast.selin, cast.elif_)
    assert (draft.language, draft.subject, draft.body) == ("tr", "Boğaziçi Lojistik A.Ş. için daha az yazma", "Merhaba Selin, elle içe aktarıyorsunuz. Elif Yıldız")
    cast.selin.language, cast.selin.name, match.account.language = "de", "", "fr"
    assert draft_of(match, cast.selin, cast.elif_).body == "Dear customer, we saw you import by hand. Elif Yıldız"


def test_an_offer_is_sent_once_decided_once_and_taken_back_in_order(cast: SimpleNamespace, weekly: Account) -> None:
    offer()
    match = matched()
    with pytest.raises(NotOpen):
        note_outcome(match_id=match.pk, won=True, now=NOW)
    with pytest.raises(ValueError, match="another account"):
        note_sent(match_id=match.pk, contact=cast.harry, actor=cast.elif_, now=NOW)
    note_sent(match_id=match.pk, contact=cast.selin, actor=cast.elif_, now=NOW)
    assert AccountEvent.objects.get(kind="touch.logged").payload["channel"] == "mail"
    with pytest.raises(NotOpen):
        note_sent(match_id=match.pk, contact=cast.selin, actor=cast.elif_, now=NOW)
    with pytest.raises(ValueError, match="reason"):
        note_outcome(match_id=match.pk, won=False, reason=" ", now=NOW)
    note_outcome(match_id=match.pk, won=False, reason="Price", now=NOW)
    assert [take_back(match_id=match.pk, now=NOW).status for _ in range(2)] == ["sent", "open"]
    with pytest.raises(NotOpen):
        take_back(match_id=match.pk, now=NOW)


def test_growth_within_ninety_days_wins_the_offer_that_was_made_last(cast: SimpleNamespace, weekly: Account) -> None:
    offer()
    offer(name="Seats")
    match_offers(now=NOW)
    first, last = OfferMatch.objects.order_by("pk")
    note_sent(match_id=first.pk, contact=None, actor=cast.elif_, now=NOW)
    note_sent(match_id=last.pk, contact=None, actor=cast.elif_, now=NOW + 5 * DAY)
    grows(weekly, at=NOW + 20 * DAY)
    assert tie_expansions(now=NOW + 10 * DAY) == 0
    assert [tie_expansions(now=NOW + 21 * DAY), tie_expansions(now=NOW + 22 * DAY)] == [1, 0]
    first.refresh_from_db()
    last.refresh_from_db()
    assert (first.status, first.won_micros) == ("sent", None)
    assert (last.status, last.won_micros, last.won_currency, last.expanded_at) == ("won", 60_000_000, "EUR", NOW + 20 * DAY)
    with pytest.raises(NotOpen):
        take_back(match_id=last.pk, now=NOW)


@pytest.mark.parametrize(("at", "before"), [(-1, 100), (91, 100), (20, 0)])
def test_growth_before_long_after_or_from_nothing_is_not_the_offers(cast: SimpleNamespace, weekly: Account, at: int, before: int) -> None:
    offer()
    match = matched()
    note_sent(match_id=match.pk, contact=None, actor=cast.elif_, now=NOW)
    grows(weekly, at=NOW + at * DAY, before=before)
    assert tie_expansions(now=NOW + 95 * DAY) == 0


# ── advocates ───────────────────────────────────────────────────────────────


def test_nobody_is_asked_twice_in_ninety_days_unless_it_is_meant(cast: SimpleNamespace) -> None:
    ask = ask_advocate(account_id=cast.boga.pk, kind="review", contact=cast.selin, actor=cast.elif_, now=NOW)
    with pytest.raises(AskedLately):
        ask_advocate(account_id=cast.boga.pk, kind="story", contact=None, actor=cast.elif_, now=NOW + 89 * DAY)
    ask_advocate(account_id=cast.boga.pk, kind="story", contact=None, actor=cast.elif_, now=NOW + 89 * DAY, all_the_same=True)
    assert note_answer(ask_id=ask.pk, answer="given", now=NOW).answered_at == NOW
    for wrong in ({"kind": "song"}, {"contact": cast.harry, "all_the_same": True}):
        with pytest.raises(ValueError):
            ask_advocate(**{"account_id": cast.boga.pk, "kind": "review", "contact": None, "actor": cast.elif_, "now": NOW, **wrong})
    with pytest.raises(ValueError):
        note_answer(ask_id=ask.pk, answer="perhaps", now=NOW)
    assert AdvocateAsk.objects.count() == 2


# ── pages ───────────────────────────────────────────────────────────────────


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def made(cast: SimpleNamespace, weekly: Account) -> SimpleNamespace:
    found = offer()
    AccountSnapshot.objects.update(nps=9, band="healthy", health=8000)
    return SimpleNamespace(offer=found, match=matched(), ask=ask_advocate(account_id=weekly.pk, kind="review", contact=None, actor=cast.elif_, now=timezone.now()))


@pytest.mark.parametrize("path", ["/offers/", "/offers/?view=won&after=x", "/offers/catalogue/", "/advocates/", "/advocates/?after=--5~1"])
def test_a_list_holds_the_own_book_alone(cast: SimpleNamespace, made: SimpleNamespace, path: str) -> None:
    assert Client().get(path).status_code == 302
    for name, seen in (("elif_", True), ("vera", True), ("can", False)):
        answer = enter(getattr(cast, name)).get(path)
        assert answer.status_code == 200
        if path in {"/offers/", "/advocates/"}:
            assert ("Boğaziçi" in answer.content.decode()) is seen
    assert "Boğaziçi" not in enter(cast.ana).get(path).content.decode()


def test_a_list_goes_on_behind_its_key(cast: SimpleNamespace, made: SimpleNamespace) -> None:
    client = enter(cast.ada)
    assert "Boğaziçi" not in client.get(f"/offers/?after={made.match.pk}").content.decode()
    assert "Boğaziçi" in client.get(f"/offers/?after={made.match.pk + 1}").content.decode()
    assert "Boğaziçi" not in client.get(f"/advocates/?after=0~{made.match.account_id}").content.decode()


@pytest.mark.parametrize(
    ("path", "sent", "statuses"),
    [
        ("/offers/{match}/sent/", {"version": "1"}, {"can": 404, "ana": 404, "vera": 403, "deniz": 404}),
        ("/offers/{match}/back/", {}, {"can": 404, "ana": 404, "vera": 403, "deniz": 404}),
        ("/advocates/{account}/ask/", {"kind": "review", "all_the_same": "on"}, {"can": 404, "ana": 404, "vera": 403, "deniz": 404}),
        ("/advocates/answers/{ask}/", {"answer": "yes"}, {"can": 404, "ana": 404, "vera": 403, "deniz": 404}),
        ("/offers/catalogue/{offer}/", {"name": "x"}, {"elif_": 403, "ana": 403, "vera": 403, "deniz": 403}),
        ("/offers/catalogue/new/", {"name": "x"}, {"elif_": 403, "ana": 403, "vera": 403, "deniz": 403}),
    ],
)  # fmt: skip
def test_who_may_not_write_leaves_no_trace(cast: SimpleNamespace, made: SimpleNamespace, path: str, sent: dict[str, str], statuses: dict[str, int]) -> None:
    path = path.format(match=made.match.pk, account=made.match.account_id, ask=made.ask.pk, offer=made.offer.pk)
    clients = [(Client(), 302), *((enter(getattr(cast, name)), status) for name, status in statuses.items())]
    before = everything()
    for client, status in clients:
        assert client.post(path, sent).status_code == status
    assert everything() == before


def test_an_offer_goes_from_its_sign_to_its_outcome_on_the_pages(cast: SimpleNamespace, made: SimpleNamespace) -> None:
    client = enter(cast.elif_)
    path = f"/offers/{made.match.pk}/"
    page = client.get(path).content.decode()
    assert "Merhaba Selin" in page
    assert "mailto:selin@bogazici.test?subject=" in page
    assert client.post(f"{path}sent/", {"version": "1", "contact": cast.selin.pk}).status_code == 302
    again = client.post(f"{path}sent/", {"version": "1", "contact": cast.selin.pk})
    assert (again.status_code, "Somebody else changed this" in again.content.decode()) == (409, True)
    assert client.post(f"{path}outcome/", {"version": "2", "outcome": "lost"}).status_code == 422
    assert client.post(f"{path}outcome/", {"version": "2", "outcome": "lost", "reason": "Price"}).status_code == 302
    assert "Price" in client.get("/offers/?view=lost").content.decode()
    assert enter(cast.can).get(path).status_code == 404


def test_the_catalogue_is_written_by_managers_and_faults_stand_at_their_fields(cast: SimpleNamespace, made: SimpleNamespace) -> None:
    client = enter(cast.mert)
    path = f"/offers/catalogue/{made.offer.pk}/"
    assert client.get(path).status_code == 200
    assert client.get("/offers/catalogue/new/").status_code == 200
    assert "may have it" in client.get("/offers/catalogue/").content.decode()
    sent = Inputs.of(client.get(path))
    assert sent["version"] == ["1"]
    refused = client.post(path, {**sent, "name": "Renamed", "body_en": "Hello {nmae}"})
    assert (refused.status_code, "{nmae} is no placeholder" in refused.content.decode()) == (422, True)
    made.offer.refresh_from_db()
    assert (made.offer.name, made.offer.version) == ("Integration", 1)
    assert client.post(path, {**sent, "name": "Renamed"}).status_code == 302
    made.offer.refresh_from_db()
    assert (made.offer.name, made.offer.eligible, sentence(parse(made.offer.signal))) == ("Renamed", TERMS["eligible"], sentence(parse(TERMS["signal"])))
    stale = client.post(path, {**sent, "name": "Theirs"})
    assert (stale.status_code, "Somebody else saved this offer" in stale.content.decode()) == (409, True)


class Inputs(HTMLParser):
    """What a browser would send back of the form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.select = self.text = ""
        self.inside = False

    @classmethod
    def of(cls, page: Any) -> dict[str, list[str]]:
        """The inputs by name."""
        found = cls()
        found.feed(page.content.decode())
        return found.sent

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Notes a value."""
        own = {key: value or "" for key, value in attributes}
        self.inside = self.inside or (tag == "form" and own.get("class") == "template-form")
        name = own.get("name", "")
        if not self.inside:
            return
        if tag == "input" and name and not (own.get("type") in {"checkbox", "radio"} and "checked" not in own):
            self.sent.setdefault(name, []).append(own.get("value", "on"))
        elif tag == "select":
            self.select = name
        elif tag == "option" and "selected" in own:
            self.sent.setdefault(self.select, []).append(own.get("value", ""))
        elif tag == "textarea":
            self.text = name
            self.sent[name] = [""]

    def handle_data(self, data: str) -> None:
        """What stands in a text area, without the line end that belongs to the tag."""
        if self.text:
            self.sent[self.text] = [data.removeprefix("\r\n").removeprefix("\n")]

    def handle_endtag(self, tag: str) -> None:
        """Ends a text area, or the form."""
        self.text = "" if tag == "textarea" else self.text
        self.inside = self.inside and tag != "form"


def test_advocates_are_asked_and_answer_on_the_page(cast: SimpleNamespace, made: SimpleNamespace) -> None:
    client = enter(cast.elif_)
    assert client.post(f"/advocates/answers/{made.ask.pk}/", {"answer": "given"}).status_code == 302
    refused = client.post(f"/advocates/{made.match.account_id}/ask/", {"kind": "story"})
    assert (refused.status_code, "Asked too often" in refused.content.decode()) == (409, True)
    assert client.post(f"/advocates/{made.match.account_id}/ask/", {"kind": "story", "all_the_same": "on"}).status_code == 302
    assert AdvocateAsk.objects.count() == 2
