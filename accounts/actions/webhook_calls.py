"""Calling outgoing webhooks: at least once, in the receiver's hands once, by the id that every try carries.

A delivery is claimed and committed before anybody is called, and no transaction is open meanwhile; a worker
that dies in between leaves a claim that runs out, and the call is made again. Several are called at once, so
that a slow receiver keeps nobody else waiting; one that fails is tried with few at a time.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.actions.instances import is_in_doubt
from accounts.actions.webhooks import TEST
from accounts.models import Account, Installation, OutgoingMail, User, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from accounts.outward_calls import Answer, post, signature
from accounts.roles import Role

# seconds after the try before; ten tries over a bit more than three days
LADDER = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
GIVES_UP = dt.timedelta(days=5)
# longer than all calls of a round can take
LEASE = dt.timedelta(minutes=2)
AT_ONCE, OF_ONE, OF_ONE_THAT_FAILS = 16, 8, 2
GONE = "410"
Status = WebhookDelivery.Status
Off = WebhookEndpoint.Off

_CLAIM = """
UPDATE accounts_webhookdelivery SET tries = tries + 1, next_attempt_at = %(until)s
WHERE id IN (
    SELECT due.id FROM accounts_webhookendpoint w CROSS JOIN LATERAL (
        SELECT d.id, d.next_attempt_at FROM accounts_webhookdelivery d
        WHERE d.endpoint_id = w.id AND d.status = 'waiting' AND d.next_attempt_at <= %(now)s
        ORDER BY d.next_attempt_at LIMIT CASE WHEN w.failing_since IS NULL THEN %(many)s ELSE %(few)s END FOR UPDATE SKIP LOCKED) due
    WHERE w.active ORDER BY due.next_attempt_at LIMIT %(limit)s)
RETURNING id
"""


@dataclass(frozen=True)
class _Call:
    """One call as it will be made."""

    row: WebhookDelivery
    body: bytes
    headers: dict[str, str]


def claim_deliveries(*, now: dt.datetime, limit: int = AT_ONCE) -> list[WebhookDelivery]:
    """Takes due deliveries and commits the claim. Must not be called inside a transaction (raises RuntimeError)."""
    if connection.in_atomic_block:
        raise RuntimeError("A claim must be committed before anybody is called: call it outside a transaction.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "until": now + LEASE, "many": OF_ONE, "few": OF_ONE_THAT_FAILS, "limit": limit})
        ids = [row[0] for row in cursor.fetchall()]
    related = ("endpoint__acts_for", "event__account", "event__contact")
    return list(WebhookDelivery.objects.filter(pk__in=ids).select_related(*related).order_by("pk"))


def send_deliveries(*, clock: Callable[[], dt.datetime], goes_on: Callable[[], bool] = lambda: True, rounds: int = 1000) -> Counter[str]:
    """Calls whoever is due; counts by `delivered`, `again`, `failed`, `dropped`. Nothing leaves while sending is off, from a copy, or from a sandbox."""
    counts: Counter[str] = Counter()
    if settings.SANDBOX or not Installation.current().sending_enabled or is_in_doubt():
        return counts
    for _round in range(rounds):
        claimed = claim_deliveries(now=clock()) if goes_on() else []
        if not claimed:
            break
        calls = _to_make(claimed, counts, clock)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as threads:
            answers = list(threads.map(_made, calls))
        for call, (answer, milliseconds) in zip(calls, answers, strict=True):
            counts[_settle(call.row, answer, milliseconds, clock())] += 1
    return counts


def _to_make(claimed: Sequence[WebhookDelivery], counts: Counter[str], clock: Callable[[], dt.datetime]) -> list[_Call]:
    """The calls of what may still be told; the rest is settled here."""
    seen: dict[int, set[int]] = {}
    by_user: dict[int, set[int]] = defaultdict(set)
    users = {row.endpoint.acts_for_id: row.endpoint.acts_for for row in claimed}
    for row in claimed:
        if row.event is not None:
            by_user[row.endpoint.acts_for_id].add(row.event.account_id)
    for user_id, accounts in by_user.items():
        seen[user_id] = set(Account.objects.visible_to(users[user_id]).filter(pk__in=accounts).values_list("pk", flat=True))
    epoch, calls = Installation.current().epoch.hex[:12], []
    for row in claimed:
        why = _why_not(row, seen.get(row.endpoint.acts_for_id, set()))
        if why == "owner":
            _switch_off(row.endpoint_id, Off.OWNER, clock())
            WebhookDelivery.objects.filter(pk=row.pk).update(tries=0)
            counts["dropped"] += 1
        elif why:
            WebhookDelivery.objects.filter(pk=row.pk).update(status=Status.DROPPED, answer=why, next_attempt_at=None)
            counts["dropped"] += 1
        else:
            calls.append(call_of(row, epoch=epoch, now=clock()))
    return calls


def _why_not(row: WebhookDelivery, seen: set[int]) -> str:
    user = row.endpoint.acts_for
    if not user.is_active or user.role not in {Role.ADMIN, Role.MANAGER}:
        return "owner"
    if row.kind == TEST:
        return ""
    if row.event is None:
        return "event_gone"
    return "" if row.event.account_id in seen else "out_of_scope"


def call_of(row: WebhookDelivery, *, epoch: str, now: dt.datetime) -> _Call:
    """Body and headers of a delivery: signed with the secret, for a day after a change also with the one before."""
    endpoint = row.endpoint
    body = json.dumps(content_of(row), separators=(",", ":"), ensure_ascii=False).encode()
    call_id, seconds = f"msg_{epoch}_{row.pk}", int(now.timestamp())
    secrets = [endpoint.secret, *([endpoint.previous_secret] if endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > now else [])]
    signed = " ".join(signature(secret, call_id=call_id, timestamp=seconds, body=body) for secret in secrets)
    return _Call(row, body, {"webhook-id": call_id, "webhook-timestamp": str(seconds), "webhook-signature": signed})


def content_of(row: WebhookDelivery) -> dict[str, object]:
    """What is told: ids, keys, codes and instants, nothing personal."""
    event = row.event
    if event is None:
        return {"type": row.kind, "timestamp": row.created_at.isoformat(), "data": {}}
    return {
        "type": event.kind, "timestamp": event.occurred_at.isoformat(),
        "data": {
            "event": event.pk, "recorded_at": event.recorded_at.isoformat(), "origin": event.origin,
            "account": {"id": event.account_id, "external_id": event.account.external_id},
            "contact": {"id": event.contact_id, "external_id": event.contact.external_id} if event.contact else None,
            "subject": {"type": event.subject_type, "id": event.subject_id} if event.subject_type else None,
            "payload": event.payload,
        },
    }  # fmt: skip


def _made(call: _Call) -> tuple[Answer, int]:
    began = time.monotonic()
    answer = post(call.row.endpoint.url, body=call.body, headers=call.headers, private=settings.PLAYBOOK_PRIVATE_CALLS, allowed=settings.OUTWARD_NETWORKS)
    return answer, round((time.monotonic() - began) * 1000)


def _settle(row: WebhookDelivery, answer: Answer, milliseconds: int, now: dt.datetime) -> str:
    """Writes down what became of a try, and what it says of the endpoint; returns the word it counts by."""
    delivered = answer.outcome == "done"
    with transaction.atomic():
        if not WebhookDelivery.objects.select_for_update().filter(pk=row.pk).exists():
            # the webhook was removed meanwhile
            return "dropped"
        WebhookAttempt.objects.create(delivery=row, at=now, delivered=delivered, answer=answer.reason[:40], milliseconds=milliseconds)
        mine = WebhookDelivery.objects.filter(pk=row.pk)
        endpoint = WebhookEndpoint.objects.filter(pk=row.endpoint_id)
        if delivered:
            mine.update(status=Status.DELIVERED, answer=answer.reason, delivered_at=now, next_attempt_at=None)
            endpoint.update(failing_since=None, last_success_at=now)
            return "delivered"
        endpoint.filter(failing_since=None).update(failing_since=now)
        since = endpoint.values_list("failing_since", flat=True).first() or now
        over = answer.reason == GONE or row.tries >= len(LADDER)
        if over:
            mine.update(status=Status.FAILED, answer=answer.reason[:40], next_attempt_at=None)
        else:
            mine.update(answer=answer.reason[:40], next_attempt_at=now + dt.timedelta(seconds=LADDER[row.tries]))
        if answer.reason == GONE:
            _switch_off(row.endpoint_id, Off.GONE, now)
        elif now - since >= GIVES_UP:
            _switch_off(row.endpoint_id, Off.FAILING, now)
        return "failed" if over else "again"


def _switch_off(endpoint_id: int, reason: str, now: dt.datetime) -> None:
    """Switches a webhook off and writes to the person it acts for; where they have left, to the admins. Once."""
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update(no_key=True, of=("self",)).select_related("acts_for").filter(pk=endpoint_id, active=True).first()
        if row is None:
            return
        row.active, row.off_reason, row.off_at = False, reason, now
        row.version += 1
        row.save(update_fields=["active", "off_reason", "off_at", "version", "updated_at"])
        owner = row.acts_for
        readers = [owner] if owner.is_active and reason != Off.OWNER else list(User.objects.filter(is_active=True, role=Role.ADMIN).order_by("pk")[:20])
        for reader in readers:
            _write(row, reader, now)


def _write(row: WebhookEndpoint, reader: User, now: dt.datetime) -> None:
    with override(reader.language or settings.LANGUAGE_CODE):
        subject = _("A webhook was switched off")
        text = _("Vefa no longer calls %(url)s: %(reason)s. What happens meanwhile can be sent later, up to 30 days back: %(page)s") % {
            "url": row.url, "reason": row.get_off_reason_display(), "page": f"{settings.PUBLIC_BASE_URL}/settings/webhooks/{row.pk}/",
        }  # fmt: skip
    OutgoingMail.objects.create(
        kind=OutgoingMail.Kind.ALERT, subject_type="webhook", subject_id=str(row.pk), to_address=reader.email, language=reader.language, mail_subject=subject,
        body_text=text, headers={"Auto-Submitted": "auto-generated"}, next_attempt_at=now,
    )  # fmt: skip
