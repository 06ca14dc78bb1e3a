"""The rows behind a figure as a page shows them: with links, sums at the foot, and a place where the next page begins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account, User
from metrics import words
from metrics.catalogue.asked import Asked
from metrics.catalogue.telling import part_unit, say, side_unit, value_of
from metrics.dashboards import scope_of
from metrics.kpis.catalogue import Kpi, told
from metrics.kpis.engine import answer, ask
from metrics.kpis.entry import Way
from metrics.kpis.parts import Adds, adds_to
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.rows import CountedRow, rows_page
from tickets.models import Ticket

PAGE = 50
# how many accounts are looked at for one page; a list with few rows among many accounts goes on by "next"
FIRST, LARGEST, LOOKED_AT = 200, 5000, 60_000
SIDES = ("numerator", "denominator")
PART = "part."
_SAID = frozenset({"rate", "customers", "customers_start", "customers_end", "customers_average", "churn_events", "lapse_events", "subscriptions", "accounts", "cohorts"})
KINDS: dict[str, Any] = {
    "account": gettext_lazy("Account"), "answer": gettext_lazy("Answer"), "ticket": gettext_lazy("Ticket"), "interaction": gettext_lazy("Contact"),
    "cost": gettext_lazy("Cost line"), "tenure": gettext_lazy("Tenure"),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row as it is shown."""

    kind: str
    name: str
    href: str
    account: str
    account_href: str
    at: dt.datetime | None
    amounts: list[str]
    more: str


@dataclass
class RowsPage:
    """One page of the rows behind a figure. `totals` are the figure's own, `sums` those of the page."""

    figure: dict[str, Any]
    value: str
    way: Way
    rows: list[Row]
    heads: list[str]
    sums: list[str]
    totals: list[str]
    whole: bool
    next_after: str
    dated: bool
    # whether the rows are accounts themselves, so that naming their account says it twice
    accounts: bool

    @property
    def lead(self) -> int:
        """How many columns stand before the sums."""
        return 1 + (not self.accounts) + self.dated


@dataclass(frozen=True)
class Place:
    """Where a page begins: after which account (None: at the very beginning), how many accounts are read at once, how many of their rows were shown."""

    after: int | None = None
    size: int = FIRST
    skip: int = 0

    @classmethod
    def read(cls, text: str) -> Place:
        """From an address; what cannot be read is the beginning."""
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and (part.isdigit() or (place == 0 and not part)) and len(part) < 19 for place, part in enumerate(parts)):
            return cls()
        size = int(parts[1])
        return cls(int(parts[0]) if parts[0] else None, size if 1 <= size <= LARGEST else FIRST, int(parts[2]))

    def __str__(self) -> str:
        return f"{'' if self.after is None else self.after}.{self.size}.{self.skip}"


def gathered(question: Question, side: str, place: Place, most: int = PAGE) -> tuple[list[CountedRow], Place | None]:
    """The next rows of a side from a place on, and the place of those after them (None: the end). Raises WrongQuestion."""
    rows: list[CountedRow] = []
    looked, adds = 0, amount_of(question, side)
    while True:
        page = rows_page(question, after=place.after, accounts=place.size)
        fresh = [row for row in page.rows if adds is None or adds(row)][place.skip :]
        room = most - len(rows)
        if len(fresh) > room:
            return rows + fresh[:room], Place(place.after, place.size, place.skip + room)
        rows += fresh
        if page.after is None:
            return rows, None
        looked += place.size
        place = Place(page.after, min(place.size * 4, LARGEST) if len(rows) * 4 < most else place.size)
        if len(rows) >= most or looked >= LOOKED_AT:
            return rows, place


def amount_of(question: Question, side: str) -> Adds | None:
    """What a row adds to a side, or to a part (`part.NAME`); None where all rows are asked for. Raises WrongQuestion for a part without rows."""
    if not side:
        return None
    if side in SIDES:
        return lambda row: getattr(row, side) or 0
    name = side.removeprefix(PART)
    found = adds_to(question.kpi, question.variant, name)
    if found is None:
        raise WrongQuestion(_("The part “%(part)s” is no sum over rows.") % {"part": words.part(name)})
    return found


def kpi_rows(asked: Asked, *, user: User, now: dt.datetime, side: str, after: str) -> RowsPage:
    """One page of rows. Raises WrongQuestion, also for a figure that is no sum over rows."""
    scope, kpi = scope_of(user), asked.kpi
    question = ask(**asked.arguments(), now=now, accounts=scope)
    figure = answer(**asked.arguments(), now=now, accounts=scope)
    variant, part = figure["variant"], side.removeprefix(PART) if side.startswith(PART) else ""
    if part and part not in figure["parts"]:
        raise WrongQuestion(_("There is no part “%(part)s”.") % {"part": part})
    place = Place.read(after)
    found, rest = gathered(question, side, place)
    shown = (side,) if part else tuple(one for one in SIDES if figure[one] is not None and kpi.name != "tenure_survival" and (not side or side == one))
    columns = [_column(question, kpi, variant, one, figure, told(kpi.name).ways[variant]) for one in shown]
    sums = [sum((column.adds(row) for row in found), Decimal(0)) for column in columns]
    return RowsPage(
        figure=figure, value=value_of(kpi, variant, figure["value"]), way=told(kpi.name).ways[variant], rows=_shown(found, asked, columns, user),
        heads=[column.title for column in columns],
        sums=[say(value, column.unit) for column, value in zip(columns, sums, strict=True)],
        totals=[column.total for column in columns],
        whole=rest is None and not after, next_after=str(rest) if rest else "", dated=any(row.occurred_at for row in found),
        accounts={row.kind for row in found} <= {"account", "tenure"},
    )  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of amounts: its words, its unit, what a row adds, and what the figure says it comes to."""

    title: str
    unit: str
    adds: Adds
    total: str


def _column(question: Question, kpi: Kpi, variant: str, side: str, figure: dict[str, Any], way: Way) -> Column:
    adds = amount_of(question, side)
    assert adds is not None
    if side.startswith(PART):
        name = side.removeprefix(PART)
        return Column(words.part(name), part_unit(kpi, name), adds, say(figure["parts"].get(name), part_unit(kpi, name)))
    title = str(getattr(way, side)) or (_("Numerator") if side == "numerator" else _("Denominator"))
    return Column(title, side_unit(kpi, variant, side), adds, say(figure[side], side_unit(kpi, variant, side)))


def _shown(rows: list[CountedRow], asked: Asked, columns: list[Column], user: User) -> list[Row]:
    """Rows with names and links: two statements. What the reader may not open has no link."""
    accounts = {
        external_id: (pk, name)
        for pk, external_id, name in Account.objects.visible_to(user).filter(external_id__in={row.account for row in rows if row.account}).values_list("pk", "external_id", "name")
    }
    tickets = dict(Ticket.objects.visible_to(user).filter(pk__in=[int(row.id) for row in rows if row.kind == "ticket"]).values_list("pk", "subject"))
    return [_row(row, asked, columns, accounts, tickets) for row in rows]


def _row(row: CountedRow, asked: Asked, columns: list[Column], accounts: dict[str, tuple[int, str]], tickets: dict[int, str]) -> Row:
    pk, account = accounts.get(row.account or "", (0, row.account or ""))
    account_href = reverse("accounts:account", args=[pk]) if pk else ""
    name, href = str(KINDS[row.kind]), ""
    if row.kind in {"account", "tenure"}:
        # the row is its account: naming it twice says nothing more
        name, href, account, account_href = account, account_href, "", ""
    elif row.kind == "ticket":
        name = f"#{row.id} {tickets.get(int(row.id), '')}".strip()
        href = reverse("tickets:ticket", args=[row.id]) if int(row.id) in tickets else ""
    elif row.kind == "cost":
        name = row.external_id
    amounts = [say(amount, column.unit) if (amount := column.adds(row)) else "–" for column in columns]
    return Row(row.kind, name, href, account, account_href, row.occurred_at, amounts, _more(row, asked))


def _more(row: CountedRow, asked: Asked) -> str:
    """What else is known of a row, in words."""
    if row.kind == "answer":
        return _("score %(score)s") % {"score": row.parts["score"]}
    if row.kind == "tenure":
        until = dt.datetime.fromisoformat(row.parts["until"])
        return (_("ended on %(day)s") if row.parts["ended"] else _("goes on, known until %(day)s")) % {"day": words.wording.day(until)}
    if row.kind == "cost":
        return _("of %(amount)s %(currency)s") % {"amount": words.wording.number(row.parts["amount"]), "currency": row.parts["currency"]}
    if row.kind == "account":
        # what the columns beside it, or the row itself, already say is left out; a count of one is its name alone
        parts = [(name, value) for name, value in row.parts.items() if name not in _SAID and isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value]
        return ", ".join(
            words.part(name) if value == 1 and part_unit(asked.kpi, name) == "number" else f"{words.part(name)} {say(value, part_unit(asked.kpi, name))}"
            for name, value in parts[:6]
        )
    return ""


def exported(asked: Asked, *, user: User, now: dt.datetime, side: str) -> tuple[list[str], Iterator[list[Any]]]:
    """Head and rows of all pages for a spreadsheet. Raises WrongQuestion before the first row."""
    question = ask(**asked.arguments(), now=now, accounts=scope_of(user))
    first, rest = gathered(question, side, Place(size=LARGEST), 1000)
    head = [_("Kind"), _("Id"), _("External id"), _("Account"), _("When"), _("Numerator"), _("Denominator")]

    def lines() -> Iterator[list[Any]]:
        rows, place = first, rest
        while True:
            for row in rows:
                yield [str(KINDS[row.kind]), row.id, row.external_id, row.account or "", row.occurred_at, row.numerator, row.denominator]
            if place is None:
                return
            rows, place = gathered(question, side, place, 1000)

    return head, lines()
