"""Work of the demo: what a team would have open on a Monday morning, through the product's own actions."""

from __future__ import annotations

import datetime as dt

from accounts.actions.work_items import open_work_item
from accounts.models import Account, AccountSnapshot, WorkItem
from accounts.sentences import why
from surveys.actions.cases import deadline_of, open_case
from surveys.actions.follow_ups import work_reason
from surveys.models import Response

# next steps as their owners would have typed them
RISK_STEPS = {
    "en": ("Call the sponsor", "Review use with the champion", "Agree on a fix date with support", "Find the new administrator"),
    "tr": ("Sponsoru arayın", "Kullanımı şampiyonla gözden geçirin", "Destekle düzeltme tarihi kararlaştırın", "Yeni yöneticiyi bulun"),
}
CALL_BACK = {"en": "Call back", "tr": "Geri arayın"}
FORECAST = {"en": "Set the renewal forecast", "tr": "Yenileme tahminini girin"}


def open_demo_work(*, now: dt.datetime) -> int:
    """Opens work for accounts at risk, unhappy answers and renewals that come near; returns how many items."""
    made = 0
    spoken = dict(Account.objects.filter(owner__isnull=False).values_list("pk", "owner__language"))
    watched = AccountSnapshot.objects.filter(owner__isnull=False, health__isnull=False, account__churned_at__isnull=True)
    for index, snapshot in enumerate(watched.filter(band="at_risk").order_by("-stake_micros", "pk")[:40]):
        _, new = open_work_item(
            account_id=snapshot.pk, type=WorkItem.Type.RISK, reason="health", why=snapshot.why, title=RISK_STEPS[spoken[snapshot.pk]][index % 4],
            now=now, due_at=now + dt.timedelta(days=(index * 5) % 11 - 3, hours=2), priority=1,
        )  # fmt: skip
        made += new
    unhappy = (
        Response.objects.filter(account__owner__isnull=False, answered_at__gte=now - dt.timedelta(days=21), account__churned_at__isnull=True, kind__in=["nps", "csat"])
        .filter(score__lte=6)
        .select_related("account")
        .order_by("-answered_at", "pk")
    )
    for answer in unhappy[:30]:
        if answer.account_id is None or answer.answered_at is None or answer.score is None or (answer.kind == "csat" and answer.score > 2):
            continue
        sentence = (
            why("low_score_ticket", score=answer.score, scale_max=answer.scale_max, ticket=answer.ticket_id)
            if answer.ticket_id
            else why("low_score", score=answer.score, scale_max=answer.scale_max, survey=answer.kind.upper())
        )
        due_at = deadline_of(response=answer, now=answer.answered_at + dt.timedelta(days=4))
        item, new = open_work_item(
            account_id=answer.account_id, contact_id=answer.contact_id, type=WorkItem.Type.CLOSE_LOOP, reason=work_reason(answer), why=sentence,
            title=CALL_BACK[spoken[answer.account_id]], now=now, due_at=due_at, source=WorkItem.Source.SURVEY, subject_type="response", subject_id=str(answer.pk),
        )  # fmt: skip
        open_case(response=answer, work_item=item, due_at=due_at, now=answer.answered_at)
        made += new
    soon = watched.filter(renews_on__gte=now.date(), renews_on__lte=now.date() + dt.timedelta(days=60)).order_by("renews_on", "pk")
    for snapshot in soon[:25]:
        if snapshot.renews_on is None:
            continue
        days = (snapshot.renews_on - now.date()).days
        _, new = open_work_item(
            account_id=snapshot.pk, type=WorkItem.Type.RENEWAL, reason=f"renewal:{snapshot.renews_on}", why=why("days_to_renewal", days=days),
            title=FORECAST[spoken[snapshot.pk]], now=now, due_at=now + dt.timedelta(days=max(days // 8, 1)),
        )  # fmt: skip
        made += new
    return made
