"""What a run may ask about its account while it decides: rules, events, dates. One look at one run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import connection

from accounts.models import Account, AccountSnapshot, PlaybookRun
from accounts.playbooks.reading import ATTRIBUTE, is_attribute
from accounts.queries.playbook_candidates import payload_condition, texts, zone
from accounts.queries.rule_matches import matching
from accounts.rules import parse


class RunFacts:
    """Answers about the account of a run at an instant; see `accounts.playbooks.Facts`."""

    def __init__(self, account_id: int, *, began_at: dt.datetime, event_id: int | None, now: dt.datetime) -> None:
        self._account_id, self._began_at, self._event_id, self._now = account_id, began_at, event_id, now

    @classmethod
    def of(cls, run: PlaybookRun, now: dt.datetime) -> RunFacts:
        """The facts of a run: it began when what started it happened."""
        return cls(run.account_id, began_at=min(run.event.occurred_at, run.started_at) if run.event else run.started_at, event_id=run.event_id, now=now)

    def fits(self, rule: Mapping[str, Any]) -> bool:
        """Whether the account fits a rule now."""
        return bool(matching(parse(rule), now=self._now, today=self._now.astimezone(zone()).date(), account_ids=[self._account_id]))

    def happened(self, event: Mapping[str, Any], *, since: str = "run", step_since: dt.datetime | None = None) -> bool:
        """Whether an event came since the run began, or since the step did; never the one that started the run."""
        after = step_since if since == "step" and step_since is not None else self._began_at
        extra, params = payload_condition({key: texts(wanted) for key, wanted in event["where"].items()}, "e", "w")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM accounts_accountevent e WHERE e.account_id = %(account)s AND e.kind = %(kind)s AND e.occurred_at >= %(after)s AND e.occurred_at <= %(now)s"
                f" AND e.id IS DISTINCT FROM %(event)s::bigint{extra} LIMIT 1",
                params | {"account": self._account_id, "kind": event["event"], "after": after, "now": self._now, "event": self._event_id},
            )
            return cursor.fetchone() is not None

    def instant_of(self, field: str, days: int) -> dt.datetime | None:
        """The beginning of the day so many days after a date of the account, in the organisation's zone."""
        day = self._day(field)
        return None if day is None else dt.datetime.combine(day + dt.timedelta(days=days), dt.time(), zone())

    def _day(self, field: str) -> dt.date | None:
        if is_attribute(field):
            attributes = Account.objects.filter(pk=self._account_id).values_list("attributes", flat=True).first() or {}
            try:
                return dt.date.fromisoformat(str(attributes.get(field.removeprefix(ATTRIBUTE)) or "")[:10])
            except ValueError:
                return None
        if field == "renews_on":
            return AccountSnapshot.objects.filter(pk=self._account_id).values_list("renews_on", flat=True).first()
        instant = Account.objects.filter(pk=self._account_id).values_list(field, flat=True).first()
        return instant.astimezone(zone()).date() if instant else None
