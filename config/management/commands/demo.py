"""`manage.py demo`: a realistic company to look at, generated."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.db.models import F

from accounts.actions.usage import put_usage
from accounts.models import Account, Contact, ExchangeRate, Installation, Note, Team, User
from accounts.queries.clock import read_clock
from config.demo import company as story
from config.demo import decisions, desk, playbooks, rows, stages, targets, usage, voices
from config.demo.looked_back import end_demo_work
from config.demo.loop import close_demo_loops
from config.demo.offers import offer_demo
from config.demo.people import DEMO_PASSWORD, PEOPLE
from config.demo.plans import plan_demo
from config.demo.segments import place_demo
from config.demo.touches import log_demo_touches
from config.demo.work import open_demo_work
from config.imports import load_rows
from metrics.actions.known_facts import keep_known_facts
from metrics.actions.plan_features import observe_plans
from metrics.actions.recompute import recompute_all

WEEKS_OF_HEALTH = 18


class Command(BaseCommand):
    """Generates the demo company into an empty installation."""

    help = "Generates a company with two years of customers. Deterministic per seed (and day). Refuses where accounts exist."

    def add_arguments(self, parser: CommandParser) -> None:
        """Size and seed."""
        parser.add_argument("--accounts", type=int, default=200)
        parser.add_argument("--months", type=int, default=24)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, **options: Any) -> None:
        """Everything in one transaction, then health for the past weeks."""
        if not 1 <= options["accounts"] <= 20_000 or not 3 <= options["months"] <= 120:
            self.stderr.write("Expected 1 to 20000 accounts and 3 to 120 months.")
            sys.exit(2)
        if Account.objects.exists():
            self.stderr.write("There are accounts already; the demo fills empty installations only.")
            sys.exit(1)
        now, self.began = read_clock(), time.monotonic()
        company = story.make_company(accounts=options["accounts"], months=options["months"], seed=options["seed"], today=now.date())
        counts: dict[str, int] = {}
        with transaction.atomic():
            self._people()
            _rates(company, options["months"])
            tickets, ticket_events, csat = voices.tickets(company, options["seed"])
            for kind, generated in (
                ("accounts", rows.accounts(company)),
                ("contacts", rows.contacts(company)),
                ("subscriptions", [*rows.subscriptions(company), *decisions.comebacks(company, options["seed"])]),
                ("transactions", rows.transactions(company, options["seed"])),
                ("costs", decisions.ledger(company, options["months"])),
                ("events", rows.events(company, options["seed"])),
                ("business_hours", desk.business_hours()),
                ("service_levels", desk.service_levels()),
                ("tickets", tickets),
                ("ticket_events", ticket_events),
                ("interactions", desk.interactions(tickets, options["seed"])),
                ("responses", [*voices.relationship_answers(company, options["seed"]), *csat]),
            ):
                counts[kind] = self._load(kind, generated, now)
            ids = dict(Account.objects.values_list("external_id", "pk"))
            counts["usage"] = put_usage([(ids[key], *figures) for key, *figures in usage.usage(company, options["seed"])])
            counts["notes"] = _notes(company, options["seed"], ids)
            decisions.welcome_back(company, options["seed"])
            playbooks.switch_on(now)
            counts["playbook_runs"] = playbooks.run_playbooks(company, options["seed"])
            # the demo's people may be asked at once: nobody real is behind these addresses
            Contact.objects.update(surveyable_from=None)
        self._health(now)
        counts["work_items"] = open_demo_work(now=now)
        counts["ended_work"] = end_demo_work(now=now, seed=options["seed"])
        counts["touches"] = log_demo_touches(seed=options["seed"], now=now)
        counts["cases"] = close_demo_loops(now=now, seed=options["seed"])
        counts["initiatives"] = decisions.decide(company, months=options["months"], now=now)
        counts["plans"] = plan_demo(seed=options["seed"], now=now)
        counts["offers"] = offer_demo(seed=options["seed"], now=now)
        counts["targets"] = targets.set_targets(now=now)
        counts["segments_moved"] = place_demo(now=now)
        counts["stays"] = stages.walk_stages(company, now=now)
        installation = Installation.current()
        installation.demo_loaded_at = now
        installation.save(update_fields=["demo_loaded_at"])
        self.stderr.write(f"demo: ready in {time.monotonic() - self.began:.1f} s")
        self.stdout.write(json.dumps({"users": len(PEOPLE), **counts}))

    def _people(self) -> None:
        # one slow hash for all: everybody has the same printed password anyway
        password = make_password(DEMO_PASSWORD)
        for person in PEOPLE:
            team = Team.objects.get_or_create(name=person.team)[0] if person.team else None
            User.objects.get_or_create(
                email=person.email, defaults={"password": password, "name": person.name, "role": person.role, "team": team, "language": person.language}
            )  # fmt: skip

    def _load(self, kind: str, generated: Iterable[rows.Row], now: dt.datetime) -> int:
        report = load_rows(kind, generated, now=now, name=f"demo {kind}", listener=lambda fault: self.stderr.write(f"demo: {fault}"))
        if report.refused:
            raise RuntimeError(f"the demo's {kind} were refused: {report.rejected} rows")
        self.stderr.write(f"demo: {report.created} {kind}, {time.monotonic() - self.began:.1f} s")
        return report.created

    def _health(self, now: dt.datetime) -> None:
        """Scores of the last weeks, oldest first, so that lists can show where an account comes from."""
        observe_plans(now=now)
        for week in range(WEEKS_OF_HEALTH, -1, -1):
            recompute_all(as_of=now - dt.timedelta(weeks=week), now=now)
        sum(keep_known_facts(now=now))
        self.stderr.write(f"demo: {WEEKS_OF_HEALTH} weeks of health")


def _rates(company: story.Company, months: int) -> None:
    """Pounds in euros, a little different every month; also for what began before the two years."""
    first = story.months_later(company.first_day, -30)
    ExchangeRate.objects.bulk_create(
        [ExchangeRate(currency="GBP", day=story.months_later(first, index), rate=Decimal("1.15") + Decimal(index % 7) / 200) for index in range(months + 31)],
        ignore_conflicts=True,
    )


def _notes(company: story.Company, seed: int, ids: dict[str, int]) -> int:
    authors = dict(User.objects.values_list("email", "pk"))
    made = [Note(account_id=ids[account], author_id=authors[author], body=text, pinned=pinned) for account, author, text, pinned in rows.notes(company, seed)]
    kept = Note.objects.bulk_create(made)
    # written over the past half year, not all this minute
    for index, note in enumerate(kept):
        Note.objects.filter(pk=note.pk).update(created_at=F("created_at") - dt.timedelta(hours=53 * index + 5))
    return len(kept)
