"""Work that closes itself: what opened it is over.

Only work that a rule or a playbook opened for a cause that can end, and only until somebody opens it again
by hand: then a person has judged, and it stays. What a playbook opened has the cause of the playbook's
trigger; a step that keeps its work (`keep_on_exit`) keeps it here, too. Which kinds of work close
themselves is set beside the assumptions of the ranking (`WorkAssumption.closes_itself`).

Who writes the snapshot closes what recovered in its own transaction (`account_ids`); events are looked for
at every tick of playbooks; the hourly sweep looks at all, so that nothing stays open for good.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.models.events import Origin

RECOVERED = "recovered"
# what ended by its playbook's end, not by its own cause
ENDED_WITH_PLAYBOOK = "over:playbook"
# over a work item `w` that closed: whether it did so by itself
CLOSED_ITSELF = "(w.closed_by_id IS NULL AND (w.outcome = 'recovered' OR w.outcome LIKE 'over:%%'))"
# events that may be the end of a cause
KINDS = ("payment.recovered", "subscription.started", "subscription.changed", "subscription.ended", "touch.logged", "survey.answered", "stage.changed", "health.band_changed")

_KIND, _EVENT = "v.trigger ->> 'kind'", "v.trigger ->> 'event'"
_IDLE = f"({_KIND} = 'stage' AND coalesce((v.trigger ->> 'idle_days')::int, 0) > 0)"
# the day of the renewal that the run is about, as text: it is compared, never read
_RENEWAL = "coalesce(substring(r.occasion FROM '^renews_on:(.{10})'), left(f.payload ->> 'renews_at', 10))"
_OF_RENEWAL = f"({_RENEWAL} IS NOT NULL AND (({_KIND} = 'date' AND v.trigger ->> 'field' = 'renews_on') OR {_EVENT} = 'subscription.renewal_due'))"
_OF_ANSWER = f"({_KIND} = 'answer' AND (v.trigger -> 'group') ?| ARRAY['detractor', 'low'] AND f.contact_id IS NOT NULL)"


def _came(kind: str, since: str, more: str = "") -> str:
    return f"EXISTS (SELECT 1 FROM accounts_accountevent e WHERE e.account_id = w.account_id AND e.kind = '{kind}' AND e.occurred_at > {since} AND e.occurred_at <= %(now)s{more})"


# the outcome, and when the cause is over: over the work `w`, its account `a` and snapshot `s`, its run `r` with version `v` and event `f`
_OVER = (
    (RECOVERED, "w.type = 'risk' AND w.reason = 'health' AND s.band IN ('healthy', 'watch')"),
    (
        RECOVERED,
        f"{_KIND} = 'band' AND NOT (v.trigger -> 'to') ? 'healthy' AND (s.band = 'healthy' OR s.band = 'watch' AND NOT (v.trigger -> 'to') ? 'watch')",
    ),
    (
        "over:payment",
        f"{_EVENT} = 'payment.failed' AND "
        # of the same invoice, where both say which
        + _came(
            "payment.recovered",
            "coalesce(f.occurred_at, r.started_at)",
            " AND coalesce(nullif(e.payload ->> 'invoice', ''), f.payload ->> 'invoice', '') = coalesce(nullif(f.payload ->> 'invoice', ''), e.payload ->> 'invoice', '')",
        ),
    ),
    # its day moved on by weeks (a corrected date moves by days), or passed and another one stands
    (
        "over:renewed",
        f"{_OF_RENEWAL} AND s.renews_on IS NOT NULL AND ((s.renews_on - 27)::text > {_RENEWAL} OR (%(today)s::date::text > {_RENEWAL} AND s.renews_on::text > {_RENEWAL}))",
    ),
    ("over:ended", f"{_OF_RENEWAL} AND s.renews_on IS NULL AND (a.churned_at <= %(now)s OR {_came('subscription.ended', 'r.started_at')})"),
    ("over:used", f"{_IDLE} AND s.last_seen_on >= (w.created_at AT TIME ZONE %(zone)s)::date"),
    ("over:touched", f"{_IDLE} AND {_came('touch.logged', 'w.created_at')}"),
    ("over:stage", f"{_IDLE} AND a.lifecycle_stage_id IS DISTINCT FROM v.trigger ->> 'stage'"),
    (
        "over:answer",
        f"{_OF_ANSWER} AND "
        + _came(
            "survey.answered",
            "f.occurred_at",
            " AND e.contact_id = f.contact_id AND e.payload ->> 'survey_kind' = f.payload ->> 'survey_kind' AND e.payload ->> 'group' IN ('promoter', 'high')"
            " AND (e.payload ->> 'is_suspect') IS DISTINCT FROM 'true'",
        ),
    ),
)
_CLOSE = """
WITH judged AS (
    SELECT w.id, CASE {cases} END AS outcome
    FROM accounts_workitem w JOIN accounts_account a ON a.id = w.account_id JOIN accounts_accountsnapshot s ON s.account_id = w.account_id
    LEFT JOIN accounts_playbookrun r ON r.id = w.playbook_run_id LEFT JOIN accounts_playbookversion v ON v.id = r.version_id
    LEFT JOIN accounts_accountevent f ON f.id = r.event_id
    WHERE w.status IN ('open', 'snoozed') AND w.source = 'rule' AND w.closes_itself AND (v.id IS NOT NULL OR w.type = 'risk' AND w.reason = 'health')
      AND w.type <> ALL(ARRAY(SELECT k.type FROM accounts_workassumption k WHERE NOT k.closes_itself))
      AND NOT EXISTS (SELECT 1 FROM accounts_playbooksteplog l WHERE l.run_id = r.id AND l.subject_type = 'work_item' AND l.subject_id = w.id::text
                      AND l.detail ->> 'keep' = 'true') {scope}),
over AS (
    SELECT w.id, j.outcome FROM judged j JOIN accounts_workitem w ON w.id = j.id
    WHERE j.outcome IS NOT NULL AND w.status IN ('open', 'snoozed') AND w.closes_itself ORDER BY w.id FOR NO KEY UPDATE OF w)
UPDATE accounts_workitem w SET status = 'done', outcome = o.outcome, closed_at = %(now)s, closed_by_id = NULL, snoozed_until = NULL,
    version = w.version + 1, updated_at = %(now)s
FROM over o WHERE w.id = o.id RETURNING w.id, w.account_id, w.type, w.reason, w.outcome
"""
_LATELY = """
SELECT DISTINCT e.account_id FROM accounts_accountevent e
JOIN accounts_workitem w ON w.account_id = e.account_id AND w.status IN ('open', 'snoozed') AND w.source = 'rule' AND w.closes_itself AND w.playbook_run_id IS NOT NULL
WHERE e.recorded_at >= statement_timestamp() - %(within)s::interval AND e.kind = ANY(%(kinds)s)
"""


def close_recovered(*, now: dt.datetime, account_ids: Sequence[int] | None = None, run_ids: Sequence[int] | None = None) -> int:
    """Closes work whose cause is over (of these accounts or playbook runs, or of all); returns how many.

    The outcome says why (`recovered`, `over:payment`, …), and `work.done` tells it. Opened again by a person it is left alone for good.
    """
    if (account_ids is not None and not account_ids) or (run_ids is not None and not run_ids):
        return 0
    cases = " ".join(f"WHEN {condition} THEN '{outcome}'" for outcome, condition in _OVER)
    scope = ("" if account_ids is None else " AND w.account_id = ANY(%(accounts)s)") + ("" if run_ids is None else " AND w.playbook_run_id = ANY(%(runs)s)")
    values: dict[str, Any] = {
        "now": now, "today": now.astimezone(_zone()).date(), "zone": settings.ORGANISATION_TIME_ZONE, "accounts": list(account_ids or ()), "runs": list(run_ids or ()),
    }  # fmt: skip
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLOSE.format(cases=cases, scope=scope), values)
            closed = cursor.fetchall()
        record_events(
            NewEvent(
                account_id=account, kind="work.done", occurred_at=now, origin=Origin.APP, subject_type="work_item", subject_id=str(item),
                payload={"work_item": item, "type": type, "reason": reason, "outcome": outcome},
            )
            for item, account, type, reason, outcome in sorted(closed)
        )  # fmt: skip
    return len(closed)


def close_recovered_lately(*, now: dt.datetime, within: dt.timedelta) -> int:
    """Looks at accounts for which something became known lately (by the database's clock) that may end a cause; returns how many items closed."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"within": within, "kinds": list(KINDS)}
        cursor.execute(_LATELY, values)
        accounts = [row[0] for row in cursor.fetchall()]
    return close_recovered(now=now, account_ids=accounts)


def _zone() -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
