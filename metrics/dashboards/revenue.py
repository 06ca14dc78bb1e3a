"""The revenue page: MRR and its bridge, retention, why revenue left, what it grew by, each part for itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.models import Segment, Subscription, User
from accounts.roles import Role
from metrics.charts import Series, Step, bars, lines, ranking, say, waterfall
from metrics.dashboards.figures import scope_of, sees_rows
from metrics.dashboards.moves import movements_question, touched
from metrics.filters import CUSTOM, Filters
from metrics.formulas import retention as formulas
from metrics.formulas.numbers import ratio
from metrics.kpis.bridge import bridges
from metrics.kpis.engine import answer
from metrics.kpis.question import add_months
from metrics.ledger.trailing import trailing
from metrics.models import LossReason

MOVEMENTS = ("new", "expansion", "reactivation", "contraction", "churned")
SPAN_MONTHS = (13, 25, 49)
BY = ("segment", "plan")


@dataclass(frozen=True)
class Reader:
    """Who reads, under which filters; figures of one reader have one scope."""

    user: User
    chosen: Filters
    scope: list[int] | None
    rows: bool

    @classmethod
    def of(cls, user: User, chosen: Filters) -> Reader:
        """The reader with the scope read once."""
        return cls(user, chosen, scope_of(user), sees_rows(user))

    def answer(self, name: str, **more: Any) -> dict[str, Any]:
        """A figure for this reader."""
        return answer(name=name, accounts=self.scope, **self.chosen.question(**more))

    def rows_of(self, movement: str, *, start: str = "", end: str = "", **more: str) -> str:
        """The accounts behind a movement of a part of the time; empty where rows may not be seen."""
        if not self.rows:
            return ""
        days = {"period": CUSTOM, "from": start, "until": _day_before(end)} if start else {}
        return f"{reverse('metrics:revenue_accounts')}?{self.chosen.query(**days, movement=movement, **more)}"


def _day_before(end: str) -> str:
    return (dt.date.fromisoformat(end) - dt.timedelta(days=1)).isoformat()


def movement_words() -> dict[str, str]:
    """What movements of MRR are called."""
    return {"new": _("New"), "expansion": _("Expansion"), "reactivation": _("Reactivation"), "contraction": _("Contraction"), "churned": _("Lost")}


def reason_word(reason: str | None) -> str:
    """A reason of loss in words: those we give ourselves in the reader's language, others as they were entered."""
    known = {"payment_failure": _("Failed payment"), "pause": _("Paused"), "inactivity": _("No orders any more"), "": _("No reason given")}
    text = reason or ""
    return known.get(text) or text.replace("_", " ").capitalize()


def bridge(reader: Reader) -> dict[str, Any]:
    """The waterfall of the period."""
    figure = reader.answer("mrr_movements")
    parts = figure["parts"]
    words = movement_words()
    steps = [Step(_("Opening"), Decimal(parts["opening"]), total=True)]
    counts = {"new": "customers_new", "reactivation": "customers_reactivated", "churned": "customers_churned"}
    for name in MOVEMENTS:
        amount = Decimal(parts[name]) * (-1 if name in {"contraction", "churned"} else 1)
        more = _customers(parts[counts[name]]) if name in counts and amount else ""
        steps.append(Step(words[name], amount, reader.rows_of(name) if amount else "", more=more))
    if Decimal(parts["fx"]):
        steps.append(Step(_("Exchange rates"), Decimal(parts["fx"]), tone="quiet"))
    steps.append(Step(_("Closing"), Decimal(parts["closing"]), total=True, tone="accent"))
    chart = waterfall(name="bridge", title=_("MRR bridge"), steps=steps, description=_so_far(reader, figure), empty=_("No recurring revenue in this period."))
    return {"charts": [chart], "figure": figure, "net": say(figure["value"], "money"), "missing": figure["missing"], "partial": figure["partial"]}


def _customers(count: int) -> str:
    return ngettext("%(count)s customer", "%(count)s customers", count) % {"count": wording.number(count)}


def _so_far(reader: Reader, figure: dict[str, Any]) -> str:
    last = reader.chosen.now.astimezone(reader.chosen.period.zone).date()
    return _("The period is not over: as of %(day)s.") % {"day": wording.day(last)} if figure["partial"] else ""


def months(reader: Reader, count: int) -> dict[str, Any]:
    """MRR at the end of each month, and the movements of each month, stacked."""
    series = _series(reader, "mrr_movements", count)
    steps = [wording.month(dt.date.fromisoformat(piece["start"])) for piece in series]
    partial = [place for place, piece in enumerate(series) if piece["partial"]]
    words = movement_words()
    closing = [None if piece["missing"] else Decimal(piece["parts"]["closing"]) for piece in series]
    known = any(value for value in closing)
    opened = [reader.rows_of("", start=piece["start"], end=piece["end"]) for piece in series]
    mrr = lines(
        name="mrr", title=_("MRR by month"), steps=steps, series=[Series(_("MRR"), closing if known else [None] * len(series), opened)], unit="money", partial=partial,
        empty=_("No recurring revenue yet."),
    )  # fmt: skip
    tones = {"new": "good", "expansion": "good", "reactivation": "accent", "contraction": "risk", "churned": "risk"}
    stacked = []
    for name in MOVEMENTS:
        sign = -1 if name in {"contraction", "churned"} else 1
        values = [None if piece["missing"] else Decimal(piece["parts"][name]) * sign for piece in series]
        hrefs = [reader.rows_of(name, start=piece["start"], end=piece["end"]) if value else "" for piece, value in zip(series, values, strict=True)]
        stacked.append(Series(words[name], values, hrefs, tone=tones[name], hatched=name in {"expansion", "contraction"}))
    moved = bars(
        name="movements", title=_("Movements by month"), steps=steps, series=stacked, unit="money", stacked=True, partial=partial, empty=_("No movement in these months.")
    )  # fmt: skip
    missing = sorted({currency for piece in series for currency in piece["missing"]})
    return {"charts": [mrr, moved], "missing": missing, "count": count}


def _series(reader: Reader, name: str, count: int, **more: Any) -> list[dict[str, Any]]:
    start, end = reader.chosen.months(count)
    return list(reader.answer(name, start=start, end=end, interval="month", **more)["series"])


def retention(reader: Reader, count: int) -> dict[str, Any]:
    """Net and gross retention of single months, and over the twelve months up to each."""
    series = _series(reader, "nrr", count)
    start, end = reader.chosen.months(count)
    years = trailing(name="nrr", start=start, end=end, now=reader.chosen.now, filters=reader.chosen.filters, accounts=reader.scope)["series"]
    steps = [wording.month(dt.date.fromisoformat(piece["start"])) for piece in series]
    partial = [place for place, piece in enumerate(series) if piece["partial"]]
    edges = [dt.date.fromisoformat(piece["end"][:10]) for piece in series]
    charts = []
    for name, title, pieces, length, head, empty in (
        ("retention-year", _("Retention over twelve months"), years, 12, _("Twelve months to"), _("Retention over a year needs customers a year ago.")),
        ("retention-month", _("Retention by month"), series, 1, _("Month"), _("Retention needs customers at the start of a month.")),
    ):
        net, gross = ([_decimal(value) for value in values] for values in ([piece["value"] for piece in pieces], [piece["parts"]["grr"] for piece in pieces]))
        both = [Series(_("Net (NRR)"), net, _kpi(reader, "nrr", edges, length)), Series(_("Gross (GRR)"), gross, _kpi(reader, "grr", edges, length))]
        charts.append(lines(name=name, title=title, steps=steps, series=both, unit="fraction", partial=partial, head=head, empty=empty))
    return {"charts": charts}


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _kpi(reader: Reader, name: str, edges: list[dt.date], length: int) -> list[str]:
    path = reverse("metrics:kpi", args=[name])
    narrowed = "".join(f"&filter.{key}={value or 'none'}" for key, value in reader.chosen.filters.items())
    return [f"{path}?start={add_months(edge, -length).isoformat()}&end={edge.isoformat()}{narrowed}" for edge in edges]


@dataclass(frozen=True)
class ReasonRow:
    """Why revenue left: MRR and customers lost, its share, who did not choose it."""

    word: str
    mrr: str
    share: str
    customers: str
    involuntary: str
    href: str
    # yes, no or not judged, in words
    avoidable: str


def churn(reader: Reader) -> dict[str, Any]:
    """What was lost, by reason: MRR and customers, by choice and not by choice."""
    groups = reader.answer("mrr_movements", by="reason")["groups"]
    lost = {group["key"]: group for group in reader.answer("customers_lost", by="reason")["groups"]}
    told = {group["key"]: Decimal(group["parts"]["churned"]) for group in groups}
    whole = sum(told.values(), Decimal(0))
    judged = dict(LossReason.objects.filter(reason__in=[key for key in {*told, *lost} if key]).values_list("reason", "avoidable"))
    rows, steps = [], []
    customers_all = involuntary_all = 0
    avoidable_all = Decimal(0)
    for reason in sorted({*told, *lost}, key=lambda key: (-told.get(key, Decimal(0)), key is None, key or "")):
        amount, parts = told.get(reason, Decimal(0)), lost[reason]["parts"] if reason in lost else {"churned": 0, "involuntary": 0}
        if not amount and not parts["churned"]:
            continue
        word, href = reason_word(reason), reader.rows_of("churned", reason=reason or "none")
        customers_all, involuntary_all = customers_all + parts["churned"], involuntary_all + parts["involuntary"]
        share, verdict = ratio(amount, whole), judged.get(reason or "")
        avoidable_all += amount if verdict else 0
        told_verdict = _("not judged") if verdict is None else _("yes") if verdict else _("no")
        rows.append(ReasonRow(word, say(amount, "money"), say(share, "fraction"), wording.number(parts["churned"]), wording.number(parts["involuntary"]), href, told_verdict))
        steps.append(Step(word, amount, href, tone="risk", more=_customers(parts["churned"])))
    contraction = sum((Decimal(group["parts"]["contraction"]) for group in groups), Decimal(0))
    chart = ranking(name="reasons", title=_("Why revenue left"), steps=steps, unit="money", head=_("Reason"), of=_("MRR lost"), empty=_("No customer was lost in this period."))
    return {
        "charts": [chart], "reasons": rows, "lost": say(whole, "money"), "customers": customers_all, "involuntary": involuntary_all,
        "avoidable": say(avoidable_all, "money") if judged else "", "judges": reader.user.role == Role.ADMIN,
        "voluntary": customers_all - involuntary_all, "contraction": say(contraction, "money"), "contraction_href": reader.rows_of("contraction") if contraction else "",
    }  # fmt: skip


def expansion(reader: Reader) -> dict[str, Any]:
    """What revenue of customers who were there grew by: seats, services, plan, integration, product."""
    # who has no span with an edge inside the period did not grow
    books = bridges(touched(movements_question(reader.user, reader.chosen)), "kind")
    words = {str(key): str(label).capitalize() for key, label in Subscription.Kind.choices}
    grown = sorted(((key or "", book.expansion) for key, book in books.items()), key=lambda entry: (-entry[1], entry[0]))
    narrowed = "".join(f"&filter.{key}={value or 'none'}" for key, value in reader.chosen.filters.items())
    address = f"{reverse('metrics:kpi', args=['mrr_movements'])}?start={reader.chosen.start}&end={reader.chosen.end}&by=kind{narrowed}"
    steps = [Step(words.get(kind, kind), amount, address if reader.rows else "", tone="good") for kind, amount in grown if amount]
    chart = ranking(name="expansion", title=_("What it grew by"), steps=steps, unit="money", head=_("Kind"), of=_("Expansion"), empty=_("No customer grew in this period."))
    whole = sum((amount for _kind, amount in grown), Decimal(0))
    return {"charts": [chart], "grown": say(whole, "money")}


@dataclass(frozen=True)
class GroupRow:
    """One segment or plan: its book at the end and what happened to it. Texts; a dash for nothing."""

    name: str
    href: str
    mrr: str
    customers: str
    arpa: str
    net: str
    nrr: str
    grr: str
    quick: str
    lost: str
    chosen: bool


def groups(reader: Reader, by: str) -> dict[str, Any]:
    """The table by segment or plan. An account counts where it was at the start of the period, a new one where it began."""
    found = reader.answer("mrr_movements", by=by)["groups"]
    names = {row.key: wording.segment_name(row) for row in Segment.objects.all()} if by == "segment" else {}
    without = _("No segment") if by == "segment" else _("No plan")
    rows = []
    for group in sorted(found, key=lambda group: -Decimal(group["parts"]["closing"])):
        part, key = SimpleNamespace(**{name: Decimal(value) for name, value in group["parts"].items()}), group["key"]
        losses = {"opening": part.opening, "churned": part.churned, "contraction": part.contraction}
        rows.append(
            GroupRow(
                name=names.get(key, key) if key else without, href=f"{reverse('metrics:revenue')}?{reader.chosen.query(**{by: key or 'none'})}",
                mrr=say(part.closing, "money"), customers=wording.number(part.customers_end), arpa=say(ratio(part.closing, part.customers_end), "money"),
                net=say(part.net_new, "money"), nrr=say(formulas.net_retention(**losses, expansion=part.expansion), "fraction"),
                grr=say(formulas.gross_retention(**losses), "fraction"),
                quick=say(formulas.quick_ratio(gained=part.new + part.expansion, lost=part.churned + part.contraction), "ratio"),
                lost=wording.number(part.customers_churned), chosen=getattr(reader.chosen, by) == (key or "none"),
            )
        )  # fmt: skip
    return {"charts": [], "rows": rows, "by": by}


PARTS: dict[str, Callable[[Reader, int, str], dict[str, Any]]] = {
    "bridge": lambda reader, _count, _by: bridge(reader),
    "expansion": lambda reader, _count, _by: expansion(reader),
    "months": lambda reader, count, _by: months(reader, count),
    "retention": lambda reader, count, _by: retention(reader, count),
    "churn": lambda reader, _count, _by: churn(reader),
    "groups": lambda reader, _count, by: groups(reader, by),
}
