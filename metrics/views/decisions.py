"""Decision views: where revenue is lost, support beside satisfaction, what keeping an account may cost, who came back, the budget in short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import wording
from accounts.actions.exports import record_export
from accounts.models import Account, Segment, WorkItem
from accounts.queries.accounts import NO_SEGMENT
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from metrics.charts import Chart, Series, Step, lines, ranking
from metrics.decisions import ceilings, returned, segments, support_beside
from metrics.decisions.audience import audience_words
from metrics.decisions.budget import budget
from metrics.decisions.reader import Reader
from metrics.filters import NONE, Filters, filter_bar
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import WrongQuestion
from metrics.views.filtered import filtered
from metrics.views.kept import kept_fragment

PANELS = ("segments", "support", "ceilings", "returned", "budget")
# stands in kept fragments where the reader's own token belongs
_TOKEN = "csrf-token-of-the-reader"  # noqa: S105 - a mark, no secret
EXPORTS = ("segments", "support", "ceilings", "returned")


def not_for_agents(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """What customers pay and what things cost is none of the agents' business: these pages do not exist for them."""

    @wraps(view)
    def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.role == Role.AGENT:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def reader_of(request: SignedInRequest, chosen: Filters) -> Reader:
    """The reader with what the address chooses."""
    return Reader(request.user, chosen.now, chosen.period.first, chosen.period.after, chosen.filters)


def _panels(reader: Reader) -> list[str]:
    return [name for name in PANELS if name != "budget" or reader.sees_whole]


@login_required
@require_GET
@not_for_agents
@filtered("last_12_months")
def decisions(request: SignedInRequest, chosen: Filters) -> HttpResponse:
    """The page: filters and the places of its panels, which load one by one."""
    reader = reader_of(request, chosen)
    query = chosen.query()
    context = {
        "bar": filter_bar(chosen, request.user, address=reverse("metrics:decisions"), without_compare=True), "chosen": chosen, "reader": reader,
        "panels": [(name, f"{reverse('metrics:decisions_panel', args=[name])}{f'?{query}' if query else ''}") for name in _panels(reader)],
    }  # fmt: skip
    return render(request, "metrics/decisions.html", context)


@login_required
@require_GET
@not_for_agents
@filtered("last_12_months")
def panel(request: SignedInRequest, chosen: Filters, name: str) -> HttpResponseBase:
    """One panel as a fragment; unknown ones, and the budget for those whose figures are of a part, do not exist."""
    reader = reader_of(request, chosen)
    if name not in _panels(reader):
        raise Http404
    chosen_here = {key: request.GET[key] for key in ("by", "sort") if request.GET.get(key)}
    exports = name in EXPORTS and (reader.sees_rows or name in {"segments", "support"})

    def build() -> dict[str, Any]:
        found = _SHOWS[name](request, reader, chosen)
        return {
            **found, "name": name, "reader": reader, "charts": [value for value in found.values() if isinstance(value, Chart)],
            "export": f"{reverse('metrics:decisions_export', args=[name])}?{chosen.query(**chosen_here)}" if exports else "", "token": _TOKEN,
        }  # fmt: skip

    template = f"metrics/_decisions_{name}.html"
    try:
        if name == "budget":
            # quick, and whoever changes a line wants to see it
            return render(request, template, {"chosen": chosen, **build()})
        more = urlencode({**chosen_here, "after": request.GET.get("after", "")})
        response = kept_fragment(request, chosen, f"decisions:{name}", template, build, more=more)
    except WrongQuestion as wrong:
        return render(request, "metrics/_decisions_fault.html", {"fault": str(wrong), "name": name}, status=422)
    if isinstance(response, HttpResponse) and response["Content-Type"].startswith("text/html"):
        # a kept fragment is shared; the token of its form is each reader's own
        response.content = response.content.replace(_TOKEN.encode(), get_token(request).encode())
    return response


def segment_word(key: str | None, names: dict[str, Segment]) -> str:
    """A segment in the reader's language."""
    return wording.segment_name(names[key]) if key in names else key or _("No segment")


def _accounts_of(reader: Reader, segment: str | None) -> str:
    """The list of accounts of a segment; empty for those who see none."""
    return f"{reverse('accounts:list')}?{urlencode({'segment': segment or NO_SEGMENT})}" if reader.sees_rows else ""


def kpi_link(name: str, reader: Reader, chosen: Filters, **more: str | None) -> str:
    """The page of a KPI over the same days and accounts, as far as it knows the filters."""
    first, after = reader.span
    filters = {f"filter.{key}": value or NONE for key, value in reader.filters.items() if key in CATALOGUE[name].dimensions}
    given = {"start": first.isoformat(), "end": after.isoformat(), **filters, **more}
    return f"{reverse('metrics:kpi', args=[name])}?{urlencode({key: value for key, value in given.items() if value})}"


def _segments(request: SignedInRequest, reader: Reader, chosen: Filters) -> dict[str, Any]:
    found = segments.ranking(reader)
    names = {row.key: row for row in Segment.objects.all()}
    rows: list[dict[str, Any]] = [
        {
            "row": row, "name": segment_word(row.key, names), "href": _accounts_of(reader, row.key),
            "churn_href": kpi_link("gross_mrr_churn", reader, chosen, start=found.first, end=found.after, by="segment"),
            "near": [(segment_word(key, names), why) for key, why in row.near],
            "results": [(result, "" if result.segment == row.key and row.key else ", ".join(audience_words(result.initiative)) or _("everybody")) for result in row.results],
            "outcomes": [(outcome, outcome.playbook or str(WorkItem.Type(outcome.type).label), "" if outcome.segment == row.key else segment_word(outcome.segment, names))
                         for outcome in row.outcomes],
        }
        for row in found.rows
    ]  # fmt: skip
    drawn = ranking(
        name="segments-at-stake", title=_("MRR expected to be lost in a year"), unit="money", head=_("Segment"), of=_("MRR expected to be lost in a year"),
        steps=[
            Step(each["name"], None if each["row"].expected is None else each["row"].expected.value, each["href"], tone="risk" if place == 0 else "accent")
            for place, each in enumerate(rows)
        ],
    )  # fmt: skip
    return {"found": found, "rows": rows, "chart": drawn}


def _support(request: SignedInRequest, reader: Reader, chosen: Filters) -> dict[str, Any]:
    by = request.GET.get("by") or "segment"
    if by not in support_beside.BREAKDOWNS:
        raise Http404
    found = support_beside.beside(reader, by)
    names = {row.key: row for row in Segment.objects.all()}
    steps = [wording.month(month.first) for month in found.months]
    partial = [place for place, month in enumerate(found.months) if month.after > reader.today]
    address = reverse("metrics:decisions_panel", args=["support"])
    first = reader.span[0]
    return {
        "found": found, "by": by, "few": support_beside.FEW,
        "groups": [
            (side, segment_word(side.key, names) if by == "segment" else side.key or _("No plan"), _accounts_of(reader, side.key) if by == "segment" else "")
            for side in found.groups
        ],
        "cost_chart": lines(
            name="support-cost-months", title=_("Cost of support by month"), steps=steps, unit="money", partial=partial, zero=True, height=190,
            series=[Series(_("Cost of support"), [month.cost for month in found.months], [kpi_link("support_cost", reader, chosen)] * len(steps))],
        ),
        "csat_chart": lines(
            name="satisfied-months", title=_("Satisfied by month"), steps=steps, unit="fraction", partial=partial, height=190,
            series=[Series(
                _("Satisfied"), [None if month.few else month.csat for month in found.months], [kpi_link("csat", reader, chosen)] * len(steps), tone="good",
                lows=[month.interval[0] if month.interval and not month.few else None for month in found.months],
                highs=[month.interval[1] if month.interval and not month.few else None for month in found.months],
            )],
        ),
        "breakdowns": [(word, f"{address}?{chosen.query(by=name)}", name == by) for name, word in (("segment", _("Segment")), ("plan", _("Plan")))],
        "tickets_href": f"{reverse('metrics:support')}?{urlencode({'from': first.isoformat(), 'until': chosen.period.last.isoformat()})}" if reader.sees_rows else "",
        "csat_href": kpi_link("csat", reader, chosen, by=by), "cost_href": kpi_link("support_cost", reader, chosen),
    }  # fmt: skip


def _ceilings(request: SignedInRequest, reader: Reader, chosen: Filters) -> dict[str, Any]:
    sort, after = request.GET.get("sort") or "ceiling", request.GET.get("after", "")
    place = ceilings.read_after(after) if after else None
    if sort not in ceilings.SORTS or (after and place is None):
        raise Http404
    found = ceilings.ceilings(reader, sort=sort, after=place)
    names = {row.key: row for row in Segment.objects.all()}
    address = reverse("metrics:decisions_panel", args=["ceilings"])
    # analysts see what all accounts come to, and no row
    shown = [(line, segment_word(line.segment, names)) for line in found.lines] if reader.sees_rows else []
    return {
        "found": found, "lines": shown, "sort": sort, "first": f"{address}?{chosen.query(sort=sort)}" if place else "",
        "next": f"{address}?{chosen.query(sort=sort, after=found.next_after)}" if found.next_after and reader.sees_rows else "",
        "sorts": {name: f"{address}?{chosen.query(sort=name)}" for name in ceilings.SORTS},
        "leaving": [(segment_word(key, names), rate) for key, rate in sorted(found.leaving.items(), key=lambda item: item[0] or "~") if key != ""],
        "whole": found.leaving[""], "churn_href": kpi_link("logo_churn", reader, chosen, by="segment"), "clv_href": kpi_link("clv", reader, chosen),
    }  # fmt: skip


def _returned(request: SignedInRequest, reader: Reader, chosen: Filters) -> dict[str, Any]:
    found = returned.returns(reader)
    rows = [
        (row, found.names.get(row.account), found.actions.get(place, [])) for place, row in enumerate(found.rows[: returned.SHOWN]) if row.account in found.names
    ]  # fmt: skip
    return {"found": found, "rows": rows, "movements_href": kpi_link("mrr_movements", reader, chosen), "reasons": [(reason_word(group.key), group) for group in found.by_reason]}


def reason_word(reason: str) -> str:
    """Why somebody had left, in words; reasons of other systems as they are."""
    told = {"": _("no reason known"), "pause": _("pause"), "payment": _("payment"), "payment_failure": _("failed payment"), "inactivity": _("inactivity")}
    return told.get(reason, reason.replace("_", " "))


def _budget(request: SignedInRequest, reader: Reader, chosen: Filters) -> dict[str, Any]:
    return {"found": budget(reader.today.year, today=reader.today), "address": reverse("metrics:budget")}


_SHOWS: dict[str, Callable[[SignedInRequest, Reader, Filters], dict[str, Any]]] = {
    "segments": _segments, "support": _support, "ceilings": _ceilings, "returned": _returned, "budget": _budget,
}  # fmt: skip


@login_required
@require_POST
@not_for_agents
@filtered("last_12_months")
def export(request: SignedInRequest, chosen: Filters, name: str) -> HttpResponseBase:
    """What a panel shows, in full, as CSV; a POST, since it leaves an entry in the log. Rows of accounts are not for analysts."""
    reader = reader_of(request, chosen)
    if name not in EXPORTS or (name in {"ceilings", "returned"} and not reader.sees_rows):
        raise Http404
    try:
        head, rows = _WRITES[name](reader, request)
    except WrongQuestion as wrong:
        return HttpResponse(str(wrong), status=422, content_type="text/plain; charset=utf-8")
    record_export(actor=request.user, what=name, title=f"decisions: {name}", choices=request.META.get("QUERY_STRING", ""), now=chosen.now)
    response = StreamingHttpResponse(csv_lines(head, rows, get_language() or "en"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="decisions-{name}-{timezone.localdate(chosen.now):%Y-%m-%d}.csv"'
    return response


Written = tuple[list[str], Iterator[list[Any]]]


def _cut(value: Any) -> Any:
    return None if value is None else round(value, 12)


def _write_segments(reader: Reader, request: SignedInRequest) -> Written:
    found = segments.ranking(reader, with_results=False)
    head = [
        _("Segment"),
        _("Customers"),
        _("MRR"),
        _("Customers at the opening"),
        _("Share of MRR lost"),
        _("Interval from"),
        _("Interval to"),
        _("MRR expected to be lost in a year"),
    ]

    def rows() -> Iterator[list[Any]]:
        for row in found.rows:
            low, high = (row.rate.interval if row.rate else None) or (None, None)
            yield [
                row.key or "", row.customers, _cut(row.mrr), row.book.customers if row.book else 0, _cut(row.rate.value) if row.rate else None, _cut(low), _cut(high),
                _cut(row.expected.value) if row.expected else None,
            ]  # fmt: skip

    return head, rows()


def _write_support(reader: Reader, request: SignedInRequest) -> Written:
    by = request.GET.get("by") if request.GET.get("by") in support_beside.BREAKDOWNS else "segment"
    found = support_beside.beside(reader, str(by))
    head = [
        _("Table"),
        _("Group"),
        _("First day"),
        _("Day after"),
        _("Cost of support"),
        _("Tickets"),
        _("Handle seconds"),
        _("Satisfied"),
        _("Interval from"),
        _("Interval to"),
        _("Answers"),
    ]

    def rows() -> Iterator[list[Any]]:
        for table, sides in ((str(by), found.groups), ("month", found.months)):
            for side in sides:
                low, high = side.interval or (None, None)
                yield [
                    table, side.key or "", side.first.isoformat(), side.after.isoformat(), _cut(side.cost), side.tickets, side.handle_seconds, _cut(side.csat), _cut(low),
                    _cut(high), side.answers,
                ]  # fmt: skip

    return head, rows()


def _write_ceilings(reader: Reader, request: SignedInRequest) -> Written:
    head = [_("Account id"), _("Account"), _("Segment"), _("MRR"), _("Months expected"), _("Remaining value"), _("Cost to serve, 12 months"), _("Ceiling")]
    found = ceilings.every_line(reader, sort=request.GET.get("sort", ""))

    def units(micros: int | None) -> Any:
        return None if micros is None else micros / ceilings.MICROS

    return head, ([line.external_id, line.name, line.segment or "", units(line.mrr), _cut(line.months), units(line.value), units(line.cost), units(line.ceiling)] for line in found)


def _write_returned(reader: Reader, request: SignedInRequest) -> Written:
    found = returned.returns(reader)
    seen = Account.objects.visible_to(reader.user).in_bulk(list({row.account for row in found.rows}))
    head = [_("Account id"), _("Account"), _("Left"), _("Came back"), _("Days away"), _("Reason"), _("MRR won back"), _("What reached it")]
    return head, (
        [seen[row.account].external_id, seen[row.account].name, row.left, row.back, row.days, row.reason, _cut(row.mrr), "; ".join(found.actions.get(place, []))]
        for place, row in enumerate(found.rows) if row.account in seen
    )  # fmt: skip


_WRITES: dict[str, Callable[[Reader, SignedInRequest], Written]] = {
    "segments": _write_segments, "support": _write_support, "ceilings": _write_ceilings, "returned": _write_returned,
}  # fmt: skip
