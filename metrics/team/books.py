"""What each person carries and did, as sums that add up to the team's: set-wise, one statement a subject."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, IntegerField, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from accounts.models import AccountEvent, AccountSnapshot, User, WorkItem
from accounts.models.snapshots import Band
from accounts.queries.work_filter import Reader, reader_of
from accounts.roles import Role
from metrics.dashboards import scope_of
from metrics.filters import Filters
from metrics.formulas.retention import gross_retention, net_retention
from metrics.kpis.engine import COMPUTE, ask
from metrics.voice.listening import of_accounts

# renewals as far ahead as this
AHEAD_DAYS = 90
MOST_PEOPLE = 200
BOOKS = frozenset({Role.CSM, Role.MANAGER, Role.ADMIN})


def people_of(user: User, filters: Filters) -> list[User]:
    """Whose books the reader may see, by name: a manager the own team's, a CSM the own one, an agent nobody's; everybody's for the rest."""
    reader: Reader = reader_of(user, now=filters.now)
    rows = User.objects.filter(is_active=True).select_related("team")
    if user.role == Role.CSM:
        rows = rows.filter(pk=user.pk)
    elif user.role == Role.AGENT:
        return []
    elif reader.books is not None and user.role != Role.ANALYST:
        rows = rows.filter(pk__in=reader.books)
    if filters.owner:
        rows = rows.filter(email=filters.owner)
    carries = AccountSnapshot.objects.filter(owner__isnull=False, account__churned_at=None).values("owner")
    return list(rows.filter(Q(role=Role.CSM) | Q(role__in=BOOKS, pk__in=carries)).order_by("name", "pk")[:MOST_PEOPLE])


@dataclass
class Book:
    """Sums over one book or several. Money of now in millionths, of the outcome in units of the reporting currency.

    `opening` and the rest are those of `mrr_movements` over the period; answers are those of NPS and CSAT.
    """

    accounts: int = 0
    mrr_micros: int = 0
    healthy: int = 0
    watch: int = 0
    at_risk: int = 0
    risk_mrr_micros: int = 0
    renewals: int = 0
    renewal_mrr_micros: int = 0
    touches: int = 0
    minutes: int = 0
    touched: int = 0
    open: int = 0
    overdue: int = 0
    done: int = 0
    done_in_time: int = 0
    customers_start: int = 0
    churned_customers: int = 0
    opening: Decimal = Decimal(0)
    churned: Decimal = Decimal(0)
    contraction: Decimal = Decimal(0)
    expansion: Decimal = Decimal(0)
    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    satisfied: int = 0
    rated: int = 0
    # minutes by segment key ("" for none)
    spent: dict[str, int] = field(default_factory=dict)

    @property
    def nrr(self) -> Decimal | None:
        """Net revenue retention of the book over the period."""
        return net_retention(opening=self.opening, churned=self.churned, contraction=self.contraction, expansion=self.expansion)

    @property
    def grr(self) -> Decimal | None:
        """Gross revenue retention of the book over the period."""
        return gross_retention(opening=self.opening, churned=self.churned, contraction=self.contraction)

    @property
    def answers(self) -> int:
        """Valid answers to NPS."""
        return self.promoters + self.passives + self.detractors


def together(books: Iterable[Book]) -> Book:
    """The sum of several books."""
    whole = Book()
    for book in books:
        for one in fields(Book):
            if one.name == "spent":
                for key, minutes in book.spent.items():
                    whole.spent[key] = whole.spent.get(key, 0) + minutes
            else:
                setattr(whole, one.name, getattr(whole, one.name) + getattr(book, one.name))
    return whole


def _seen(rows: Any, user: User) -> Any:
    """Rows that figures count: analysts those of everybody, the others what they see."""
    return rows.all() if user.role == Role.ANALYST else rows.visible_to(user)


def carried(people: Iterable[User], filters: Filters, *, user: User) -> dict[int, Book]:
    """The books as they are now, with what was done in the period: touches by who made them, work by who owns it. Five statements."""
    ids = [person.pk for person in people]
    books = {pk: Book() for pk in ids}
    today = filters.now.astimezone(filters.period.zone).date()
    start, end = filters.period.span
    narrowed = {name: value for name, value in filters.filters.items() if name != "owner"}
    of = of_accounts(narrowed)
    ahead = Q(renews_on__gte=today, renews_on__lte=today + dt.timedelta(days=AHEAD_DAYS))
    rows = _seen(AccountSnapshot.objects, user).filter(of, owner__in=ids, account__excluded=False, account__churned_at=None)
    bands = {band.value: Count("pk", filter=Q(band=band)) for band in (Band.HEALTHY, Band.WATCH, Band.AT_RISK)}
    risky = Sum("mrr_micros", filter=Q(band=Band.AT_RISK))
    totals: Any = rows.order_by().values("owner_id").annotate(
        accounts=Count("pk"), mrr=Sum("mrr_micros"), risk=risky, renewals=Count("pk", filter=ahead), renewing=Sum("mrr_micros", filter=ahead), **bands
    )  # fmt: skip
    for row in totals:
        book = books[row["owner_id"]]
        book.accounts, book.mrr_micros, book.risk_mrr_micros = row["accounts"], row["mrr"] or 0, row["risk"] or 0
        book.renewals, book.renewal_mrr_micros = row["renewals"], row["renewing"] or 0
        book.healthy, book.watch, book.at_risk = (row[band] for band in bands)
    touches = _seen(AccountEvent.objects, user).filter(of, kind="touch.logged", actor__in=ids, occurred_at__gte=start, occurred_at__lt=end, account__excluded=False)
    minutes = Sum(Cast(KeyTextTransform("minutes", "payload"), IntegerField()))
    for row in touches.order_by().values("actor_id").annotate(touches=Count("pk"), touched=Count("account", distinct=True)):
        books[row["actor_id"]].touches, books[row["actor_id"]].touched = row["touches"], row["touched"]
    for row in touches.order_by().values("actor_id", "account__segment__key").annotate(minutes=minutes):
        if row["minutes"]:
            books[row["actor_id"]].spent[row["account__segment__key"] or ""] = row["minutes"]
            books[row["actor_id"]].minutes += row["minutes"]
    work = _seen(WorkItem.objects, user).filter(of, owner__in=ids)
    for row in work.filter(status=WorkItem.Status.OPEN).order_by().values("owner_id").annotate(open=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=filters.now))):
        books[row["owner_id"]].open, books[row["owner_id"]].overdue = row["open"], row["overdue"]
    closed = work.filter(status=WorkItem.Status.DONE, closed_at__gte=start, closed_at__lt=end)
    for row in closed.order_by().values("owner_id").annotate(done=Count("pk"), kept=Count("pk", filter=Q(closed_at__lte=F("due_at")))):
        books[row["owner_id"]].done, books[row["owner_id"]].done_in_time = row["done"], row["kept"]
    return books


_MONEY = ("opening", "churned", "contraction", "expansion")


def add_outcome(books: Mapping[int, Book], people: Iterable[User], filters: Filters, *, user: User) -> list[str]:
    """Puts what became of each book over the period in place: MRR movements, NPS, CSAT. Returns the currencies without a rate. Raises WrongQuestion."""
    return _add(books, people, filters.question(accounts=scope_of(user)))


def outcome_before(people: Iterable[User], filters: Filters, *, user: User) -> tuple[dict[int, Book] | None, list[str]]:
    """The outcome of the same books over the period compared with, as `add_outcome`; None, and nothing is read, where nothing is compared. Raises WrongQuestion."""
    if filters.compared is None:
        return None, []
    asked = filters.question_before(accounts=scope_of(user))
    assert asked is not None
    books = {person.pk: Book() for person in people}
    return books, _add(books, people, asked)


def _add(books: Mapping[int, Book], people: Iterable[User], asked: Mapping[str, Any]) -> list[str]:
    by_owner = {str(person.pk): books[person.pk] for person in people}
    # by owner alone: the figures of everybody together are not shown
    missing: set[str] = set()
    for owner, figure in COMPUTE["mrr_movements"](ask(name="mrr_movements", **asked), "owner_id").items():
        missing.update(figure.missing)
        book = by_owner.get(owner or "")
        if book is not None:
            for name in _MONEY:
                setattr(book, name, figure.parts[name])
            book.customers_start, book.churned_customers = figure.parts["customers_start"], figure.parts["customers_churned"]
    for kpi, parts in (("nps", ("promoters", "passives", "detractors")), ("csat", ("satisfied", "responses"))):
        for owner, figure in COMPUTE[kpi](ask(name=kpi, **asked), "owner_id").items():
            book = by_owner.get(owner or "")
            if book is not None:
                for part in parts:
                    setattr(book, "rated" if part == "responses" else part, figure.parts[part])
    return sorted(missing)
