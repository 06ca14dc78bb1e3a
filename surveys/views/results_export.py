"""Results taken out as CSV: figures for everybody who sees them, rows for those who see rows. Each export is logged.

An export is a POST, since it leaves an entry in the log; what it holds stands in its address, as on the page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.actions.exports import record_export
from accounts.models import User
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from surveys.models import Survey
from surveys.queries.results import Group, ScaleGroup, accounts, asked, breakdown, hidden_keys, scale_groups, trend
from surveys.queries.results_filter import ResultsFilter
from surveys.queries.results_rows import exported
from surveys.readings import FEW, Reading
from surveys.views.results import chosen_of, may_see_rows, shown_of

Row = list[Any]


def _file(name: str, header: list[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(csv_lines(header, rows, get_language() or "en"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate(read_clock()):%Y-%m-%d}.csv"'
    return response


@login_required
@require_POST
def rows(request: SignedInRequest, key: str) -> StreamingHttpResponse:
    """The rows behind a figure, streamed."""
    now = read_clock()
    survey = get_object_or_404(Survey, key=key)
    show, chosen = shown_of(request), chosen_of(request, now)
    header = {
        "answers": [
            _("External id"), _("Answered"), _("Score"), _("Lowest score"), _("Highest score"), _("Direction"), _("Comment"), _("Reasons"), _("Reason, detail"), _("Contact"),
            _("Contact id"), _("Account"), _("Account id"), _("Segment"), _("Touchpoint"), _("Language"), _("Ticket"), _("Rated object"), _("Agent"), _("State"),
        ],
        "asks": [
            _("Id"), _("Sent"), _("Bounced"), _("Answered"), _("Answered at"), _("Reminded at"), _("Contact"), _("Contact id"), _("Account"), _("Account id"),
            _("Touchpoint"), _("Language"),
        ],
        "contacts": [_("Contact id"), _("Contact"), _("Language"), _("Account"), _("Account id"), _("Reason")],
    }[show.kind]  # fmt: skip
    record_export(actor=request.user, about=survey, title=str(survey), what=show.kind, choices=request.META.get("QUERY_STRING", ""), now=now)
    return _file(f"{survey.key}-{show.name}", header, exported(request.user, chosen, survey=survey, show=show, now=now))


@login_required
@require_POST
def figures(request: SignedInRequest, key: str) -> StreamingHttpResponse:
    """The figures of the page: by scale, by score, over time, by group, the response rate."""
    now = read_clock()
    survey = get_object_or_404(Survey, key=key)
    chosen = chosen_of(request, now)
    header = [_("Table"), _("Scale"), _("Group"), _("Figure"), _("Value"), _("Interval from"), _("Interval to"), _("Answers"), _("Sent"), _("Delivered"), _("Answered")]
    found = list(_figures(request.user, survey, chosen))
    record_export(actor=request.user, about=survey, title=str(survey), what="figures", choices=request.META.get("QUERY_STRING", ""), now=now)
    return _file(f"{survey.key}-figures", header, found)


def _figures(user: User, survey: Survey, chosen: ResultsFilter) -> Iterator[Row]:
    hide = not may_see_rows(user)
    whole = asked(user, chosen, chosen.period.span, survey=survey)
    low, high = whole.interval or (None, None)
    yield [_("Response rate"), "", "", "delivered", _cut(whole.rate), _cut(low), _cut(high), None, whole.sent, whole.delivered, whole.answered]
    for group in scale_groups(user, chosen, survey=survey).values():
        told = not hide or group.answers >= FEW
        for reading in group.readings:
            yield _line(_("Period"), group, "", reading)
        if survey.kind == "nps":
            found = accounts(user, chosen, survey=survey, scale=group.scale)
            for name, weighted in (("nps_by_account", found.each), ("nps_by_mrr", found.by_revenue)):
                if weighted is not None and weighted.count >= FEW:
                    yield [_("Period"), group.name, "", name, _cut(weighted.value), *map(_cut, weighted.interval), weighted.count, None, None, None]
        if told:
            yield from ([_("By score"), group.name, score, "answers", count, None, None, count, None, None, None] for score, count in sorted(group.now.items()))
        for piece in trend(user, chosen, survey=survey, scale=group.scale):
            yield _line(_("Over time"), group, _days(piece.first, piece.after), piece.reading, hide=hide)
        yield from _groups(breakdown(user, chosen, survey=survey, scale=group.scale), chosen, group, hide=hide)


def _groups(found: list[Group], chosen: ResultsFilter, group: ScaleGroup, *, hide: bool) -> Iterator[Row]:
    secret = hidden_keys(found) if hide else set()
    for each in found:
        if each.key in secret:
            continue
        for reading in each.readings:
            yield [*_line(chosen.by, group, each.key or "none", reading)[:8], each.asked.sent, each.asked.delivered, each.asked.answered]


def _days(first: dt.date, after: dt.date) -> str:
    return f"{first.isoformat()} – {(after - dt.timedelta(days=1)).isoformat()}"


def _line(table: str, group: ScaleGroup, of: str, reading: Reading, *, hide: bool = False) -> Row:
    low, high = (None, None) if reading.few or reading.interval is None else reading.interval
    answers = None if hide and reading.few else reading.answers
    return [table, group.name, of, reading.name, None if reading.few else _cut(reading.value), _cut(low), _cut(high), answers, None, None, None]


def _cut(value: Decimal | None) -> Decimal | None:
    """Twelve places are as exact as a spreadsheet is."""
    return None if value is None else round(value, 12)
