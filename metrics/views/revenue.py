"""Metrics: the revenue page in parts, and the accounts behind a bar."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.actions.exports import record_export
from accounts.spreadsheet import csv_lines
from metrics.actions.figure_stamps import REVENUE_FACTS
from metrics.charts import say
from metrics.dashboards.cards import REVENUE
from metrics.dashboards.figures import sees_rows
from metrics.dashboards.moves import MOVEMENTS, Moves, movements_question, moves
from metrics.dashboards.revenue import BY, PARTS, SPAN_MONTHS, Reader, movement_words, reason_word
from metrics.filters import Filters, filter_bar
from metrics.kpis.catalogue import CATALOGUE
from metrics.views.filtered import filtered
from metrics.views.kept import kept_fragment
from metrics.views.overview import places, reader_of

# of a file, so many rows at most
MOST_EXPORTED = 50_000


def _span(request: HttpRequest) -> int:
    """How many months the lines show."""
    given = request.GET.get("months", "")
    return int(given) if given in {str(count) for count in SPAN_MONTHS} else SPAN_MONTHS[0]


def _by(request: HttpRequest) -> str:
    return request.GET["by"] if request.GET.get("by") in BY else BY[0]


@login_required
@require_GET
@filtered()
def revenue(request: HttpRequest, chosen: Filters) -> HttpResponse:
    """The revenue page: filters, and the places of its cards and parts, which load one by one."""
    count, by = _span(request), _by(request)
    keep = {"months": "" if count == SPAN_MONTHS[0] else str(count), "by": "" if by == BY[0] else by}
    address = reverse("metrics:revenue")
    context = {
        "bar": filter_bar(chosen, reader_of(request), address=address, keep=keep),
        "chosen": chosen,
        "cards": [(CATALOGUE[name], card) for name, card in places("metrics:card", REVENUE, chosen.query())],
        "parts": places("metrics:revenue_part", list(PARTS), chosen.query(**keep)),
        "spans": [(span, f"{address}?{chosen.query(months=span, by=keep['by'])}", span == count) for span in SPAN_MONTHS],
    }
    return render(request, "metrics/revenue.html", context)


@login_required
@require_GET
@filtered()
def revenue_part(request: HttpRequest, chosen: Filters, name: str) -> HttpResponseBase:
    """One part of the revenue page as a fragment."""
    if name not in PARTS:
        raise Http404
    count, by = _span(request), _by(request)

    def build() -> dict[str, Any]:
        context: dict[str, Any] = PARTS[name](Reader.of(reader_of(request), chosen), count, by)
        address = reverse("metrics:revenue_part", args=["groups"])
        words = {"segment": _("By segment"), "plan": _("By plan")}
        return {**context, "ways": [(words[way], f"{address}?{chosen.query(by=way)}", way == by) for way in BY]}

    return kept_fragment(request, chosen, f"revenue:{name}", f"metrics/_revenue_{name}.html", build, more=f"{count}:{by}", facts=REVENUE_FACTS)


@login_required
@require_GET
@filtered()
def revenue_accounts(request: HttpRequest, chosen: Filters) -> HttpResponseBase:
    """The accounts behind a movement of the period, and the same as a file. Readers of figures alone find nothing here."""
    user = reader_of(request)
    movement, reason = request.GET.get("movement", ""), request.GET.get("reason")
    if not sees_rows(user) or (movement and movement not in MOVEMENTS) or (reason is not None and movement != "churned"):
        raise Http404
    question, words = movements_question(user, chosen), movement_words()
    wanted = None if reason is None else "" if reason == "none" else reason[:80].replace("\x00", "")
    if request.GET.get("export") == "csv":
        found = moves(question, movement=movement, reason=wanted, most=MOST_EXPORTED)
        record_export(actor=user, what="chart revenue-accounts", title=_("Accounts behind a movement"), choices=request.META.get("QUERY_STRING", ""), now=chosen.now)
        return _file(found, words, chosen)
    found = moves(question, movement=movement, reason=wanted)
    more = {"movement": movement, **({"reason": reason} if reason is not None else {})}
    context = {
        "chosen": chosen,
        "bar": filter_bar(chosen, user, address=reverse("metrics:revenue_accounts"), keep=more, without_compare=True),
        "title": words.get(movement, _("What moved MRR")),
        "reason": reason_word(wanted) if wanted is not None else "",
        "moves": found,
        "total": say(found.total, "money"),
        "rows": [(move, words[move.movement], say(move.amount, "money"), say(move.opening, "money"), say(move.closing, "money")) for move in found.rows],
        "back": f"{reverse('metrics:revenue')}?{chosen.query()}",
        "export": f"?{chosen.query(**more, export='csv')}",
    }
    return render(request, "metrics/revenue_accounts.html", context)


def _file(found: Moves, words: dict[str, str], chosen: Filters) -> StreamingHttpResponse:
    head = [_("Account"), _("Movement"), _("Amount"), _("Opening"), _("Closing")]
    rows = ([move.name, words[move.movement], move.amount, move.opening, move.closing] for move in found.rows)
    response = StreamingHttpResponse(csv_lines(head, rows, get_language() or "en"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="movements-{chosen.start}-{chosen.period.last.isoformat()}.csv"'
    return response
