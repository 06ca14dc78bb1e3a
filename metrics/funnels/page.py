"""Page-shaped reads of funnels: the steps with their figures and links, groups beside each other, the accounts behind a step."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import wording
from accounts.event_kinds import EVENT_KINDS
from accounts.models import Account, Segment, User
from accounts.timeline import GROUPS, Happening, line
from metrics import words
from metrics.charts import Chart, Step, ranking
from metrics.dashboards import scope_of
from metrics.funnels.walks import CONVERTED, REACHED, STUCK, Count, Stage, counts, question_of, walkers
from metrics.kpis.question import Question
from metrics.models import Funnel
from surveys.scoring import share, wilson_interval

PAGE = 50
# fewer accounts than this say nothing as a share
FEWEST = 5
_MONTH = re.compile(r"[1-9]\d{3}-(0[1-9]|1[0-2])")
_NOBODYS = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def funnel_name(funnel: Funnel) -> str:
    """A funnel's name: the shipped one in the reader's language, others as they were named."""
    return _("Trial to paid") if funnel.key == "trial_to_paid" and funnel.name == "Trial to paid" else funnel.name


def kind_words(kind: str) -> str:
    """A kind of event as the timeline says it when nothing else is known."""
    return line(Happening(kind, {}, _NOBODYS)).text


def kind_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every kind of event in words, in the groups of the timeline."""
    told = {kind for _label, kinds in GROUPS.values() for kind in kinds}
    found = [(str(label), [(kind, kind_words(kind)) for kind in kinds if kind in EVENT_KINDS]) for label, kinds in GROUPS.values()]
    rest = [(kind, kind_words(kind)) for kind in EVENT_KINDS if kind not in told]
    return [*found, (_("Others"), rest)] if rest else found


def stages_of(funnel: Funnel) -> list[Stage]:
    """The steps of a funnel as its walk needs them."""
    return [Stage(step.kind, step.payload_key, step.payload_value) for step in funnel.steps.all()]


@dataclass(frozen=True)
class Asked:
    """What a reader asks of a funnel: days (the end is the first one outside), filters, and all of it as an address."""

    start: str
    end: str
    filters: dict[str, str] = field(default_factory=dict)
    query: str = ""

    def link(self, **more: Any) -> str:
        """The address with more parts."""
        added = urlencode({name: value for name, value in more.items() if value not in ("", None)})
        return "?" + "&".join(part for part in (self.query, added) if part)


@dataclass(frozen=True)
class Figure:
    """A share with what it counts; `value` is empty where too few accounts say nothing."""

    part: int
    whole: int
    value: str
    interval: str
    href: str = ""

    @property
    def few(self) -> bool:
        """Whether too few accounts stand behind it."""
        return 0 < self.whole < FEWEST


def _figure(part: int, whole: int) -> Figure:
    edges = wilson_interval(part, whole)
    if whole < FEWEST or edges is None:
        return Figure(part, whole, "", "")
    between = _("%(low)s to %(high)s") % {"low": wording.percent(edges[0], 1), "high": wording.percent(edges[1], 1)}
    return Figure(part, whole, wording.percent(share(part, whole), 1), between)


@dataclass(frozen=True)
class StepLine:
    """One step: who reached it, of those before and of all; how long it took; who is stuck, and of them who still may go on."""

    number: int
    words: str
    condition: str
    reached: int
    wide: str
    before: Figure | None
    whole: Figure | None
    seconds: Any
    stuck: int
    open: int
    links: dict[str, str]


@dataclass
class FunnelPage:
    """One funnel in a period. `settled` tells whether what is counted can still change."""

    funnel: Funnel
    name: str
    steps: list[StepLine]
    last: Figure
    settled: bool
    partial: bool
    groups: list[tuple[str, list[Figure]]]
    too_few_groups: int


def asked_question(funnel: Funnel, asked: Asked, *, user: User, now: dt.datetime) -> Question:
    """The question of a funnel in the reader's scope. Raises WrongQuestion."""
    return question_of(
        stages_of(funnel), start=asked.start, end=asked.end, now=now, window_days=funnel.window_days, filters=asked.filters, accounts=scope_of(user)
    )  # fmt: skip


def funnel_page(funnel: Funnel, asked: Asked, *, by: str, user: User, now: dt.datetime, rows_url: str) -> FunnelPage:
    """The figures of every step, and with `by` those of each group. Two statements. Raises WrongQuestion."""
    stages, question = stages_of(funnel), asked_question(funnel, asked, user=user, now=now)
    found = counts(question, stages)[None]
    entered = found[0].reached
    lines = []
    for place, (stage, count) in enumerate(zip(stages, found, strict=True), start=1):
        before = found[place - 2] if place > 1 else None
        last = place == len(stages)
        links = {REACHED: rows_url + asked.link(step=place)} if count.reached and rows_url else {}
        if not last and rows_url:
            links |= {side: rows_url + asked.link(step=place, side=side) for side in (CONVERTED, STUCK)}
        lines.append(
            StepLine(
                number=place, words=kind_words(stage.kind), condition=f"{stage.key} = {stage.value}" if stage.key else "", reached=count.reached,
                wide=f"{100 * count.reached / entered:.2f}" if entered else "0", before=_figure(count.reached, before.reached) if before else None,
                whole=_figure(count.reached, entered) if place > 1 else None, seconds=words.seconds(before.seconds) if before and before.seconds is not None else "",
                stuck=0 if last else count.reached - count.converted, open=count.open, links=links,
            )
        )  # fmt: skip
    groups = _groups(counts(question, stages, by), by, asked, rows_url) if by else []
    within = funnel.window_days
    settled = within is not None and question.end + dt.timedelta(days=within) <= question.horizon
    return FunnelPage(
        funnel, funnel_name(funnel), lines, _figure(found[-1].reached, entered), settled, question.partial, [group for group in groups if group[1][0].whole >= FEWEST],
        sum(group[1][0].whole < FEWEST for group in groups),
    )  # fmt: skip


def chart_of(page: FunnelPage) -> Chart:
    """The steps under each other: how many accounts reached each, each with its accounts."""
    steps = [
        Step(f"{line.number}. {line.words}", line.reached, line.links.get(REACHED, ""), more=line.whole.value if line.whole and line.whole.value else "")
        for line in page.steps
    ]  # fmt: skip
    return ranking(
        name="funnel", title=_("Accounts at each step"), steps=steps, unit="count", head=_("Step"), of=_("Accounts"), empty=_("Nobody took the first step in this period.")
    )  # fmt: skip


def _groups(found: dict[str | None, list[Count]], by: str, asked: Asked, rows_url: str) -> list[tuple[str, list[Figure]]]:
    """Each group: its name, each step as a share of those who entered, with its accounts. Months by time, all else by size."""
    named = group_names(by, [key for key in found if key])
    rows = []
    for key, steps in found.items():
        links = [rows_url + asked.link(step=place, key=key or "") + ("" if key else "&key=") if rows_url and count.reached else "" for place, count in enumerate(steps, start=1)]
        figures = [replace(_figure(count.reached, steps[0].reached), href=href) for count, href in zip(steps, links, strict=True)]
        rows.append((key or "", named.get(key or "", key or _("without")), figures))
    rows.sort(key=lambda row: (row[0],) if by == "month" else (-row[2][0].whole, row[1]))
    return [(name, figures) for _key, name, figures in rows]


def group_names(by: str, keys: Sequence[str]) -> dict[str, str]:
    """What the groups of a breakdown are called in the reader's language; those that are missing are called as they are."""
    if by == "segment":
        return {row.key: wording.segment_name(row) for row in Segment.objects.all()}
    if by == "owner":
        return {email: name or email for email, name in User.objects.filter(email__in=keys).values_list("email", "name")}
    if by == "country":
        return {key: wording.country_name(key) for key in keys}
    if by == "language":
        return {key: wording.language_name(key) for key in keys}
    return {key: wording.month(dt.date(int(key[:4]), int(key[5:]), 1)) for key in keys if _MONTH.fullmatch(key)} if by == "month" else {}


@dataclass(frozen=True)
class AccountLine:
    """One account at a step."""

    account: Account
    at: dt.datetime
    next_at: dt.datetime | None


@dataclass(frozen=True)
class AccountPage:
    """Some accounts of a step, and the mark behind which the next begin ("" at the end)."""

    rows: list[AccountLine]
    after: str


def accounts_page(
    funnel: Funnel, asked: Asked, *, step: int, side: str, by: str = "", key: str = "", after: str = "", user: User, now: dt.datetime
) -> AccountPage:  # fmt: skip
    """The accounts behind a figure of a step, fifty a page by key. Raises WrongQuestion."""
    stages = stages_of(funnel)
    question = asked_question(funnel, asked, user=user, now=now)
    found = walkers(question, stages, step=step, side=side, key=(by, key) if by else None, after=_mark(after), size=PAGE + 1)
    more, found = len(found) > PAGE, found[:PAGE]
    known = {row.pk: row for row in Account.objects.visible_to(user).filter(pk__in=[row.account_id for row in found]).select_related("segment", "owner")}
    mark = f"{found[-1].at.isoformat()}~{found[-1].account_id}" if more else ""
    return AccountPage([AccountLine(known[row.account_id], row.at, row.next_at) for row in found if row.account_id in known], mark)


def _mark(after: str) -> tuple[dt.datetime, int] | None:
    at, _sign, pk = after.partition("~")
    try:
        moment = dt.datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        return None
    return (moment, int(pk)) if moment.tzinfo and pk.isascii() and pk.isdecimal() and len(pk) < 19 else None


@dataclass(frozen=True)
class TwoSteps:
    """A funnel that the KPI `conversion_rate` can answer by its variant `funnel`: the parameters it takes."""

    pk: int
    name: str
    params: dict[str, str]


def for_conversion_rate() -> list[TwoSteps]:
    """Funnels of two steps without conditions, as parameters of `conversion_rate`; it gives the same numbers."""
    found = []
    for funnel in Funnel.objects.prefetch_related("steps"):
        stages = stages_of(funnel)
        if len(stages) == 2 and not any(stage.key for stage in stages):
            params = {"from_event": stages[0].kind, "to_event": stages[1].kind}
            if funnel.window_days is not None:
                params["within_days"] = str(funnel.window_days)
            found.append(TwoSteps(funnel.pk, funnel_name(funnel), params))
    return found
