"""How the demo's team closed the loop on unhappy answers of the past months: mostly in time, not always."""

from __future__ import annotations

import datetime as dt
import random

from accounts.models import User
from surveys.actions.cases import deadline_of
from surveys.models import LoopCase, Response

OUTCOMES = (
    LoopCase.Resolution.SOLVED,
    LoopCase.Resolution.SOLVED,
    LoopCase.Resolution.EXPLAINED,
    LoopCase.Resolution.PLANNED,
    LoopCase.Resolution.COMPENSATED,
    LoopCase.Resolution.NOT_REACHED,
)
NOTES = {
    "solved": {"en": "Fixed with support, called to say so.", "tr": "Destekle çözüldü, arayıp haber verildi."},
    "explained": {"en": "Went through the settings together.", "tr": "Ayarların üzerinden birlikte geçildi."},
    "planned": {"en": "On the list for next quarter.", "tr": "Gelecek çeyreğin listesinde."},
    "compensated": {"en": "One month free.", "tr": "Bir ay ücretsiz."},
    "not_reached": {"en": "Three calls, no answer.", "tr": "Üç kez arandı, yanıt yok."},
}


def close_demo_loops(*, now: dt.datetime, seed: int) -> int:
    """Closed cases of unhappy answers that are three weeks to a year old; returns how many."""
    dice = random.Random(f"loop {seed}")
    old = Response.objects.filter(
        account__owner__isnull=False, answered_at__lt=now - dt.timedelta(days=21), answered_at__gte=now - dt.timedelta(days=365), kind__in=["nps", "csat"]
    )
    languages = dict(User.objects.values_list("pk", "language"))
    made = []
    for answer in old.filter(score__lte=6).select_related("account").order_by("answered_at", "pk"):
        if answer.account is None or answer.answered_at is None or answer.score is None or (answer.kind == "csat" and answer.score > 2) or dice.random() < 0.2:
            continue
        due_at = deadline_of(response=answer, now=answer.answered_at)
        closed_at = answer.answered_at + (due_at - answer.answered_at) * (dice.uniform(0.2, 0.98) if dice.random() < 0.78 else dice.uniform(1.05, 3))
        outcome = dice.choice(OUTCOMES)
        owner = answer.account.owner_id
        made.append(
            LoopCase(
                response=answer, account_id=answer.account.pk, contact_id=answer.contact_id, opened_at=answer.answered_at, due_at=due_at, closed_at=min(closed_at, now),
                closed_by_id=owner, resolution=outcome, note=NOTES[str(outcome)]["tr" if languages.get(owner or 0) == "tr" else "en"],
                escalated_at=due_at if closed_at > due_at else None,
            )
        )  # fmt: skip
    return len(LoopCase.objects.bulk_create(made))
