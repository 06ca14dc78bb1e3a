"""Outgoing webhooks: made, changed, given another secret, removed; their deliveries sent again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from accounts.actions.incoming_hooks import new_secret
from accounts.actions.rows import assign, locked, save_changes
from accounts.event_kinds import EVENT_KINDS
from accounts.models import User, WebhookDelivery, WebhookEndpoint
from accounts.outward_calls import fault_of

# what is older is not kept, and not sent again
KEPT = dt.timedelta(days=30)
# how long what leaves is signed with the secret before as well
BOTH_SECRETS = dt.timedelta(hours=24)
# of one replay; the next begins where it ended
MOST_AT_ONCE = 50_000
TEST = "webhook.test"
Status = WebhookDelivery.Status
Off = WebhookEndpoint.Off


def check_address(url: str) -> None:
    """Raises ValidationError (for `url`) with the reason why an address cannot be called; looks its name up."""
    fault = fault_of(url, private=settings.PLAYBOOK_PRIVATE_CALLS, allowed=settings.OUTWARD_NETWORKS, resolve=True)
    words = {
        "address": _("An https address is expected, without a name and password in it."),
        "port": _("Only the ports 443 and 8443 are called."),
        "private_address": _("This address lies inside a network; only the open internet is called."),
        "no_address": _("This name has no address."),
    }
    if fault:
        raise ValidationError({"url": ValidationError(words[fault], code=fault)})


def _check(fields: Mapping[str, Any]) -> None:
    if "url" in fields:
        check_address(fields["url"])
    if unknown := sorted(set(fields.get("kinds", [])) - EVENT_KINDS.keys()):
        raise ValidationError({"kinds": ValidationError(_("There is no such kind of event: %(names)s.") % {"names": ", ".join(unknown)}, code="unknown")})


def create_endpoint(*, fields: Mapping[str, Any], actor: User, now: dt.datetime) -> WebhookEndpoint:
    """A new webhook that acts for `actor`; its secret stands on the row that is returned. Raises ValidationError."""
    _check(fields)
    with transaction.atomic():
        values = {**fields, "kinds": sorted(set(fields.get("kinds", [])))}
        row = WebhookEndpoint(secret=new_secret(), acts_for=actor, **values)
        if not row.active:
            row.off_reason, row.off_at = Off.HAND, now
        row.save(force_insert=True)
        _log(row, actor, ADDITION, "", now)
    return row


def change_endpoint(*, endpoint_id: int, fields: Mapping[str, Any], actor: User, now: dt.datetime, version: int | None = None) -> WebhookEndpoint:
    """Changes what differs; switching it on begins with a clean record. Raises ValidationError, DoesNotExist, StaleVersion."""
    _check(fields)
    with transaction.atomic():
        row = locked(WebhookEndpoint, actor=actor, version=version, pk=endpoint_id)
        values = dict(fields)
        if "kinds" in values:
            values["kinds"] = sorted(set(values["kinds"]))
        if values.get("active", row.active) != row.active:
            values |= {"off_reason": "", "off_at": None, "failing_since": None} if values["active"] else {"off_reason": Off.HAND, "off_at": now}
        differing = assign(row, values)
        if differing:
            save_changes(row, differing, now=now)
            _log(row, actor, CHANGE, ", ".join(sorted(set(differing) & set(fields))), now)
    return row


def rotate_secret(*, endpoint_id: int, actor: User, now: dt.datetime) -> WebhookEndpoint:
    """Gives it a new secret; for a day what leaves is signed with both. Raises DoesNotExist."""
    with transaction.atomic():
        row = locked(WebhookEndpoint, actor=actor, pk=endpoint_id)
        row.previous_secret, row.previous_until, row.secret = row.secret, now + BOTH_SECRETS, new_secret()
        row.version += 1
        row.save(update_fields=["secret", "previous_secret", "previous_until", "version", "updated_at"])
        _log(row, actor, CHANGE, "secret", now)
    return row


def remove_endpoint(*, endpoint_id: int, actor: User, now: dt.datetime) -> None:
    """Removes it with what was sent to it. Raises DoesNotExist."""
    with transaction.atomic():
        row = locked(WebhookEndpoint, actor=actor, pk=endpoint_id)
        _log(row, actor, DELETION, "", now)
        with connection.cursor() as cursor:
            # in the database: there may be very many
            cursor.execute("DELETE FROM accounts_webhookattempt a USING accounts_webhookdelivery d WHERE a.delivery_id = d.id AND d.endpoint_id = %s", [row.pk])
            cursor.execute("DELETE FROM accounts_webhookdelivery WHERE endpoint_id = %s", [row.pk])
        row.delete()


def send_test(*, endpoint_id: int, now: dt.datetime) -> WebhookDelivery:
    """Queues a call that says nothing but that it is a test."""
    return WebhookDelivery.objects.create(endpoint_id=endpoint_id, kind=TEST, next_attempt_at=now)


def replay_deliveries(*, ids: Collection[int], now: dt.datetime) -> int:
    """Sends deliveries once more, under the ids they had; returns how many. What waits already is left."""
    rows = WebhookDelivery.objects.filter(pk__in=ids).exclude(status=Status.WAITING)
    return rows.update(status=Status.WAITING, tries=0, next_attempt_at=now, replays=Least(F("replays") + 1, 30_000))


# those that were never written down (it was off, or did not exist) and those that are over, the oldest first
_MISSED = """
INSERT INTO accounts_webhookdelivery (endpoint_id, event_id, kind, status, tries, replays, next_attempt_at, answer)
SELECT w.id, e.id, e.kind, 'waiting', 0, 0, %(now)s, ''
FROM accounts_webhookendpoint w JOIN accounts_accountevent e ON e.recorded_at >= %(since)s AND e.recorded_at < %(until)s
WHERE w.id = %(endpoint)s AND e.origin <> 'import' AND (w.kinds = '{}' OR e.kind = ANY (w.kinds))
  AND NOT EXISTS (SELECT 1 FROM accounts_webhookdelivery d WHERE d.endpoint_id = w.id AND d.event_id = e.id)
ORDER BY e.recorded_at, e.id LIMIT %(most)s
ON CONFLICT DO NOTHING
"""
_AGAIN = """
UPDATE accounts_webhookdelivery SET status = 'waiting', tries = 0, next_attempt_at = %(now)s, replays = least(replays + 1, 30000)
WHERE id IN (SELECT d.id FROM accounts_webhookdelivery d JOIN accounts_accountevent e ON e.id = d.event_id
             WHERE d.endpoint_id = %(endpoint)s AND d.status = ANY (%(states)s) AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s
             ORDER BY d.id LIMIT %(most)s)
"""


def replay_since(*, endpoint_id: int, since: dt.datetime, until: dt.datetime | None, delivered_too: bool, now: dt.datetime) -> int:
    """Sends what was recorded from `since` on (before `until`): what failed or was missed, on request also what arrived.

    Returns how many, at most 100,000. Receivers know repetitions by their id. Raises ValidationError for a
    stretch that is empty or begins before what is kept.
    """
    until = min(until or now, now)
    if since >= until:
        raise ValidationError({"since": ValidationError(_("This must lie before the end."), code="order")})
    if since < now - KEPT:
        raise ValidationError({"since": ValidationError(_("At most %(days)d days back.") % {"days": KEPT.days}, code="too_early")})
    states = [str(one) for one in (Status.FAILED, Status.DROPPED, *([Status.DELIVERED] if delivered_too else []))]
    values: dict[str, Any] = {"endpoint": endpoint_id, "since": since, "until": until, "now": now, "most": MOST_AT_ONCE, "states": states}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_AGAIN, values)
        again = cursor.rowcount
        cursor.execute(_MISSED, values)
        return again + cursor.rowcount


_OLD = """
WITH old AS (SELECT id FROM accounts_webhookdelivery WHERE created_at < %(before)s ORDER BY created_at LIMIT %(limit)s),
     tries AS (DELETE FROM accounts_webhookattempt WHERE delivery_id IN (SELECT id FROM old))
DELETE FROM accounts_webhookdelivery WHERE id IN (SELECT id FROM old)
"""


def forget_deliveries(*, now: dt.datetime, limit: int = 20_000) -> int:
    """Removes deliveries of more than 30 days ago; returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OLD, {"before": now - KEPT, "limit": limit})
        return cursor.rowcount


def _log(row: WebhookEndpoint, actor: User, flag: int, message: str, now: dt.datetime) -> None:
    """Who did what, in the administration's log; never a secret."""
    LogEntry.objects.create(
        action_time=now, user=actor, content_type=ContentType.objects.get_for_model(WebhookEndpoint), object_id=str(row.pk), object_repr=str(row)[:200], action_flag=flag,
        change_message=message,
    )  # fmt: skip
