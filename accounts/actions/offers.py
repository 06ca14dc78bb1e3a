"""The catalogue of offers, finding whom they fit, and noting what came of an offer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.actions.touches import Channel, log_touch
from accounts.actions.working_calendar import organisation_day
from accounts.models import Account, Contact, Offer, OfferMatch, User
from accounts.placeholders import PLACEHOLDERS, check_placeholders, used
from accounts.queries.rule_matches import matching, read_rule
from accounts.rules import RuleFault

# what a draft message can be filled with
FILLED = ("name", "first_name", "account", "csm", "csm_email")
# how long an expansion after an offer is taken for its work
TIED_DAYS = 90
# how long a customer is left alone with an offer that was decided
RESTS_DAYS = 180
BATCH = 1000
_LOCK = 7_530_118
Status = OfferMatch.Status


class StaleOffer(ValueError):
    """Somebody else saved the offer in the meantime."""


class NotOpen(ValueError):
    """The match is in another state than the change needs."""


def save_offer(*, offer_id: int | None, version: int, terms: Mapping[str, Any], now: dt.datetime) -> Offer:
    """A new offer, or a changed one. `terms`: name, description, eligible, signal, texts, active.

    Raises ValidationError by field for rules that cannot be read and placeholders that are none, StaleOffer.
    """
    _check_texts(terms["texts"])
    for field in ("eligible", "signal"):
        try:
            read_rule(terms[field])
        except RuleFault as fault:
            raise ValidationError({field: f"{fault.path}: {fault.message}"}) from fault
    with transaction.atomic():
        if offer_id is None:
            offer = Offer(key=_free_key(terms["name"]), created_at=now)
        else:
            offer = Offer.objects.select_for_update(no_key=True).get(pk=offer_id)
            if offer.version != version:
                raise StaleOffer
            offer.version += 1
        for name in ("name", "description", "eligible", "signal", "texts", "active"):
            setattr(offer, name, terms[name])
        offer.updated_at = now
        offer.full_clean()
        offer.save()
    return offer


def _check_texts(texts: Mapping[str, Mapping[str, str]]) -> None:
    """Raises ValidationError by `subject_<language>` or `body_<language>`; at least one language is whole."""
    wrong: dict[str, Any] = {}
    whole = False
    for language, text in texts.items():
        subject, body = text.get("subject", "").strip(), text.get("body", "").strip()
        whole = whole or bool(subject and body)
        if bool(subject) != bool(body):
            wrong[f"{'body' if subject else 'subject'}_{language}"] = _("A message has a subject and a text.")
        for part, words in (("subject", subject), ("body", body)):
            try:
                check_placeholders(words)
                if strange := sorted(used(words) - set(FILLED)):
                    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS if name in FILLED)
                    raise ValidationError(_("{%(name)s} is not filled in here. There are: %(known)s.") % {"name": strange[0], "known": known})
            except ValidationError as fault:
                wrong[f"{part}_{language}"] = fault
    if not wrong and not whole:
        wrong["body_en"] = _("Write the message in at least one language.")
    if wrong:
        raise ValidationError(wrong)


def _free_key(name: str) -> str:
    base = slugify(name)[:50] or "offer"
    taken = set(Offer.objects.filter(key__startswith=base).values_list("key", flat=True))
    return next(key for number in range(1, len(taken) + 2) if (key := base if number == 1 else f"{base}-{number}") not in taken)


def match_offers(*, now: dt.datetime) -> dict[str, int]:
    """Opens a match for each account that an active offer fits, and ends open ones that fit no more. May run twice, one at a time.

    Left out are customers that left or are excluded, and those with whom the offer was decided within 180 days.
    """
    done = {"opened": 0, "gone": 0}
    for offer in Offer.objects.filter(active=True).order_by("pk"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, offer.pk])
            try:
                fitting = _fitting(offer, now=now)
            except RuleFault:
                # it names a field or a segment that is gone; the page of the offer says so
                continue
            waiting = set(OfferMatch.objects.filter(offer=offer, status=Status.OPEN).values_list("account_id", flat=True))
            done["gone"] += OfferMatch.objects.filter(offer=offer, status=Status.OPEN, account__in=waiting - fitting).update(status=Status.GONE, closed_at=now)
            recent = Q(status=Status.SENT) | Q(status__in=[Status.WON, Status.LOST], closed_at__gt=now - dt.timedelta(days=RESTS_DAYS))
            fresh = fitting - waiting
            fresh -= set(OfferMatch.objects.filter(recent, offer=offer, account__in=fresh).values_list("account_id", flat=True))
            fresh = set(Account.objects.filter(pk__in=fresh, churned_at__isnull=True, excluded=False).values_list("pk", flat=True))
            rows = [OfferMatch(offer=offer, account_id=pk, matched_at=now) for pk in sorted(fresh)]
            OfferMatch.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
            done["opened"] += len(rows)
    return done


def _fitting(offer: Offer, *, now: dt.datetime) -> set[int]:
    today = organisation_day(now)
    signalled = matching(read_rule(offer.signal), now=now, today=today)
    return set(matching(read_rule(offer.eligible), now=now, today=today, account_ids=signalled)) if signalled else set()


def locked_match(match_id: int, version: int | None) -> OfferMatch:
    """The match under a lock. Raises NotOpen where it has another version by now."""
    match = OfferMatch.objects.select_for_update(no_key=True).get(pk=match_id)
    if version is not None and match.version != version:
        raise NotOpen
    return match


def note_sent(*, match_id: int, contact: Contact | None, actor: User, now: dt.datetime, version: int | None = None) -> OfferMatch:
    """Notes that somebody made the offer from a mailbox of their own, as a touch by mail too. Raises NotOpen, ValueError for another account's contact."""
    with transaction.atomic():
        match = locked_match(match_id, version)
        if match.status != Status.OPEN:
            raise NotOpen
        if contact is not None and contact.account_id != match.account_id:
            raise ValueError("the contact is another account's")
        match.status, match.contact, match.sent_at, match.sent_by = Status.SENT, contact, now, actor
        match.version += 1
        match.save()
        log_touch(account_id=match.account_id, actor=actor, channel=Channel.MAIL, minutes=5, occurred_at=now, now=now, contact_id=contact.pk if contact else None)
    return match


def note_outcome(*, match_id: int, won: bool, reason: str = "", now: dt.datetime, version: int | None = None) -> OfferMatch:
    """Notes that an offer that was made is won, or lost for a reason. Raises NotOpen, ValueError for a loss without a reason."""
    if not won and not reason.strip():
        raise ValueError("a loss has a reason")
    with transaction.atomic():
        match = locked_match(match_id, version)
        if match.status != Status.SENT:
            raise NotOpen
        match.status, match.closed_at, match.lost_reason = Status.WON if won else Status.LOST, now, "" if won else reason.strip()[:300]
        match.version += 1
        match.save()
    return match


def take_back(*, match_id: int, now: dt.datetime) -> OfferMatch:
    """Takes an outcome back, or that the offer was made; what the ledger tied stays tied. Raises NotOpen."""
    del now
    with transaction.atomic():
        match = locked_match(match_id, None)
        if match.status in {Status.OPEN, Status.GONE} or match.expanded_at is not None:
            raise NotOpen
        if match.status == Status.SENT:
            match.status, match.sent_at, match.sent_by, match.contact = Status.OPEN, None, None, None
        else:
            match.status, match.closed_at, match.lost_reason = Status.SENT, None, ""
        match.version += 1
        match.save()
    return match


# the first growth of what the account pays already, after the offer and within the time; each step counts for one offer, the one made last
_TIE = """
WITH waiting AS (
    SELECT m.id, m.account_id, m.sent_at FROM accounts_offermatch m
    WHERE m.status IN ('sent', 'won') AND m.expanded_at IS NULL AND m.sent_at > %(now)s - make_interval(days => %(days)s + 30)
    FOR NO KEY UPDATE OF m
), grown AS (
    SELECT DISTINCT ON (c.account_id, c.occurred_at, c.currency) w.id, c.account_id, c.occurred_at, c.currency, c.delta_micros
    FROM waiting w JOIN accounts_subscriptionchange c ON c.account_id = w.account_id AND c.occurred_at > w.sent_at
        AND c.occurred_at <= w.sent_at + make_interval(days => %(days)s) AND c.occurred_at <= %(now)s
    WHERE c.delta_micros > 0 AND c.balance_micros > c.delta_micros
        AND NOT EXISTS (SELECT FROM accounts_offermatch t WHERE t.account_id = c.account_id AND t.expanded_at = c.occurred_at AND t.won_currency = c.currency)
    ORDER BY c.account_id, c.occurred_at, c.currency, w.sent_at DESC, w.id
), firsts AS (
    SELECT DISTINCT ON (id) * FROM grown ORDER BY id, occurred_at, currency
)
UPDATE accounts_offermatch m SET status = 'won', closed_at = coalesce(m.closed_at, f.occurred_at), expanded_at = f.occurred_at, won_micros = f.delta_micros,
    won_currency = f.currency, version = m.version + 1
FROM firsts f WHERE m.id = f.id
"""


def tie_expansions(*, now: dt.datetime) -> int:
    """Ties growth of MRR within 90 days after an offer to it, which wins it; returns how many. A lost offer stays lost."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TIE, {"now": now, "days": TIED_DAYS})
        return cursor.rowcount
