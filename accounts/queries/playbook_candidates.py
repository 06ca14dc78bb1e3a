"""What a playbook's trigger finds, as a statement: occasions of accounts, each once, in the order of time.

The starts, the matches a page shows and the run over the past all read this one statement, so they cannot differ.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.playbooks.reading import ATTRIBUTE, is_attribute

# how long a date, or a row of idle days, is still acted on after its day
LATE = dt.timedelta(days=7)
# how long an event may start something after it happened
WINDOW = dt.timedelta(days=30)
RECENT = dt.timedelta(minutes=15)
CLOCK_SKEW = dt.timedelta(minutes=5)

_INSTANTS = frozenset({"signed_up_at", "trial_started_at", "trial_ended_at", "churned_at"})


@dataclass(frozen=True)
class Window:
    """Which occasions: those of instants from `since` to `until`; `recorded_within` reads only what became known lately, by the database's clock."""

    since: dt.datetime
    until: dt.datetime
    recorded_within: dt.timedelta | None = None
    imports: bool = False


def zone() -> zoneinfo.ZoneInfo:
    """The organisation's zone."""
    return zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)


def is_of_events(trigger: Mapping[str, Any]) -> bool:
    """Whether a trigger waits for events, so that 15 minutes of them suffice for most looks."""
    return event_of(trigger) is not None


def event_of(trigger: Mapping[str, Any]) -> tuple[str, dict[str, list[str]]] | None:
    """The kind of event of a trigger, and the texts that its payload must have; None for dates and hands."""
    kind = trigger["kind"]
    if kind == "event":
        return trigger["event"], {key: texts(wanted) for key, wanted in trigger["where"].items()}
    if kind == "segment":
        return "segment.changed", {"segment" if trigger["move"] == "enter" else "segment_before": [trigger["segment"]]}
    if kind == "band":
        return "health.band_changed", {"band": list(trigger["to"])} | ({"band_before": list(trigger["from"])} if trigger.get("from") else {})
    if kind == "answer":
        wanted = {"survey_kind": [trigger["survey_kind"]], "group": list(trigger["group"]), "survey": [trigger["survey"]] if trigger.get("survey") else []}
        return "survey.answered", {key: values for key, values in wanted.items() if any(values)}
    if kind == "stage" and not trigger["idle_days"]:
        return "stage.changed", {"stage": [trigger["stage"]]}
    return None


def texts(wanted: Any) -> list[str]:
    """Values as the payload's texts are compared."""
    return [("true" if value else "false") if isinstance(value, bool) else str(value) for value in (wanted if isinstance(wanted, list) else [wanted])]


def payload_condition(where: Mapping[str, list[str]], alias: str, prefix: str) -> tuple[str, dict[str, Any]]:
    """` AND …` over the payload of an event, and its parameters."""
    parts: list[str] = []
    params: dict[str, Any] = {}
    for number, (key, values) in enumerate(where.items()):
        parts.append(f" AND {alias}.payload ->> %({prefix}k{number})s = ANY(%({prefix}v{number})s::text[])")
        params |= {f"{prefix}k{number}": key, f"{prefix}v{number}": values}
    return "".join(parts), params


def occasions(trigger: Mapping[str, Any], window: Window) -> tuple[str, dict[str, Any]]:
    """`SELECT account_id, contact_id, event_id, occasion, at` and its parameters. By hand: no row."""
    event = event_of(trigger)
    if event is not None:
        return _events(*event, window, not_suspect=trigger["kind"] == "answer")
    if trigger["kind"] == "date":
        return _dates(trigger, window)
    if trigger["kind"] == "stage":
        return _idle(trigger, window)
    return "SELECT NULL::bigint AS account_id, NULL::bigint AS contact_id, NULL::bigint AS event_id, ''::text AS occasion, now() AS at WHERE false", {}


def _events(kind: str, where: dict[str, list[str]], window: Window, *, not_suspect: bool) -> tuple[str, dict[str, Any]]:
    extra, params = payload_condition(where, "e", "o")
    if not_suspect:
        extra += " AND (e.payload ->> 'is_suspect') IS DISTINCT FROM 'true'"
    if window.recorded_within is not None:
        extra += " AND e.recorded_at >= statement_timestamp() - %(o_recorded)s::interval"
    if not window.imports:
        extra += " AND e.origin <> 'import'"
    sql = (
        "SELECT e.account_id, e.contact_id, e.id AS event_id, 'event:' || e.id AS occasion, e.occurred_at AS at FROM accounts_accountevent e"
        f" WHERE e.kind = %(o_kind)s AND e.occurred_at >= %(o_since)s AND e.occurred_at <= %(o_until)s{extra}"
    )
    return sql, params | {"o_kind": kind, "o_since": window.since, "o_until": window.until, "o_recorded": window.recorded_within}


def _days(window: Window) -> tuple[dt.date, dt.date]:
    return window.since.astimezone(zone()).date(), window.until.astimezone(zone()).date()


def _date_expression(field: str) -> str:
    """The day of a date of an account, over `a` and `s`; of a text only a day that is looked for, so that a 31st of June stops nobody."""
    if is_attribute(field):
        text = "left(a.attributes ->> %(o_attribute)s, 10)"
        return f"(CASE WHEN {text} = ANY(%(o_written)s::text[]) THEN {text}::date END)"
    return f"(a.{field} AT TIME ZONE %(o_zone)s)::date" if field in _INSTANTS else f"s.{field}"


def _dates(trigger: Mapping[str, Any], window: Window) -> tuple[str, dict[str, Any]]:
    field, days = trigger["field"], trigger["days"]
    first, last = (day - dt.timedelta(days=days) for day in _days(window))
    params: dict[str, Any] = {
        "o_zone": settings.ORGANISATION_TIME_ZONE, "o_name": field, "o_days": days, "o_first": first, "o_last": last, "o_attribute": field.removeprefix(ATTRIBUTE),
        "o_written": [(first + dt.timedelta(days=day)).isoformat() for day in range((last - first).days + 1)] if is_attribute(field) else [],
    }  # fmt: skip
    expression = _date_expression(field)
    condition = f"{expression} BETWEEN %(o_first)s AND %(o_last)s"
    if field in _INSTANTS:
        condition = f"a.{field} >= %(o_low)s AND a.{field} < %(o_high)s"
        params |= {"o_low": dt.datetime.combine(first, dt.time(), zone()), "o_high": dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), zone())}
    sql = (
        f"SELECT a.id AS account_id, NULL::bigint AS contact_id, NULL::bigint AS event_id, left(%(o_name)s::text, 100) || ':' || {expression} AS occasion,"
        f" (({expression} + %(o_days)s::int)::timestamp AT TIME ZONE %(o_zone)s) AS at"
        f" FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id WHERE {condition}"
    )
    return sql, params


def _idle(trigger: Mapping[str, Any], window: Window) -> tuple[str, dict[str, Any]]:
    """Accounts in a stage whose last sign of use, or whose entering it, lies so many days back."""
    first, last = _days(window)
    idle = dt.timedelta(days=trigger["idle_days"])
    # who used it most lately: the day it was used, entered, or signed up
    seen = (
        "greatest(s.last_seen_on, (a.signed_up_at AT TIME ZONE %(o_zone)s)::date, (SELECT (max(y.valid_from) AT TIME ZONE %(o_zone)s)::date FROM accounts_stagestay y"
        " WHERE y.account_id = a.id AND y.valid_to IS NULL))"
    )
    sql = (
        "SELECT i.account_id, NULL::bigint AS contact_id, NULL::bigint AS event_id, 'idle:' || %(o_stage)s || ':' || i.seen AS occasion,"
        " ((i.seen + %(o_idle)s::int)::timestamp AT TIME ZONE %(o_zone)s) AS at"
        f" FROM (SELECT a.id AS account_id, {seen} AS seen FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id"
        " WHERE a.lifecycle_stage_id = %(o_stage)s OFFSET 0) i"
        " WHERE i.seen BETWEEN %(o_first)s AND %(o_last)s"
    )
    params = {"o_zone": settings.ORGANISATION_TIME_ZONE, "o_stage": trigger["stage"], "o_idle": trigger["idle_days"], "o_first": first - idle, "o_last": last - idle}
    return sql, params
