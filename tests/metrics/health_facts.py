"""Short ways to put the facts that health is made of into the database."""

import datetime as dt
from decimal import Decimal

from accounts.actions.usage import put_usage
from accounts.models import Subscription, Transaction
from metrics.actions.recompute import recompute_all
from metrics.models import HealthScore
from surveys.models import Response, Survey
from tickets.models import Ticket, TicketChange

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
DAY = NOW.date()


def days(number):
    return dt.timedelta(days=number)


LATELY = NOW - days(5)


def usage(account, *, before, after, now=NOW):
    """`before` a day in the earlier 28 days, `after` a day in the later ones."""
    today = now.date()
    rows = [(account.pk, "", today - days(n), after if n <= 28 else before, None, None, None) for n in range(1, 57)]
    put_usage([row for row in rows if row[3]])


def answer(account, score, *, at=LATELY, kind="nps", scale=None, **fields):
    low, high = scale or ((0, 10) if kind == "nps" else (1, 5))
    survey, _ = Survey.objects.get_or_create(key=kind, defaults={"name": kind, "kind": kind})
    return Response.objects.create(survey=survey, kind=kind, account=account, score=score, scale_min=low, scale_max=high, answered_at=at, **fields)


def ticket(account, *, opened, severity=4, status="open", **fields):
    return Ticket.objects.create(account=account, opened_at=opened, severity=severity, status=status, **fields)


def moved(ticket, at, before, after):
    return TicketChange.objects.create(ticket=ticket, kind="status", occurred_at=at, value_before=before, value=after)


def failed_payment(account, *, at):
    return Transaction.objects.create(account=account, occurred_at=at, amount=Decimal(10), currency="EUR", kind="invoice", status="failed")


def subscription(account, *, start, amount=1200, interval="year", currency="EUR", **fields):
    return Subscription.objects.create(account=account, start=start, amount=Decimal(amount), interval=interval, currency=currency, **fields)


def run(as_of=NOW, now=NOW, **rest):
    """A full run."""
    return recompute_all(as_of=as_of, now=now, **rest)


def stored(account, day=DAY):
    """The score of a day, or None."""
    return HealthScore.objects.filter(account_id=account.pk, day=day).first()
