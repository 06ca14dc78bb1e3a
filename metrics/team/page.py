"""Page-shaped reads of the team dashboard: a line a person and a team, the time against its budget, agents, and the rows behind a figure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.db.models import F, Q
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import wording
from accounts.models import AccountEvent, AccountSnapshot, Segment, User, WorkItem
from accounts.roles import Role
from metrics import words
from metrics.dashboards import scope_of, shown
from metrics.dashboards.cards import change
from metrics.filters import DIMENSIONS, Filters
from metrics.funnels.page import group_names
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import ask
from metrics.kpis.entry import COMPONENTS, Kpi
from metrics.kpis.team_performance import performance
from metrics.team.books import AHEAD_DAYS, Book, people_of, together
from metrics.voice.links import kpi_address
from metrics.voice.listening import of_accounts
from surveys.comparing import Change, nps_change, share_change
from surveys.scoring import nps, nps_interval, share, wilson_interval

PAGE = 50
# fewer customers or answers than this tell nothing of a person
FEWEST = 5


@dataclass(frozen=True)
class Told:
    """A figure in words with its interval and what it counts; `value` is empty where too few stand behind it.

    `before` is the figure of the period compared with and what it counted, empty where too few stood behind it or nothing
    is compared; `by_chance` says that chance alone shows as much of a change.
    """

    value: str
    interval: str
    count: str
    href: str = ""
    change: SafeString | str = ""
    before: str = ""
    by_chance: bool = False


@dataclass
class Line:
    """One person or one team. `links` open the rows of each figure; empty for those who see none.

    `before` has the outcome of the period compared with, None where nothing is compared.
    """

    name: str
    book: Book
    before: Book | None = None
    person: User | None = None
    people: int = 1
    links: dict[str, str] = field(default_factory=dict)
    nrr: Told | None = None
    grr: Told | None = None
    nps: Told | None = None
    csat: Told | None = None
    lost: Told | None = None

    @property
    def bands(self) -> list[tuple[str, int, float, float]]:
        """Band, accounts, start and width in percent, for the bar."""
        whole, left, found = self.book.healthy + self.book.watch + self.book.at_risk, 0.0, []
        for band in ("healthy", "watch", "at_risk"):
            count = getattr(self.book, band)
            if count:
                width = 100 * count / whole
                found.append((band, count, round(left, 2), round(width, 2)))
                left += width
        return found


def lines_of(people: Sequence[User], books: dict[int, Book], filters: Filters, *, sees_rows: bool, before: dict[int, Book] | None = None) -> list[Line]:
    """A line a person in order of names, which is no ranking."""
    return [
        Line(person.name or person.email, books[person.pk], before[person.pk] if before else None, person, links=_links(person, filters) if sees_rows else {}) for person in people
    ]


def teams_of(people: Sequence[User], books: dict[int, Book], *, before: dict[int, Book] | None = None) -> list[Line]:
    """A line a team, where there is more than one; people without one stand together."""
    members: dict[str, list[User]] = {}
    for person in people:
        members.setdefault(person.team.name if person.team else "", []).append(person)
    if len(members) < 2:
        return []
    return [
        Line(
            name or _("without a team"),
            together(books[one.pk] for one in members[name]),
            together(before[one.pk] for one in members[name]) if before else None,
            people=len(members[name]),
        )
        for name in sorted(members, key=lambda name: (not name, name))
    ]


def _links(person: User, filters: Filters) -> dict[str, str]:
    rows, accounts = reverse("metrics:team_rows"), f"{reverse('accounts:list')}?owner={person.pk}"
    query = filters.query()
    links = {name: f"{rows}?{query}{'&' if query else ''}{urlencode({'figure': name, 'person': str(person.pk)})}" for name in ROWS}
    # the list of accounts knows the segment alone among the filters; narrowed otherwise it would tell another number
    if not (filters.plan or filters.country or filters.segment):
        links |= {"accounts": accounts, **{band: f"{accounts}&band={band}" for band in ("healthy", "watch", "at_risk")}}
    return links


def tell_outcome(line: Line, filters: Filters, *, sees_rows: bool) -> None:
    """Puts NRR, GRR, NPS, CSAT and the customers lost of a line in words, beside what they were before."""
    book, before = line.book, line.before
    only = {"owner": line.person.email} if line.person else None

    def href(name: str) -> str:
        return kpi_address(name, filters, page="kpi_rows", only=only) if sees_rows and only else ""

    for name in ("nrr", "grr"):
        value, variant = getattr(book, name), "cohort"
        enough = book.customers_start >= FEWEST and value is not None
        told = Told(shown(CATALOGUE[name], variant, str(value)) if enough else "", "", wording.number(book.customers_start), href(name))
        setattr(line, name, _beside(told, CATALOGUE[name], variant, value, getattr(before, name), before.customers_start) if before else told)
    points, edges = nps(book.promoters, book.passives, book.detractors), nps_interval(book.promoters, book.passives, book.detractors)
    line.nps = _told(CATALOGUE["nps"], points, edges, book.answers, href("nps"))
    line.csat = _told(CATALOGUE["csat"], share(book.satisfied, book.rated), wilson_interval(book.satisfied, book.rated), book.rated, href("csat"))
    line.lost = Told(wording.number(book.churned_customers), "", wording.number(book.customers_start))
    if before is None:
        return
    moved = nps_change((book.promoters, book.passives, book.detractors), (before.promoters, before.passives, before.detractors))
    line.nps = _beside(line.nps, CATALOGUE["nps"], CATALOGUE["nps"].variants[0], points, nps(before.promoters, before.passives, before.detractors), before.answers, moved)
    moved = share_change((book.satisfied, book.rated), (before.satisfied, before.rated))
    line.csat = _beside(
        line.csat, CATALOGUE["csat"], CATALOGUE["csat"].variants[0], share(book.satisfied, book.rated), share(before.satisfied, before.rated), before.rated, moved
    )  # fmt: skip
    if before.customers_start:
        # a number of another base: told, with no arrow
        line.lost = replace(line.lost, before=_before(wording.number(before.churned_customers), before.customers_start))


def _beside(told: Told, kpi: Kpi, variant: str, now: Decimal | None, then: Decimal | None, count: int, moved: Change | None = None) -> Told:
    """A figure beside its value of the period compared with; `moved` is the change by the tests of surveys, where there is one."""
    if not told.value or then is None or count < FEWEST:
        return told
    arrow = change(kpi, {"value": now, "variant": variant}, {"value": then})
    return replace(told, change=arrow, before=_before(shown(kpi, variant, str(then)), count), by_chance=bool(moved and not moved.significant))


def _before(text: str, count: int) -> str:
    return _("before: %(value)s of %(count)s") % {"value": text, "count": wording.number(count)}


def _told(kpi: Kpi, value: Decimal | None, edges: tuple[Decimal, Decimal] | None, count: int, href: str) -> Told:
    if value is None or edges is None or count < FEWEST:
        return Told("", "", wording.number(count), href if count else "")
    variant = kpi.variants[0]
    between = _("%(low)s to %(high)s") % {"low": shown(kpi, variant, str(edges[0])), "high": shown(kpi, variant, str(edges[1]))}
    return Told(shown(kpi, variant, str(value)), between, wording.number(count), href)


@dataclass(frozen=True)
class Spent:
    """One segment's share of a person's time against its budget; `over` where it takes more than planned and a tenth."""

    minutes: int
    share: float | None
    over: bool


@dataclass(frozen=True)
class Effort:
    """The segments with their budgets, and each line's time over them."""

    segments: list[tuple[str, str, Decimal | None]]
    rows: list[tuple[str, list[Spent], int]]


def effort(lines: Sequence[Line]) -> Effort:
    """Minutes of logged touches by segment of now, as shares of each line's time; lines without any minute are left out."""
    planned = [(row.key, wording.segment_name(row), row.effort_share) for row in Segment.objects.order_by("position", "pk")]
    keys = {key for line in lines for key in line.book.spent}
    segments = [one for one in planned if one[2] is not None or one[0] in keys]
    if "" in keys:
        segments.append(("", _("without a segment"), None))
    rows = []
    for line in lines:
        if not line.book.minutes:
            continue
        cells = []
        for key, _name, budget in segments:
            minutes = line.book.spent.get(key, 0)
            part = minutes / line.book.minutes
            cells.append(Spent(minutes, part, budget is not None and part > float(budget) * 1.1))
        rows.append((line.name, cells, line.book.minutes))
    return Effort(segments, rows)


@dataclass(frozen=True)
class Component:
    """One component of an agent's performance: its value, the points it earned, what it counts."""

    value: Any
    points: str
    count: int
    href: str


@dataclass(frozen=True)
class AgentLine:
    """One agent: points of 100, or why none are told."""

    name: str
    email: str
    points: str
    few: bool
    components: list[Component | None]


# the rows of each component on the page of support
_FIGURES = {"csat": "rated", "fcr": "issues", "resolution_time": "resolution", "first_response_time": "first_response", "aht": "handled"}


def agent_lines(filters: Filters, *, user: User) -> list[AgentLine]:
    """Every agent with any component in the period, by name; CSMs and agents find themselves alone. Raises WrongQuestion."""
    scope = None if user.role == Role.AGENT else scope_of(user)
    question = ask(name="team_performance", **filters.question(accounts=scope, filters={}))
    # the composite has no filters of accounts, but each of its components has; of each agent alone: the figure of everybody together is not shown
    figures = performance(replace(question, filters={name: (value,) for name, value in filters.filters.items()}), "agent")
    groups = {email: figure for email, figure in figures.items() if email and (user.role not in {Role.AGENT, Role.CSM} or email == user.email)}
    names = group_names("owner", sorted(groups))
    found = []
    for email, figure in groups.items():
        parts = figure.parts
        if not any(parts.get(f"{name}_count") for name in COMPONENTS):
            continue
        components = [_component(name, parts, email, filters, sees_rows=user.role != Role.ANALYST) for name in COMPONENTS]
        points = "" if figure.value is None else wording.number(round(figure.value, 0))
        found.append(AgentLine(names.get(email, email), email, points, "too_few_items" in figure.flags, components))
    return sorted(found, key=lambda line: (line.name.casefold(), line.email))


def _component(name: str, parts: dict[str, Any], email: str, filters: Filters, *, sees_rows: bool) -> Component | None:
    count = parts.get(f"{name}_count") or 0
    if not count or parts.get(name) is None:
        return None
    value = Decimal(parts[name])
    earned = parts[f"{name}_score"]
    days = {"from": filters.start, "until": filters.period.last.isoformat()}
    narrowed = {dimension: getattr(filters, dimension) for dimension in DIMENSIONS if getattr(filters, dimension)}
    query = urlencode({**days, "agent": email, **narrowed, "figure": _FIGURES[name]})
    href = f"{reverse('metrics:support_tickets')}?{query}" if sees_rows else ""
    told = words.seconds(value) if name in words.PERFORMANCE_SECONDS else wording.percent(value, 1)
    return Component(told, "" if earned is None else wording.number(round(Decimal(earned), 0)), count, href)


ROWS: dict[str, Any] = {
    "renewals": gettext_lazy("Renewals of the next 90 days"),
    "touches": gettext_lazy("Touches in the period"),
    "open": gettext_lazy("Open work"),
    "overdue": gettext_lazy("Work past its date"),
    "done": gettext_lazy("Work done in the period"),
}


@dataclass(frozen=True)
class Row:
    """One row behind a figure: an account, what happened there and when, and money where there is some."""

    account: Any
    text: str
    at: dt.datetime | dt.date | None
    micros: int | None = None


def rows_of(figure: str, person: User, filters: Filters, *, user: User, after: str = "") -> tuple[list[Row], str]:
    """The rows behind a figure of a person, fifty a page by key, and the mark of the next. Raises KeyError for a figure that does not exist."""
    ROWS[figure]
    of = of_accounts({name: value for name, value in filters.filters.items() if name != "owner"})
    start, end = filters.period.span
    mark = after.partition("~")
    if figure == "renewals":
        today = filters.now.astimezone(filters.period.zone).date()
        rows: Any = AccountSnapshot.objects.visible_to(user).filter(of, owner=person, account__excluded=False, account__churned_at=None)
        rows = rows.filter(renews_on__gte=today, renews_on__lte=today + dt.timedelta(days=AHEAD_DAYS))
        order, parse = "renews_on", dt.date.fromisoformat
    elif figure == "touches":
        rows = AccountEvent.objects.visible_to(user).filter(of, kind="touch.logged", actor=person, occurred_at__gte=start, occurred_at__lt=end, account__excluded=False)
        order, parse = "occurred_at", dt.datetime.fromisoformat  # type: ignore[assignment]
    else:
        rows = WorkItem.objects.visible_to(user).filter(of, owner=person)
        order, parse = "due_at", dt.datetime.fromisoformat  # type: ignore[assignment]
        if figure == "done":
            rows, order = rows.filter(status=WorkItem.Status.DONE, closed_at__gte=start, closed_at__lt=end), "closed_at"
        else:
            rows = rows.filter(status=WorkItem.Status.OPEN, **({"due_at__lt": filters.now} if figure == "overdue" else {}))
    try:
        place = (parse(mark[0].replace(" ", "+")), int(mark[2])) if mark[1] else None
    except ValueError:
        place = None
    if place is not None:
        rows = rows.filter(Q(**{f"{order}__gt": place[0]}) | Q(**{order: place[0], "pk__gt": place[1]}))
    found = list(rows.select_related("account", "account__segment").order_by(F(order).asc(), "pk")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    last = f"{getattr(found[-1], order).isoformat()}~{found[-1].pk}" if more else ""
    return [_row(figure, row, order) for row in found], last


def _row(figure: str, row: Any, order: str) -> Row:
    if figure == "renewals":
        return Row(row.account, "", row.renews_on, row.mrr_micros)
    if figure == "touches":
        minutes = row.payload.get("minutes")
        return Row(row.account, _("%(minutes)s min") % {"minutes": wording.number(minutes)} if minutes else "", row.occurred_at)
    return Row(row.account, row.title or row.get_type_display(), getattr(row, order), row.stake_micros or None)


def person_of(user: User, filters: Filters, pk: str) -> User | None:
    """A person whose book the reader may see."""
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return None
    return next((person for person in people_of(user, filters) if person.pk == int(pk)), None)
