"""How purchases, subscriptions and payments are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.timeline.parts import Happening, Said, by, joined, money, reason, word
from accounts.words import code


def _purchase(event: Happening) -> Said:
    amount = money(event, "amount")
    return (_("Paid an order of %(amount)s") % {"amount": amount} if amount else _("Paid an order")), "", ""


def _subscribed(event: Happening) -> Said:
    product, mrr = word(event.payload.get("product")), money(event, "mrr")
    text = _("Subscription to %(product)s began") % {"product": product} if product else _("A subscription began")
    return text, _("MRR %(mrr)s") % {"mrr": mrr} if mrr else "", "good"


def _subscription_changed(event: Happening) -> Said:
    before, after = money(event, "mrr_before"), money(event, "mrr")
    text = _("MRR went from %(before)s to %(after)s") % {"before": before, "after": after} if before and after else _("Terms of a subscription changed")
    try:
        rise = Decimal(str(event.payload.get("mrr"))) - Decimal(str(event.payload.get("mrr_before")))
    except InvalidOperation:
        rise = Decimal(0)
    return text, joined(word(event.payload.get("product")), by(event)), "good" if rise > 0 else "watch" if rise < 0 else ""


def _cancelled(event: Happening) -> Said:
    product = word(event.payload.get("product"))
    text = _("Gave notice for %(product)s") % {"product": product} if product else _("Gave notice")
    return text, joined(_ends(event), reason(event)), "risk"


def _ends(event: Happening) -> str:
    day = _as_day(event.payload.get("ends_at"))
    return _("ends on %(day)s") % {"day": wording.day(day)} if day else ""


def _as_day(value: Any) -> dt.date | None:
    try:
        return dt.datetime.fromisoformat(str(value)).date() if value else None
    except ValueError:
        return None


def _ended(event: Happening) -> Said:
    product = word(event.payload.get("product"))
    return (_("Service of %(product)s ended") % {"product": product} if product else _("Paid service ended")), reason(event), "risk"


def _renewal_due(event: Happening) -> Said:
    days, day = event.payload.get("days"), _as_day(event.payload.get("renews_at"))
    text = ngettext("Renews in %(days)s day", "Renews in %(days)s days", int(days)) % {"days": days} if isinstance(days, int) else _("A renewal comes near")
    return text, wording.day(day) if day else "", ""


def _payment_failed(event: Happening) -> Said:
    amount, attempt = money(event, "amount"), event.payload.get("attempt")
    tried = _("try %(number)s") % {"number": attempt} if attempt else ""
    return (_("A payment of %(amount)s failed") % {"amount": amount} if amount else _("A payment failed")), joined(code(event.payload.get("failure_code")), tried), "risk"


def _payment_recovered(event: Happening) -> Said:
    amount = money(event, "amount")
    return (_("A failed payment of %(amount)s was made good") % {"amount": amount} if amount else _("A failed payment was made good")), "", "good"


SAYS: dict[str, Callable[[Happening], Said]] = {
    "purchase.completed": _purchase, "subscription.started": _subscribed, "subscription.changed": _subscription_changed, "subscription.cancelled": _cancelled,
    "subscription.ended": _ended, "subscription.renewal_due": _renewal_due, "payment.failed": _payment_failed, "payment.recovered": _payment_recovered,
}  # fmt: skip
