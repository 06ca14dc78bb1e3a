"""The worklist by hand: what a careful person writes who only has to show the fifty rows.

`framed` is the floor of the page: the same sign-in, the frame of the product (a hand-written page in
this product stands in it too), one raw statement with all that a row shows, cells made by the
cheapest formats there are (no locale, no time zone, no plural), and a plain template that loops over
the rows with the product's markup. It has no counts, filters, tabs, segments, effort, cursor or help.
`worded` is the same with the product's own filters for money, days and bands in the template, as
most people would write it. `bare` is less than anybody could ship: no frame, table cells for markup.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import Account
from accounts.sentences import say

_BARE_ROWS = """
SELECT a.id, a.name, g.name, s.health, s.band, s.health_before, s.mrr_micros, s.stake_micros, s.nps, s.open_tickets, s.renews_on, s.last_touch_at, s.why
FROM accounts_accountsnapshot s JOIN accounts_account a ON a.id = s.account_id LEFT JOIN accounts_segment g ON g.id = s.segment_id
WHERE s.owner_id = %s AND s.band IN ('at_risk', 'watch') AND a.churned_at IS NULL ORDER BY s.stake_micros DESC, s.account_id LIMIT 50
"""
_BARE_PAGE = """<!doctype html><title>Accounts at risk</title><table>{% for row in rows %}<tr><td><a href="/accounts/{{ row.0 }}/">{{ row.1 }}</a>{% for cell in row.2 %}
<td>{{ cell }}{% endfor %}</tr>{% endfor %}</table>"""

_FRAMED_ROWS = """
SELECT r.*, t.occurred_at AS touched_at, t.channel, t.minutes, q.seats, i.id AS item, i.title, i.due_at
FROM (SELECT a.id, a.name, a.plan, g.key AS segment_key, g.name AS segment, s.health, s.health_before, s.band, s.stake_micros, s.renews_on, s.last_touch_at, s.why
    FROM accounts_accountsnapshot s JOIN accounts_account a ON a.id = s.account_id LEFT JOIN accounts_segment g ON g.id = s.segment_id
    WHERE s.owner_id = %s AND s.band IN ('at_risk', 'watch') AND a.churned_at IS NULL ORDER BY s.stake_micros DESC, s.account_id LIMIT 50) r
LEFT JOIN LATERAL (SELECT e.occurred_at, e.payload->>'channel' AS channel, (e.payload->>'minutes')::int AS minutes FROM accounts_accountevent e
    WHERE e.account_id = r.id AND e.kind = 'touch.logged' ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT coalesce(sum(c.quantity) FILTER (WHERE c.kind = 'seats'), sum(c.quantity) FILTER (WHERE c.kind = 'plan')) AS seats FROM accounts_subscription c
    WHERE c.account_id = r.id AND c.start <= now() AND (c."end" IS NULL OR c."end" > now())) q ON true
LEFT JOIN LATERAL (SELECT o.id, o.title, o.due_at FROM accounts_workitem o WHERE o.account_id = r.id AND o.status = 'open' ORDER BY o.due_at LIMIT 1) i ON true
ORDER BY r.stake_micros DESC, r.id
"""
_PAGE = """{% extends "base.html" %}{% load i18n static %}
{% block title %}{% translate "My work" %}{% endblock %}
{% block styles %}<link rel="stylesheet" href="{% static 'vefa/css/work.css' %}">{% endblock %}
{% block scripts %}<script src="{% static 'vefa/work.js' %}" defer></script>{% endblock %}
{% block main %}{% translate "Log a touch" as w_touch %}{% translate "More" as w_more %}{% translate "New work item" as w_new %}
<svg width="0" height="0" aria-hidden="true" class="sprite">{% for name in sprite %}<symbol id="i-{{ name }}" viewBox="0 0 24 24">{% icon name 24 %}</symbol>{% endfor %}
<symbol id="s-watch" viewBox="0 0 10 10">{% icon "s-watch" 10 %}</symbol><symbol id="s-risk" viewBox="0 0 10 10">{% icon "s-risk" 10 %}</symbol></svg>
<h1>{% translate "My work" %}</h1>
<div class="worklist" id="work-list" data-list hx-target="#dialog" hx-swap="innerHTML">
<div class="row-head cols" aria-hidden="true"><span></span><span>{% translate "Account" %}</span><span>{% translate "Why now" %}</span>
<span class="n">{% translate "At stake" %}</span><span>{% translate "Health, 18 weeks" %}</span><span>{% translate "Last touch" %}</span>
<span>{% translate "Next step" %}</span><span></span></div>
<ol>{% for row in rows %}<li class="work" id="w-{{ row.id }}" data-row>
<span></span>
<div class="two who"><a class="clip" href="/accounts/{{ row.id }}/" data-open><strong>{{ row.name }}</strong></a>
<small class="clip">{% if row.segment %}<span class="seg{% if row.segment_key == "vip" %} vip{% endif %}">{{ row.segment }}</span> {% endif %}{{ row.plan }}
{% if row.seats > 1 %}, {{ row.seats }} seats{% endif %}</small></div>
<div class="two why"><p>{{ row.sentence }}</p></div>
<div class="two stake"><b>STAKE</b><small>{% if row.renews_on %}renews RENEWS{% else %}yearly value{% endif %}</small></div>
<div class="health"><div class="score" data-band="{{ row.tone }}"><b>POINTS</b>DELTA</div>
<span class="spark-slot spark-{{ row.id }}"></span>BAND</div>
<div class="two touch"><span>{% if row.touched_at %}TOUCHED{% else %}Never{% endif %}</span>
<small>{% if row.channel %}{{ row.channel }}{% endif %}{% if row.minutes %}, {{ row.minutes }} min{% endif %}</small></div>
<div class="two next"><span>{% if row.item %}{{ row.title }}{% else %}No work is open{% endif %}</span><small>{% if row.due_at %}DUE{% endif %}</small></div>
<div class="acts"><a class="icon-btn" href="/work/touch/?account={{ row.id }}" hx-get="/work/touch/?account={{ row.id }}" data-key="t"
aria-label="{{ w_touch }}, {{ row.name }}" title="{{ w_touch }}  t"><svg width="16" height="16" aria-hidden="true"><use href="#i-phone"/></svg></a>
{% if row.item %}<a class="icon-btn" href="/work/{{ row.item }}/" hx-get="/work/{{ row.item }}/" data-key="m" aria-label="{{ w_more }}, {{ row.name }}"
title="{{ w_more }}  m"><svg width="16" height="16" aria-hidden="true"><use href="#i-ellipsis"/></svg></a>
{% else %}<a class="icon-btn" href="/work/new/?account={{ row.id }}" hx-get="/work/new/?account={{ row.id }}" data-key="n" aria-label="{{ w_new }}, {{ row.name }}"
title="{{ w_new }}"><svg width="16" height="16" aria-hidden="true"><use href="#i-plus"/></svg></a>{% endif %}</div>
</li>{% endfor %}</ol></div>{% endblock %}"""
# what stands in the capitals' places: cells made beforehand, or the product's filters
_CHEAP = {
    "STAKE": "{{ row.stake }}", "RENEWS": "{{ row.renews }}", "POINTS": "{{ row.points }}",
    "TOUCHED": '<time datetime="{{ row.instant }}" title="{{ row.exact }}">{{ row.touched }}</time>',
    "DUE": "{{ row.due }}", "DELTA": '{% if row.moved %}<span class="delta {{ row.way }}">'
    '<svg width="12" height="12" aria-hidden="true"><use href="#i-arrow-{{ row.arrow }}"/></svg>'
    '<span class="sr">{{ row.said }} </span>{{ row.moved }}</span>{% endif %}',
    "BAND": '<span class="band" data-band="{{ row.tone }}"><svg aria-hidden="true"><use href="#s-{{ row.tone }}"/></svg>{{ row.band }}</span>',
}  # fmt: skip
_WORDED = {
    "STAKE": "{{ row.stake_micros|money }}", "RENEWS": "{{ row.renews_on|day }}", "POINTS": "{{ row.health|points }}", "TOUCHED": "{{ row.touched_at|ago }}",
    "DUE": "{{ row.due_at|day }}", "DELTA": "{% change row.health row.health_before %}", "BAND": "{% band row.band %}",
}  # fmt: skip
_SPRITE = ("phone", "ellipsis", "plus", "arrow-up", "arrow-down")


@functools.cache
def _template(text: str) -> Any:
    """Compiled once, as the cached loader does for files."""
    return engines["django"].from_string(text)


@functools.cache
def _page(*, worded: bool, fragment: bool = False) -> str:
    text = _PAGE
    if fragment:
        text = "{% load i18n %}" + text.partition("{% block main %}")[2].removesuffix("{% endblock %}")
    for place, cell in (_WORDED if worded else _CHEAP).items():
        text = text.replace(place, cell)
    return text


def _sentence(why: Any) -> str:
    return say(why if isinstance(why, dict) else json.loads(why))


def _cheap(row: dict[str, Any], now: dt.datetime) -> None:
    """The cells of one row, by the cheapest formats."""
    row["stake"], row["points"] = f"€{row['stake_micros'] / 1e6:,.0f}", f"{row['health'] / 100:.0f}"
    row["tone"] = "risk" if row["band"] == "at_risk" else "watch"
    if row["health_before"] is not None:
        moved = (row["health"] - row["health_before"]) // 100
        row["moved"], row["arrow"], row["way"], row["said"] = abs(moved), "up" if moved > 0 else "down", "good" if moved > 0 else "bad", "up by" if moved > 0 else "down by"
    if row["renews_on"]:
        row["renews"] = f"{row['renews_on']:%d %b %Y}"
    if row["touched_at"]:
        row["instant"], row["exact"], row["touched"] = row["touched_at"].isoformat(), f"{row['touched_at']:%d %B %Y %H:%M}", f"{(now - row['touched_at']).days} days ago"
    if row["due_at"]:
        row["due"] = f"{row['due_at']:%d %b}"


def _rows(request: HttpRequest) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_FRAMED_ROWS, [request.user.pk])
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["sentence"] = _sentence(row["why"])
        row["touched_at"] = row["touched_at"] or row["last_touch_at"]
    return rows


@login_required
@require_GET
def framed(request: HttpRequest) -> HttpResponse:
    """The rows inside the frame, by one statement and one template; a fragment is asked for without the frame."""
    rows, now = _rows(request), timezone.now()
    for row in rows:
        _cheap(row, now)
    return HttpResponse(_template(_page(worded=False, fragment=bool(getattr(request, "htmx", False)))).render({"rows": rows, "sprite": _SPRITE}, request))


@login_required
@require_GET
def worded(request: HttpRequest) -> HttpResponse:
    """The same with the product's filters."""
    return HttpResponse(_template(_page(worded=True)).render({"rows": _rows(request), "sprite": _SPRITE}, request))


def _cells(row: tuple[Any, ...]) -> tuple[int, str, list[str]]:
    """A row as text, by the cheapest formats there are: no locale, no translation but that of the sentence."""
    pk, name, segment, health, band, before, mrr, stake, nps, tickets, renews, touched, why = row
    moved = "" if before is None else f"{(health - before) / 100:+.0f}"
    texts = [segment or "", f"{health / 100:.0f}", band, moved, f"{mrr / 1e6:,.0f}", f"{stake / 1e6:,.0f}", str(nps), str(tickets), str(renews), str(touched)[:10]]
    return pk, name, [*texts, _sentence(why)]


@login_required
@require_GET
def bare(request: HttpRequest) -> HttpResponse:
    """The rows alone."""
    with connection.cursor() as cursor:
        cursor.execute(_BARE_ROWS, [request.user.pk])
        rows = [_cells(row) for row in cursor.fetchall()]
    return HttpResponse(_template(_BARE_PAGE).render({"rows": rows}, request))


@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One row by its key, as Django finds it: what a request costs that asks the database once."""
    return HttpResponse(Account.objects.get(pk=pk).name)


urlpatterns = [path("bench/one/<int:pk>/", one), path("bench/framed/", framed), path("bench/worded/", worded), path("bench/bare/", bare), path("", include("config.urls"))]
