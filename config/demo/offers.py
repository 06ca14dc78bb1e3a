"""Offers of the demo: a catalogue of two, some offered already, and customers who were asked to speak for us."""

from __future__ import annotations

import datetime as dt
import random

from accounts.actions.advocates import ask_advocate, note_answer
from accounts.actions.offers import match_offers, note_outcome, note_sent, save_offer, tie_expansions
from accounts.models import Account, OfferMatch

_OFFERS = (
    {
        "name": "Route planning every day", "description": "The larger plan, with planning by itself before the morning shift.", "active": True,
        "eligible": {"all": [{"field": "mrr", "op": "between", "value": ["50", "900"]}]},
        "signal": {"all": [{"usage": {"measure": "active_days", "feature": "", "days": 28, "per": "total"}, "op": "gte", "value": "18"}, {"field": "health", "op": "gte", "value": "60"}]},
        "texts": {
            "en": {"subject": "{account}: plan before the shift starts", "body": "Hello {first_name|there},\n\nyou work with Kervan nearly every day and still plan by hand each morning. The larger plan does that before your shift starts. Shall I show you on your own routes? Twenty minutes are enough.\n\n{csm}"},
            "tr": {"subject": "{account}: vardiya başlamadan planlama", "body": "Merhaba {first_name|},\n\nKervan’ı neredeyse her gün kullanıyor, yine de her sabah elle planlama yapıyorsunuz. Büyük plan bunu vardiyanız başlamadan yapar. Kendi rotalarınızda göstereyim mi? Yirmi dakika yeter.\n\n{csm}"},
        },
    },
    {
        "name": "A second depot", "description": "For customers whose use grows faster than their plan.", "active": True,
        "eligible": {"all": [{"field": "mrr", "op": "gte", "value": "200"}]},
        "signal": {"all": [{"field": "usage_trend", "op": "gte", "value": "0.05"}]},
        "texts": {
            "en": {"subject": "Room for more at {account}", "body": "Hello {first_name|there},\n\nyour team uses Kervan more every week. With a second depot your people plan side by side without stepping on each other’s routes. May I call you this week?\n\n{csm}"},
            "tr": {"subject": "{account} için daha çok yer", "body": "Merhaba {first_name|},\n\nekibiniz Kervan’ı her hafta daha çok kullanıyor. İkinci bir depoyla ekipleriniz yan yana planlama yapar. Bu hafta sizi arayabilir miyim?\n\n{csm}"},
        },
    },
)  # fmt: skip
_REASONS = ("No budget before the new year", "They wait for their own software", "The price per vehicle")


def offer_demo(*, seed: int, now: dt.datetime) -> int:
    """Writes the catalogue, finds whom it fits, offers some and asks some advocates; returns how many matches there are."""
    dice = random.Random(f"offers {seed}")
    for terms in _OFFERS:
        save_offer(offer_id=None, version=0, terms=terms, now=now)
    match_offers(now=now)
    matches = list(OfferMatch.objects.select_related("account__owner").filter(account__owner__isnull=False).order_by("pk"))
    for place, match in enumerate(matches[::3]):
        owner = match.account.owner
        if owner is None:
            continue
        sent = now - dt.timedelta(days=dice.randint(8, 70))
        OfferMatch.objects.filter(pk=match.pk).update(matched_at=sent - dt.timedelta(days=2))
        note_sent(match_id=match.pk, contact=match.account.contacts.order_by("pk").first(), actor=owner, now=sent)
        if place % 3 == 1:
            note_outcome(match_id=match.pk, won=False, reason=dice.choice(_REASONS), now=sent + dt.timedelta(days=6))
    tie_expansions(now=now)
    promoters = (
        Account.objects.filter(snapshot__nps__gte=9, snapshot__band="healthy", churned_at=None, owner__isnull=False).select_related("owner").order_by("-snapshot__mrr_micros", "pk")
    )
    for place, account in enumerate(promoters[:6]):
        if account.owner is not None and place % 2 == 0:
            asked = ask_advocate(
                account_id=account.pk, kind=("reference", "review", "story")[place // 2], contact=None, actor=account.owner, now=now - dt.timedelta(days=30 + 45 * place)
            )
            if place:
                note_answer(ask_id=asked.pk, answer="given" if place == 2 else "no", now=now - dt.timedelta(days=20))
    return len(matches)
