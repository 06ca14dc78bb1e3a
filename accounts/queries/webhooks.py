"""What the pages of webhooks show: those that go out and come in, and the log of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse

from accounts.actions.incoming_hooks import SOURCE
from accounts.models import InboundEvent, IncomingHook, User, WebhookDelivery, WebhookEndpoint
from accounts.roles import Role

PAGE = 50
MOST = 1001
Status = WebhookDelivery.Status


def outgoing(user: User) -> list[dict[str, Any]]:
    """The webhooks a person may see, with how many deliveries wait and failed (at most 1001 each)."""
    rows = list(WebhookEndpoint.objects.visible_to(user).select_related("acts_for").order_by("pk")[:200])
    return [{"row": row, **{word: row.deliveries.filter(status=state)[:MOST].count() for word, state in (("waiting", Status.WAITING), ("failed", Status.FAILED))}} for row in rows]


def incoming(user: User) -> list[dict[str, Any]]:
    """The senders that may tell us something, for admins: their address, and how many calls wait or could not be worked on."""
    if user.role != Role.ADMIN:
        return []
    rows = list(IncomingHook.objects.select_related("acts_for").order_by("name")[:200])
    found = InboundEvent.objects.filter(source__in=[f"{SOURCE}{row.name}" for row in rows], status__in=[InboundEvent.Status.NEW, InboundEvent.Status.FAILED])
    counts: dict[str, Any] = {
        entry["source"]: entry
        for entry in found.values("source").annotate(waiting=Count("pk", filter=Q(status=InboundEvent.Status.NEW)), failed=Count("pk", filter=Q(status=InboundEvent.Status.FAILED)))
    }
    none: dict[str, int] = {"waiting": 0, "failed": 0}
    return [{"row": row, "address": address_of(row), **{word: counts.get(f"{SOURCE}{row.name}", none)[word] for word in none}} for row in rows]


def address_of(hook: IncomingHook) -> str:
    """The address that a sender posts to."""
    name = "stripe_named_hook" if hook.proof == IncomingHook.Proof.STRIPE else "named_hook"
    return f"{settings.PUBLIC_BASE_URL}{reverse(name, args=[hook.name])}"


@dataclass(frozen=True)
class DeliveryPage:
    """A page of the log of one webhook, the newest first; `older` is the id to go on before."""

    rows: list[WebhookDelivery]
    older: int | None
    counts: dict[str, int]


def deliveries(endpoint: WebhookEndpoint, *, status: str = "", before: int | None = None) -> DeliveryPage:
    """The page; `status` keeps those of one status. Counts stop at 1001."""
    rows = endpoint.deliveries.select_related("event__account")
    counts = {state: endpoint.deliveries.filter(status=state)[:MOST].count() for state in Status.values}
    if status:
        rows = rows.filter(status=status)
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return DeliveryPage(found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None, counts)
