"""`manage.py churn-risk [--as-of TS] [--horizon DAYS] [--no-scores]`: trains churn risk now and scores the customers."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import override

from accounts.queries.clock import database_now
from metrics.actions.churn_models import score_customers, tells, train_model
from metrics.churn_risk.training import HORIZON_DAYS
from metrics.churn_risk.wording import say_refusal
from metrics.management.commands.recompute import instant


class Command(BaseCommand):
    """Too few churned accounts: exit code 1, with how many there are. A wrong instant: 2."""

    help = "Trains the model of churn risk on the installation's own history; its validation as JSON on stdout."

    def add_arguments(self, parser: CommandParser) -> None:
        """As of when, how far ahead, whether to score."""
        parser.add_argument("--as-of", metavar="TS", help="only what happened before this instant counts (ISO 8601; a day is its midnight)")
        parser.add_argument("--horizon", type=int, default=HORIZON_DAYS, metavar="DAYS", help="days ahead (default %(default)s)")
        parser.add_argument("--no-scores", action="store_true", help="train alone; the stored risks stay as they are")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what the model is made of and how it did on rows it had not seen."""
        now = database_now()
        try:
            as_of = min(instant(options["as_of"]), now) if options["as_of"] else now
        except ValueError:
            raise CommandError(f"--as-of {options['as_of']}: expected an instant such as 2026-03-01T00:00:00+03:00, or a day", returncode=2)
        if not 1 <= options["horizon"] <= 730:
            raise CommandError("--horizon: expected 1 to 730 days", returncode=2)
        row = train_model(as_of=as_of, now=now, horizon_days=options["horizon"], progress=lambda done, steps: self.stderr.write(f"{done} of {steps} dates"))
        if row.refusal:
            with override("en"):
                raise CommandError(say_refusal(row.refusal), returncode=1)
        scored = None if options["no_scores"] else score_customers(model=row, as_of=as_of, now=now).accounts
        answer = {
            "version": row.number, "algorithm": row.algorithm, "horizon_days": row.horizon_days, "first_date": str(row.first_date), "last_date": str(row.last_date),
            "rows": row.rows, "accounts": row.accounts, "churned": row.churned, "tells_better_than_chance": tells(row), "features": row.features, **row.figures,
            "scored": scored, "seconds": row.seconds,
        }  # fmt: skip
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))
