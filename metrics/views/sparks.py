"""Eighteen weeks of health for the accounts of a list, filled into its rows after it is shown."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_GET

from accounts import drawing
from accounts.models import Account, User
from accounts.queries.clock import read_clock

WEEKS = 18
# two pages of a list; more is nobody's list
MOST = 200
_TONES = {"healthy": "good", "watch": "watch", "at_risk": "risk"}

# the last score of each week, counted back from today; read by the key (account, day) of the partitions
_WEEKLY = """
SELECT DISTINCT ON (h.account_id, week) h.account_id, (%(today)s - h.day) / 7 AS week, h.score, h.band
FROM metrics_healthscore h WHERE h.account_id = ANY(%(accounts)s) AND h.day > %(today)s - %(days)s AND h.day <= %(today)s
ORDER BY h.account_id, week, h.day DESC
"""


@login_required
@require_GET
def sparks(request: HttpRequest) -> HttpResponse:
    """Sparklines for `a=1&a=2…` as out-of-band fragments; accounts the reader may not see are left out. Two statements."""
    asked = {int(text) for text in request.GET.getlist("a")[:MOST] if text.isascii() and text.isdigit() and len(text) < 19}
    seen = list(Account.objects.visible_to(cast(User, request.user)).filter(pk__in=asked).values_list("pk", flat=True))
    today = timezone.localdate(read_clock())
    history: dict[int, list[int | None]] = {}
    bands: dict[int, str] = {}
    if seen:
        with connection.cursor() as cursor:
            cursor.execute(_WEEKLY, {"accounts": seen, "today": today, "days": WEEKS * 7})
            for account, week, score, band in cursor.fetchall():
                history.setdefault(account, [None] * WEEKS)[WEEKS - 1 - week] = score
                bands.setdefault(account, band)
    body = format_html_join(
        "\n",
        '<div hx-swap-oob="innerHTML:.spark-{}">{}</div>',
        ((account, drawing.spark(values, _TONES.get(bands[account], ""), "", 92, 36, 4)) for account, values in history.items()),
    )
    response = HttpResponse(format_html("{}", body))
    # scores move once a day; a list that is drawn again finds its lines at once
    response["Cache-Control"] = "private, max-age=120"
    return response
