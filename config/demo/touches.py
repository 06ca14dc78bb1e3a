"""Touches of the demo's CSMs with their minutes over the last weeks, and work they closed: what the team page and the effort are made of."""

from __future__ import annotations

import datetime as dt
import random

from accounts.actions.touches import log_touch
from accounts.actions.work_items import close_work_item, open_work_item
from accounts.models import Account, WorkItem
from accounts.roles import Role

CHANNELS = ("call", "mail", "meeting")
WEEKS = 18
# every so many accounts one had work that was closed
CLOSED_EVERY = 5
STEPS = {"en": ("Follow up on the review", "Called back"), "tr": ("Görüşmenin sonrasını takip edin", "Geri arandı")}


def log_demo_touches(*, seed: int, now: dt.datetime) -> int:
    """Logs up to four touches an account by its owner, more for large segments, and closes some work; returns how many touches."""
    dice = random.Random(f"{seed} touches")
    accounts = Account.objects.filter(owner__role=Role.CSM, churned_at=None).select_related("owner", "segment").order_by("pk")
    made = 0
    for place, account in enumerate(accounts):
        often = 4 if account.segment and account.segment.key == "vip" else 2
        for _turn in range(dice.randint(0, often)):
            at = now - dt.timedelta(days=dice.randint(1, 7 * WEEKS), minutes=dice.randint(0, 480))
            log_touch(account_id=account.pk, actor=account.owner, channel=dice.choice(CHANNELS), minutes=dice.choice((10, 15, 20, 30, 45, 60)), occurred_at=at, now=now)
            made += 1
        if place % CLOSED_EVERY or account.owner is None:
            continue
        title, outcome = STEPS[account.owner.language]
        closed = now - dt.timedelta(days=dice.randint(25, 90))
        due = closed + dt.timedelta(days=dice.choice((-2, 1, 3)))
        item, _new = open_work_item(
            account_id=account.pk, type=WorkItem.Type.ACTIVITY, reason="review", why={}, title=title, now=closed - dt.timedelta(days=5), due_at=due, owner_id=account.owner_id
        )
        close_work_item(item_id=item.pk, actor=account.owner, now=closed, outcome=outcome)
    return made
