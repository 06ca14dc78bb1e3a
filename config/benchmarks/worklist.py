"""`worklist`: the page of accounts at risk of one CSM against the same fifty rows by hand.

Both go through the same middleware, session and user, in this process and without a server, so the
ratio is that of view, queries and template. The floor has no frame, no counts, no filters: it is the
least that shows the rows.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, reverse
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.sentences import say
from config.benchmarks.health import night
from config.benchmarks.measure import FLOOR, PRODUCT, Result, interleave
from metrics.actions.recompute import recompute_all

REQUESTS = 60
_LINK = re.compile(rb'href="/accounts/(\d+)/"')
_ROWS = """
SELECT a.id, a.name, g.name, s.health, s.band, s.health_before, s.mrr_micros, s.stake_micros, s.nps, s.open_tickets, s.renews_on, s.last_touch_at, s.why
FROM accounts_accountsnapshot s JOIN accounts_account a ON a.id = s.account_id LEFT JOIN accounts_segment g ON g.id = s.segment_id
WHERE s.owner_id = %s AND s.band IN ('at_risk', 'watch') AND a.churned_at IS NULL ORDER BY s.stake_micros DESC, s.account_id LIMIT 50
"""
_PAGE = """<!doctype html><title>Accounts at risk</title><table>{% for row in rows %}<tr><td><a href="/accounts/{{ row.0 }}/">{{ row.1 }}</a>{% for cell in row.2 %}<td>{{ cell }}
{% endfor %}</tr>{% endfor %}</table>"""


def _cells(row: tuple[Any, ...]) -> tuple[int, str, list[str]]:
    """A row as text, by the cheapest formats there are: no locale, no translation but that of the sentence."""
    pk, name, segment, health, band, before, mrr, stake, nps, tickets, renews, touched, why = row
    sentence = say(why if isinstance(why, dict) else json.loads(why))
    moved = "" if before is None else f"{(health - before) / 100:+.0f}"
    texts = [segment or "", f"{health / 100:.0f}", band, moved, f"{mrr / 1e6:,.0f}", f"{stake / 1e6:,.0f}", str(nps), str(tickets), str(renews), str(touched)[:10], sentence]
    return pk, name, texts


@login_required
@require_GET
def floor(request: HttpRequest) -> HttpResponse:
    """The rows, by one statement and one short template."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [request.user.pk])
        rows = [_cells(row) for row in cursor.fetchall()]
    return HttpResponse(_template().render({"rows": rows}, request))


_kept: dict[str, Any] = {}


def _template() -> Any:
    """Compiled once, as the cached loader does for files."""
    if "page" not in _kept:
        _kept["page"] = engines["django"].from_string(_PAGE)
    return _kept["page"]


urlpatterns = [path("bench/floor/", floor), path("", include("config.urls"))]


def worklist(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """Requests in turn; the figures are of one request, p95 beside the median."""
    recompute_all(as_of=night(0), now=night(0))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) accounts_accountsnapshot")
    user = User.objects.filter(role="csm").order_by("pk").first()
    with override_settings(ROOT_URLCONF=__name__):
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(user)
        page, least = reverse("accounts:work") + "?view=risk", "/bench/floor/"

        def ask(address: str, **headers: str) -> HttpResponse:
            answer = client.get(address, secure=settings.HTTPS, headers=headers or None)
            if answer.status_code != 200:
                raise RuntimeError(f"{address} answered {answer.status_code}")
            return answer

        def timed(address: str, **headers: str) -> Callable[[int], float]:
            def once(_number: int) -> float:
                began = time.perf_counter()
                ask(address, **headers)
                return time.perf_counter() - began

            return once

        shown, floor_rows = ask(page), ask(least)
        listed = [set(_LINK.findall(answer.content)) for answer in (shown, floor_rows)]
        with CaptureQueriesContext(connection) as queries:
            ask(page)
        asked = len(queries)
        number = max(rounds, REQUESTS)
        seconds, peak = interleave({PRODUCT: timed(page), FLOOR: timed(least)}, rounds=number)
        fragment, _peak = interleave({PRODUCT: timed(page, **{"HX-Request": "true"}), FLOOR: timed(least)}, rounds=number)
    within = Result(name="fragment", size=accounts, rows=1, seconds=fragment, peak_memory_mb=0)
    p95 = {name: statistics.quantiles(taken, n=20)[-1] for name, taken in seconds.items()}
    more = {
        "p95_ms": round(p95[PRODUCT] * 1000, 2), "p95_ms_floor": round(p95[FLOOR] * 1000, 2), "p95_ratio_to_floor": round(p95[PRODUCT] / p95[FLOOR], 3),
        "fragment_ratio_to_floor": within.fields()["ratio_to_floor"], "queries": asked, "kilobytes": round(len(shown.content) / 1000, 1),
        "rows_shown": len(listed[0]), "rows_shown_floor": len(listed[1]), "same_rows": listed[0] == listed[1], "kilobytes_floor": round(len(floor_rows.content) / 1000, 1),
    }  # fmt: skip
    return Result(name="worklist", size=accounts, rows=1, seconds=seconds, peak_memory_mb=peak, more=more)
