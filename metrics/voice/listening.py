"""What moves in what customers write, how the loop of unhappy answers is closed, and who is silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Account, AccountSnapshot, Topic, TopicTag, User
from accounts.proportions import Contrast, contrast, wilson
from accounts.queries.topics import UNLIKELY, scope
from accounts.roles import Role
from metrics.charts import Chart, Series, lines
from metrics.filters import Filters
from metrics.funnels.page import group_names
from surveys.models import Invitation, LoopCase, Response
from surveys.periods import midnight
from surveys.queries.cases import cases_for

MOST_TOPICS = 12
FEWEST = 5
# who has not answered for so long is silent
SILENT_DAYS = 365
_FIELDS = {"segment": "segment__key", "owner": "owner__email", "plan": "plan", "country": "country"}


def of_accounts(filters: Mapping[str, str], prefix: str = "account__") -> Q:
    """The dimensions chosen as a condition on the accounts of rows; segments are those of now."""
    wanted = Q()
    for name, value in filters.items():
        path = f"{prefix}{_FIELDS[name]}"
        empty = Q(**{f"{path}__isnull": True}) if name in {"segment", "owner"} else Q(**{path: ""})
        wanted &= Q(**{path: value}) if value else empty
    return wanted


@dataclass(frozen=True)
class Mover:
    """A topic now and before: texts, share of all texts, and whether the difference is more than chance."""

    topic: Topic
    texts: int
    before: int
    negative: int
    found: Contrast | None
    more_than_chance: bool


@dataclass
class Movers:
    """Topics by how much they moved; `texts` and `before` are all texts of the period and of the one compared with."""

    rows: list[Mover]
    texts: int
    before: int
    compared: bool


def movers(user: User, filters: Filters) -> Movers:
    """Topics of the period against the one compared with: their share of all texts. Three statements."""
    start, end = filters.period.span
    days = filters.compared
    visible = scope(user).filter(of_accounts(filters.filters))
    earlier = _instants(days, filters) if days else None
    now_is, then_is = Q(occurred_at__gte=start, occurred_at__lt=end), Q(pk=None)
    if earlier:
        then_is = Q(occurred_at__gte=earlier[0], occurred_at__lt=earlier[1])
    totals = visible.filter(now_is | then_is).aggregate(texts=Count("pk", filter=now_is), before=Count("pk", filter=then_is))
    tags = TopicTag.objects.exclude(verdict=TopicTag.Verdict.WRONG).filter(verbatim__in=visible.filter(now_is | then_is).values("pk"))
    recent = Q(verbatim__occurred_at__gte=start, verbatim__occurred_at__lt=end)
    counted = tags.order_by().values("topic_id").annotate(
        texts=Count("verbatim_id", filter=recent, distinct=True), before=Count("verbatim_id", filter=~recent, distinct=True),
        negative=Count("verbatim_id", filter=recent & Q(sentiment="negative"), distinct=True),
    )  # fmt: skip
    found = {row["topic_id"]: row for row in counted}
    topics = Topic.objects.in_bulk(found)
    rows = []
    for pk, row in found.items():
        compared = contrast(row["texts"], totals["texts"], row["before"], totals["before"]) if earlier else None
        enough = row["texts"] + row["before"] >= FEWEST
        # with many comparisons some differ by chance: the limit is divided by their number (Bonferroni)
        clear = bool(compared and enough and compared.p_value < UNLIKELY / max(1, len(found)))
        rows.append(Mover(topics[pk], row["texts"], row["before"], row["negative"], compared, clear))
    rows.sort(key=lambda row: (not row.more_than_chance, row.found.p_value if row.found else 1.0, -row.texts, row.topic.name))
    return Movers(rows[:MOST_TOPICS], totals["texts"], totals["before"], earlier is not None)


def _instants(days: tuple[str, str], filters: Filters) -> tuple[dt.datetime, dt.datetime]:
    """The period compared with, as instants; its end may be one already."""
    first, last = (midnight(dt.date.fromisoformat(text), filters.period.zone) if len(text) == 10 else dt.datetime.fromisoformat(text) for text in days)
    return first, last


@dataclass
class Loop:
    """How unhappy answers of the period were closed: the share in time of those that ended or are late, and how long it took."""

    opened: int
    closed: int
    in_time: int
    late: int
    whole: int
    share: float | None
    interval: tuple[float, float] | None
    median_hours: float | None
    months: Chart


def loop(user: User, filters: Filters) -> Loop:
    """Cases opened in the period, without those whose customer took the answer back. Three statements."""
    now = filters.now
    start, end = filters.period.span
    cases = cases_for(user).filter(of_accounts(filters.filters)).exclude(resolution=LoopCase.Resolution.TAKEN_BACK)
    rows = cases.filter(opened_at__gte=start, opened_at__lt=end)
    ended, in_time = Q(closed_at__isnull=False), Q(closed_at__lte=F("due_at"))
    late = Q(closed_at=None, due_at__lte=now)
    counts = rows.aggregate(opened=Count("pk"), closed=Count("pk", filter=ended), in_time=Count("pk", filter=in_time), late=Count("pk", filter=late))
    hours = sorted((closed - opened).total_seconds() / 3600 for opened, closed in rows.filter(ended).values_list("opened_at", "closed_at")[:10_000] if closed)
    whole = counts["closed"] + counts["late"]
    first, after = (dt.date.fromisoformat(day) for day in filters.months())
    monthly: dict[dt.date, Any] = {
        row["month"].date(): row
        for row in cases.filter(opened_at__gte=midnight(first, filters.period.zone), opened_at__lt=midnight(after, filters.period.zone))
        .order_by()
        .annotate(month=TruncMonth("opened_at", tzinfo=filters.period.zone))
        .values("month")
        .annotate(whole=Count("pk", filter=ended | late), kept=Count("pk", filter=in_time))
    }
    return Loop(
        **counts, whole=whole, share=counts["in_time"] / whole if whole >= FEWEST else None, interval=wilson(counts["in_time"], whole) if whole >= FEWEST else None,
        median_hours=(hours[(len(hours) - 1) // 2] + hours[len(hours) // 2]) / 2 if hours else None, months=_loop_months(first, after, monthly),
    )  # fmt: skip


def _loop_months(first: dt.date, after: dt.date, monthly: dict[dt.date, Any]) -> Chart:
    steps, values, lows, highs = [], [], [], []
    month = first
    while month < after:
        row = monthly.get(month, {"whole": 0, "kept": 0})
        edges = wilson(row["kept"], row["whole"]) if row["whole"] >= FEWEST else None
        steps.append(wording.month(month))
        values.append(row["kept"] / row["whole"] if edges else None)
        lows.append(edges[0] if edges else None)
        highs.append(edges[1] if edges else None)
        month = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return lines(
        name="loop-months", title=_("Closed in time, by month of the answer"), steps=steps, series=[Series(_("Closed in time"), values, lows=lows, highs=highs)], unit="fraction",
        height=220, note=_("The band is the interval of 95 percent; months of fewer than 5 are left out."), empty=_("No month has five cases yet."),
    )  # fmt: skip


@dataclass(frozen=True)
class SilentGroup:
    """Customers of a segment that said nothing for a year: how many, of how many, what they pay; of them never asked."""

    key: str
    name: str
    customers: int
    silent: int
    unasked: int
    mrr_micros: int
    silent_mrr_micros: int

    @property
    def share(self) -> Decimal | None:
        """Silent of all; None over too few."""
        return Decimal(self.silent) / self.customers if self.customers >= FEWEST else None


def _base(user: User, filters: Filters) -> Any:
    accounts: Any = Account.objects.all() if user.role == Role.ANALYST else Account.objects.visible_to(user)
    rows = AccountSnapshot.objects.filter(account__in=accounts.filter(excluded=False, churned_at=None).values("pk"))
    return rows.filter(of_accounts(filters.filters))


def _unheard(now: dt.datetime) -> tuple[Q, Q]:
    """Conditions on snapshots: nobody of the account answered in a year; nobody was asked in it either."""
    since = now - dt.timedelta(days=SILENT_DAYS)
    heard = Response.objects.counted().filter(answered_at__gte=since, answered_at__lt=now, account__isnull=False).values("account")
    asked = Invitation.objects.filter(sent_at__gte=since, sent_at__lt=now).values("account")
    told = Response.objects.filter(invited_at__gte=since, invited_at__lt=now, account__isnull=False, test=False).values("account")
    silent = ~Q(account__in=heard)
    return silent, silent & ~Q(account__in=asked) & ~Q(account__in=told)


def silent_groups(user: User, filters: Filters) -> list[SilentGroup]:
    """By segment of now; one statement."""
    silent, unasked = _unheard(filters.now)
    rows = list(
        _base(user, filters)
        .values("segment__key", "segment__position")
        .annotate(customers=Count("pk"), silent=Count("pk", filter=silent), unasked=Count("pk", filter=unasked), mrr=Sum("mrr_micros"), silent_mrr=Sum("mrr_micros", filter=silent))
        .order_by(F("segment__position").asc(nulls_last=True))
    )
    named = group_names("segment", [])
    return [
        SilentGroup(
            row["segment__key"] or "", named.get(row["segment__key"] or "", _("without a segment")), row["customers"], row["silent"], row["unasked"],
            row["mrr"] or 0, row["silent_mrr"] or 0,
        )
        for row in rows
    ]  # fmt: skip


PAGE = 50


def silent_accounts(user: User, filters: Filters, *, segment: str | None, unasked: bool, after: str = "") -> tuple[list[AccountSnapshot], str]:
    """Silent customers, those that pay the most first, and the mark behind which the next begin; `segment` "" is without one, None all."""
    silent, never = _unheard(filters.now)
    rows = _base(user, filters).filter(never if unasked else silent)
    if segment is not None:
        rows = rows.filter(account__segment__key=segment) if segment else rows.filter(account__segment__isnull=True)
    mrr, _sign, pk = after.partition("~")
    if all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (mrr, pk)):
        rows = rows.filter(Q(mrr_micros__lt=int(mrr)) | Q(mrr_micros=int(mrr), pk__lt=int(pk)))
    found = list(rows.select_related("account", "account__segment", "account__owner").order_by("-mrr_micros", "-pk")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    return found, f"{found[-1].mrr_micros}~{found[-1].pk}" if more else ""
