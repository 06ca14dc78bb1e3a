"""Links by which a customer opens a plan without a login. The token is told once; only its hash is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.db import transaction

from accounts.actions.onboarding_plans import PlanClosed, locked_plan
from accounts.models import Contact, OnboardingPlan, PlanLink, User

LIVES_DAYS = 90
LONGEST_DAYS = 365


def token_digest(token: str) -> bytes:
    """What is stored of a token; whoever reads it cannot make a link of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def issue_link(*, plan_id: int, actor: User | None, now: dt.datetime, days: int = LIVES_DAYS, contact: Contact | None = None) -> tuple[PlanLink, str]:
    """A new link and its token of 256 random bits, which is told here and nowhere again.

    Raises PlanClosed for a plan that was stopped, ValueError for fewer than 1 or more than 365 days and for a contact of
    another account.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"A link lives between 1 and {LONGEST_DAYS} days.")
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        plan = locked_plan(plan_id)
        if plan.status == OnboardingPlan.Status.STOPPED:
            raise PlanClosed
        if contact is not None and contact.account_id != plan.account_id:
            raise ValueError("the contact is another account's")
        link = PlanLink.objects.create(
            plan=plan, contact=contact, token_digest=token_digest(token), issued_by=actor, issued_at=now, expires_at=now + dt.timedelta(days=days)
        )  # fmt: skip
    return link, token


def revoke_link(*, link_id: int, now: dt.datetime) -> PlanLink:
    """Ends a link at once and for good; ended already it stays as it was."""
    with transaction.atomic():
        link = PlanLink.objects.select_for_update(no_key=True).get(pk=link_id)
        if link.revoked_at is None:
            link.revoked_at = now
            link.save(update_fields=["revoked_at"])
    return link
