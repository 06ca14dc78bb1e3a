"""Work of the demo that ended months ago, so that the studio can look back on who stayed."""

from __future__ import annotations

import datetime as dt
import random

from accounts.models import Account, WorkItem
from accounts.sentences import why
from metrics.models import HealthScore

# as early as the demo has scores; ended before every span of closed months whose 90 days are over
OPENED, ENDED = dt.timedelta(days=125), dt.timedelta(days=121)
ITEMS = 40


def end_demo_work(*, now: dt.datetime, seed: int) -> int:
    """Ended work for the accounts that stood worst in the first week that has scores, three of four done; returns how many items."""
    dice = random.Random(seed)
    first = HealthScore.objects.order_by("day").values_list("day", flat=True).first()
    if first is None:
        return 0
    worst = list(
        HealthScore.objects.filter(day=first, account__in=Account.objects.filter(owner__isnull=False)).order_by("score", "account_id").values_list("account_id", "score")[:ITEMS]
    )
    owners = dict(Account.objects.filter(pk__in=[account for account, _score in worst]).values_list("pk", "owner_id"))
    made = WorkItem.objects.bulk_create(
        WorkItem(
            account_id=account, type=WorkItem.Type.RISK, reason="health", why=why("band_changed", before=round(score / 100) + 20, score=round(score / 100)), owner_id=owners[account],
            due_at=now - OPENED + dt.timedelta(days=2), status=WorkItem.Status.DROPPED if dice.random() < 0.25 else WorkItem.Status.DONE,
            closed_at=now - ENDED + dt.timedelta(hours=dice.randrange(20)), closed_by_id=owners[account],
        )
        for account, score in worst
    )  # fmt: skip
    WorkItem.objects.filter(pk__in=[item.pk for item in made]).update(created_at=now - OPENED)
    return len(made)
