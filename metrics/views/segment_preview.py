"""What a typed rule would do, as the editor shows it: a row a segment, the largest who move, and why one account fits or not."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import wording
from accounts.collation import search_key
from accounts.models import Account, Segment
from accounts.queries.rule_matches import Reason, explain_many
from accounts.signed_in import SignedInRequest
from metrics.segments.preview import NEW, Preview, place_of, with_change
from metrics.segments.reading import read_rule


def today_of(now: dt.datetime) -> dt.date:
    """The day in the organisation's zone."""
    return now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()


def shown(request: SignedInRequest, found: Preview, *, segment: Segment | None, rule: Any, now: dt.datetime) -> dict[str, Any]:
    """The preview for the page; movers and their reasons as far as the reader may see the accounts."""
    mine, (accounts, mrr) = (segment.pk if segment else NEW), found.total
    names: dict[int | None, str] = {row.pk: wording.segment_name(row) for row in Segment.objects.order_by("position", "pk")}
    if segment is None:
        names[NEW] = _("this new segment")
    names[None] = _("without a segment")
    table = [{"name": name, "mine": key == mine, **found.of(key)} for key, name in names.items()]
    own = found.of(mine)
    visible = Account.objects.visible_to(request.user).in_bulk([mover.account_id for mover in found.movers])
    movers = [mover for mover in found.movers if mover.account_id in visible]
    reasons: dict[int, list[Reason]] = {}
    if rule is not None and movers:
        reasons = explain_many(read_rule(rule), [mover.account_id for mover in movers], now=now, today=today_of(now))
    return {
        "table": table, "own": own, "accounts": accounts, "mrr": mrr, "moving": found.moving, "held": found.held,
        "share": own["after"] / accounts if accounts else None, "mrr_share": own["mrr_after"] / mrr if mrr else None,
        "movers": [
            {
                "account": visible[mover.account_id], "before": names.get(mover.before_id, ""), "after": names.get(mover.target_id, ""), "mrr": mover.mrr_micros,
                "reasons": reasons.get(mover.account_id, []),
            }
            for mover in movers
        ],
    }  # fmt: skip


def tried(request: SignedInRequest, segment: Segment | None, rule: Any, *, now: dt.datetime) -> dict[str, Any] | None:
    """One account that somebody named, by its external id or the beginning of its name: where it would be, and every condition with its own value."""
    wanted = request.POST.get("try", "").replace("\x00", "").strip()[:200]
    if not wanted:
        return None
    visible = Account.objects.visible_to(request.user)
    account = visible.filter(external_id=wanted).first() or visible.filter(name_search__contains=search_key(wanted)).order_by("name_sort", "pk").first()
    if account is None:
        return {"account": None}
    rows = with_change(segment=segment, rule=rule)
    place = place_of(account.pk, rows, now=now)
    names = {row.pk: wording.segment_name(row) if row.pk else _("this new segment") for row in rows}
    target = place.target_id if place else None
    reasons = explain_many(read_rule(rule), [account.pk], now=now, today=today_of(now)).get(account.pk, []) if rule is not None else []
    return {"account": account, "stands": place.stands if place else False, "after": _("without a segment") if target is None else names.get(target, ""), "reasons": reasons}
