"""What the pages of offers and advocates show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Sum, Value, When

from accounts.models import AccountSnapshot, AdvocateAsk, Contact, Offer, OfferMatch, User
from accounts.models.snapshots import Band
from accounts.placeholders import fill
from accounts.queries.rule_matches import explain_many, names_of_rows, read_rule
from accounts.rules import RuleFault

PAGE = 25
MOST = 1001
VIEWS = ("open", "sent", "won", "lost")
PROMOTER_FROM = 9


@dataclass(frozen=True)
class MatchRow:
    """A match with the signal in words: each condition of the offer's rules and what the account has."""

    match: OfferMatch
    signs: list[str]


@dataclass(frozen=True)
class MatchRows:
    """A page of matches, the key behind which it goes on, the counts of the views, capped."""

    rows: list[MatchRow]
    after: str
    counts: dict[str, int]


def _cursor(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def match_rows(user: User, *, view: str, offer_id: int | None, after: str, now: dt.datetime, today: dt.date) -> MatchRows:
    """Matches of the book the user may see, the newest first."""
    visible: QuerySet[OfferMatch] = OfferMatch.objects.visible_to(user)
    if offer_id is not None:
        visible = visible.filter(offer_id=offer_id)
    rows = visible.filter(status=view).select_related("offer", "account", "account__owner", "account__segment", "account__snapshot", "contact")
    if key := _cursor(after):
        rows = rows.filter(pk__lt=key)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    counts = {name: visible.filter(status=name).order_by()[:MOST].count() for name in VIEWS}
    shown = found[:PAGE]
    signs = signs_of(shown, now=now, today=today) if view == "open" else {}
    return MatchRows([MatchRow(match, signs.get(match.pk, [])) for match in shown], str(shown[-1].pk) if len(found) > PAGE else "", counts)


def signs_of(matches: list[OfferMatch], *, now: dt.datetime, today: dt.date) -> dict[int, list[str]]:
    """For each match the conditions of its signal that are met, with the account's own values; one statement an offer."""
    found: dict[int, list[str]] = {}
    names = names_of_rows() if matches else {}
    offers: dict[int, list[OfferMatch]] = {}
    for match in matches:
        offers.setdefault(match.offer_id, []).append(match)
    for rows in offers.values():
        try:
            told = explain_many(read_rule(rows[0].offer.signal, names), [row.account_id for row in rows], now=now, today=today, names=names)
        except RuleFault:
            continue
        for row in rows:
            found[row.pk] = [f"{reason.sentence}: {reason.value}" if reason.value else reason.sentence for reason in told.get(row.account_id, []) if reason.met]
    return found


def visible_match(user: User, match_id: int) -> OfferMatch | None:
    """A match the user may see."""
    found: OfferMatch | None = (
        OfferMatch.objects.visible_to(user).select_related("offer", "account", "account__owner", "account__segment", "contact", "sent_by").filter(pk=match_id).first()
    )  # fmt: skip
    return found


@dataclass(frozen=True)
class Draft:
    """A message ready to be made one's own."""

    contact: Contact | None
    language: str
    subject: str
    body: str


def people_to_write_to(match: OfferMatch, user: User) -> list[Contact]:
    """Contacts who can be written to: sponsors and champions first."""
    order = Case(When(role="sponsor", then=Value(0)), When(role="champion", then=Value(1)), default=Value(2), output_field=IntegerField())
    rows = Contact.objects.visible_to(user).filter(account_id=match.account_id, bounced_at__isnull=True).exclude(email="").annotate(place=order)
    return list(rows.order_by("place", "name_sort", "pk")[:50])


def draft_of(match: OfferMatch, contact: Contact | None, writer: User) -> Draft:
    """The offer's message in the contact's language, else the account's, else English, else any; filled in."""
    texts: dict[str, Any] = {language: text for language, text in match.offer.texts.items() if text.get("subject") and text.get("body")}
    wanted = [(contact.language if contact else "").split("-")[0], match.account.language.split("-")[0], "en", *texts]
    language = next((each for each in wanted if each in texts), "")
    if not language:
        return Draft(contact, "", "", "")
    name = contact.name if contact else ""
    values = {"name": name, "first_name": name.split()[0] if name.split() else "", "account": match.account.name, "csm": writer.name, "csm_email": writer.email}
    return Draft(contact, language, fill(texts[language]["subject"], values), fill(texts[language]["body"], values))


def catalogue(user: User) -> list[Offer]:
    """All offers, each with counts of the matches the user may see and the expansion tied to it by currency."""
    visible = OfferMatch.objects.visible_to(user)
    counts = {
        row["offer_id"]: row
        for row in visible.values("offer_id").annotate(**{name: Count("pk", filter=Q(status=name)) for name in VIEWS}, offered=Count("pk", filter=Q(sent_at__isnull=False)))
    }  # fmt: skip
    sums: dict[int, list[tuple[str, int]]] = {}
    for row in visible.filter(won_micros__isnull=False).values("offer_id", "won_currency").annotate(sum=Sum("won_micros")).order_by("won_currency"):
        sums.setdefault(row["offer_id"], []).append((row["won_currency"], row["sum"]))
    offers = list(Offer.objects.order_by("-active", "name", "pk")[:200])
    for offer in offers:
        offer.counts = counts.get(offer.pk, dict.fromkeys((*VIEWS, "offered"), 0))  # type: ignore[attr-defined]
        offer.expansion = sums.get(offer.pk, [])  # type: ignore[attr-defined]
    return offers


# ── advocates ───────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Advocate:
    """A promoter in good health: when they were last asked, how often, how often they spoke, and the request that waits for an answer."""

    snapshot: AccountSnapshot
    last_asked: dt.datetime | None
    asked: int
    given: int
    waiting: AdvocateAsk | None
    rests_until: dt.datetime | None


@dataclass(frozen=True)
class Advocates:
    """A page of them, and the key behind which it goes on."""

    rows: list[Advocate]
    after: str


def advocates(user: User, *, after: str, now: dt.datetime, rests_days: int) -> Advocates:
    """Accounts whose last NPS answer was a promoter's and whose health is good, the largest MRR first."""
    rows: QuerySet[AccountSnapshot] = AccountSnapshot.objects.visible_to(user)
    rows = rows.filter(nps__gte=PROMOTER_FROM, band=Band.HEALTHY, account__churned_at__isnull=True, account__excluded=False)
    money, _sign, number = after.partition("~")
    if (key := _cursor(number)) and money.isascii() and money.removeprefix("-").isdigit() and len(money) < 19:
        rows = rows.filter(Q(mrr_micros__lt=int(money)) | Q(mrr_micros=int(money), account_id__lt=key))
    found = list(rows.select_related("account", "account__owner", "account__segment").order_by("-mrr_micros", "-account_id")[: PAGE + 1])
    shown = found[:PAGE]
    ids = [row.account_id for row in shown]
    counts: dict[int, Mapping[str, Any]] = {
        row["account_id"]: row
        for row in AdvocateAsk.objects.filter(account__in=ids).values("account_id").annotate(last=Max("asked_at"), asked=Count("pk"), given=Count("pk", filter=Q(answer="given")))
    }  # fmt: skip
    waiting = {ask.account_id: ask for ask in AdvocateAsk.objects.filter(account__in=ids, answer__in=["", "yes"]).order_by("asked_at", "pk")}
    made = []
    for row in shown:
        count = counts.get(row.account_id, {"last": None, "asked": 0, "given": 0})
        rests = count["last"] + dt.timedelta(days=rests_days) if count["last"] else None
        made.append(Advocate(row, count["last"], count["asked"], count["given"], waiting.get(row.account_id), rests if rests and rests > now else None))
    return Advocates(made, f"{shown[-1].mrr_micros}~{shown[-1].account_id}" if len(found) > PAGE else "")
