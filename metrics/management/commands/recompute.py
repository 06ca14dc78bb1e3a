"""`manage.py recompute [--as-of TS] [--account ID ...]`: health scores and snapshots, now."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import zoneinfo
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from accounts.queries.clock import database_now
from metrics.actions.recompute import Summary, ids_of, recompute_accounts, recompute_all

# restatements shown; a summary is no report
SHOWN = 100


def instant(text: str) -> dt.datetime:
    """An ISO 8601 instant, or a day (its first moment); without an offset in the organisation's zone. Raises ValueError."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    day = parse_date(text) if len(text) <= 10 else None
    parsed = dt.datetime.combine(day, dt.time()) if day else parse_datetime(text)
    if parsed is None:
        raise ValueError(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)


def as_json(summary: Summary) -> str:
    """The summary on one line; restatements are counted and the first hundred shown."""
    fields: dict[str, Any] = dataclasses.asdict(summary)
    fields["day"], fields["as_of"] = summary.day.isoformat(), summary.as_of.isoformat()
    fields["frozen_rows_differing"] = len(summary.restatements)
    fields["restatements"] = summary.restatements[:SHOWN]
    return json.dumps(fields)


class Command(BaseCommand):
    """The full recompute, or that of named accounts."""

    help = "Recomputes health scores and snapshots as of now or of an instant; a JSON summary on stdout."

    def add_arguments(self, parser: CommandParser) -> None:
        """As of, and which accounts."""
        parser.add_argument("--as-of", metavar="TS", help="only what happened before this instant counts (ISO 8601; a day is its midnight)")
        parser.add_argument("--account", metavar="ID", nargs="+", action="extend", default=[], help="external ids (or numbers) of accounts; default: all")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the summary; a wrong instant or an unknown account ends with exit code 2 and nothing done."""
        now = database_now()
        try:
            as_of = instant(options["as_of"]) if options["as_of"] else now
        except ValueError:
            raise CommandError(f"--as-of {options['as_of']}: expected an instant such as 2026-03-01T00:00:00+03:00, or a day", returncode=2)
        ids, unknown = ids_of(options["account"])
        if unknown:
            raise CommandError(f"no such account: {', '.join(unknown)}", returncode=2)
        try:
            summary = recompute_accounts(account_ids=ids, as_of=as_of, now=now) if options["account"] else recompute_all(as_of=as_of, now=now)
        except LookupError as fault:
            raise CommandError(str(fault))
        self.stdout.write(as_json(summary))
