"""`worklist`: the page of accounts at risk of one CSM, against the same fifty rows by hand.

All go through the same middleware, session and user, in this process and without a server, so the
ratio is that of view, queries and template (`worklist_floor` says what the floors do and leave out).
And the statement of the rows alone, for work items and for accounts at risk, against a look-up by
primary key on the same connection. A list of tickets of the same stack (`helpdesk_peer`), and what the
shipped settings of the connection cost a view of one query, stand beside them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import psutil
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, User
from accounts.queries.work import rows_of
from accounts.queries.work_filter import WorkFilter, days_of, reader_of
from config.benchmarks import helpdesk_peer
from config.benchmarks.health import night
from config.benchmarks.measure import FLOOR, PRODUCT, Result, interleave
from config.benchmarks.site import Site, kept_connection
from metrics.actions.recompute import recompute_all

# p95 of so few as rounds would be the slowest alone
REQUESTS = 100
STATEMENTS = 300
IN_A_ROW = 10
# the rows of the peer take half a second: they are asked for in every fifth round
EVERY = 5
_SHELL, _ROWS = "helpdesk_shell", "helpdesk_rows"
_LINK = re.compile(rb'href="/accounts/(\d+)/"')
# one account in four has work: three fifths of it open, a tenth asleep, the rest done; due from ten days ago to thirty ahead
_WORK = """
INSERT INTO accounts_workitem (account_id, type, reason, title, why, priority, status, owner_id, segment_id, due_at, snoozed_until, snooze_reason, stake_micros, source,
    subject_type, subject_id, outcome, closed_at, version, created_at, updated_at)
SELECT a.id, (ARRAY['risk', 'renewal', 'close_loop', 'activity'])[1 + a.id / 4 % 4], 'bench', CASE WHEN a.id / 4 % 2 = 0 THEN 'Call them' ELSE '' END, s.why, 2, k.status,
    a.owner_id, a.segment_id, %(now)s::timestamptz + (a.id / 4 % 40 - 10) * interval '1 day',
    CASE WHEN k.status = 'snoozed' THEN %(now)s::timestamptz + (a.id % 20) * interval '1 day' END,
    '', s.stake_micros, 'rule', '', '', '', CASE WHEN k.status = 'done' THEN %(now)s::timestamptz - (a.id % 100) * interval '1 day' END, 1, %(now)s, %(now)s
FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id
    CROSS JOIN LATERAL (SELECT (ARRAY['snoozed', 'done', 'done', 'done', 'open', 'open', 'open', 'open', 'open', 'open'])[1 + a.id / 100 % 10] AS status) k
WHERE a.id / 50 % 4 = 0
""".replace(" % ", " %% ")


def _prepare(now: dt.datetime) -> User:
    """Scores, work, and statistics of both; the first CSM reads."""
    recompute_all(as_of=night(0), now=night(0))
    with connection.cursor() as cursor:
        cursor.execute(_WORK, {"now": now})
        cursor.execute("VACUUM (ANALYZE) accounts_accountsnapshot, accounts_workitem, accounts_account")
    return User.objects.filter(role="csm").order_by("pk")[0]


def _clocked(work: Callable[[], object]) -> Callable[[int], float]:
    def once(_number: int) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return once


def _statements(user: User, now: dt.datetime) -> dict[str, Any]:
    """The statement of the rows, for both views, first and second page, against one row by its primary key."""
    reader, days = reader_of(user, now=now), days_of(now=now, zone=dt.UTC, organisation_zone=dt.UTC)
    pk = Account.objects.filter(owner=user).order_by("pk").values_list("pk", flat=True)[0]

    def by_key() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, name, plan FROM accounts_account WHERE id = %s", [pk])
            cursor.fetchall()

    asked = {"items": WorkFilter(), "risk": WorkFilter(view="risk")}
    for name, view in list(asked.items()):
        asked[f"{name}_page_2"] = WorkFilter(view=view.view, after=rows_of(view, reader, days)[1])
    contenders = {"by_key": _clocked(by_key)} | {name: _clocked(functools.partial(rows_of, view, reader, days)) for name, view in asked.items()}
    seconds, _peak = interleave(contenders, rounds=STATEMENTS)
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    told: dict[str, Any] = {"sql_by_key_ms": round(median["by_key"] * 1000, 3)}
    for name in asked:
        told[f"sql_{name}_ms"] = round(median[name] * 1000, 3)
        told[f"sql_{name}_by_key"] = round(median[name] / median["by_key"], 2)
    return told


def _connections(user: User) -> dict[str, Any]:
    """A view of one query under the shipped settings, against the same whose connection nobody looks after between requests."""
    site = Site()
    address = f"/bench/one/{Account.objects.filter(owner=user).order_by('pk').values_list('pk', flat=True)[0]}/"

    def in_a_row() -> float:
        # the first finds the connection as the other way left it
        site.ask(address)
        began = time.perf_counter()
        for _ in range(IN_A_ROW):
            site.ask(address)
        return (time.perf_counter() - began) / IN_A_ROW

    def kept(_number: int) -> float:
        with kept_connection():
            return in_a_row()

    seconds, _peak = interleave({"shipped": lambda _number: in_a_row(), "kept": kept}, rounds=max(1, STATEMENTS // IN_A_ROW))
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {"one_query_ms": round(median["shipped"] * 1000, 3), "one_query_rate_of_kept": round(median["kept"] / median["shipped"], 3)}


def worklist(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """Requests in turn; the figures are of one request, p95 beside the median."""
    now = timezone.now()
    user = _prepare(now)
    more = _statements(user, now)
    with override_settings(ROOT_URLCONF="config.benchmarks.worklist_floor"):
        more |= _connections(user)
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(user)
        page = reverse("accounts:work") + "?view=risk"

        def ask(address: str, **headers: str) -> Any:
            answer = client.get(address, secure=settings.HTTPS, headers=headers or None)
            if answer.status_code != 200:
                raise RuntimeError(f"{address} answered {answer.status_code}")
            return answer

        by_hand = {FLOOR: "/bench/framed/", "worded": "/bench/worded/", "bare": "/bench/bare/"}
        shown = {name: ask(address) for name, address in {PRODUCT: page, **by_hand}.items()}
        listed = [set(_LINK.findall(answer.content)) for answer in shown.values()]
        with CaptureQueriesContext(connection) as queries:
            ask(page)
        more["queries"] = len(queries)
        contenders = {
            # not under its own name: the watch over its memory would run beside this one alone
            "page": _clocked(lambda: ask(page)), "fragment": _clocked(lambda: ask(page, **{"HX-Request": "true"})), "items": _clocked(lambda: ask(reverse("accounts:work"))),
        }  # fmt: skip
        contenders["floor_fragment"] = _clocked(lambda: ask(by_hand[FLOOR], **{"HX-Request": "true"}))
        contenders |= {name: _clocked(functools.partial(ask, address)) for name, address in by_hand.items()}
        with contextlib.ExitStack() as stack:
            if helpdesk_peer.installed():
                peer = stack.enter_context(helpdesk_peer.HelpdeskPeer.running())
                contenders |= {_SHELL: lambda _number: peer.shell(), _ROWS: lambda number: peer.rows() if number % EVERY == 1 else 0.0}
            else:
                say("django-helpdesk is not installed (pip install -r requirements-dev.txt): its columns stay empty.")
            seconds, _peak = interleave(contenders, rounds=max(rounds, REQUESTS))
            if _ROWS in seconds:
                seconds[_ROWS] = [taken for taken in seconds[_ROWS] if taken]
        peak = psutil.Process().memory_info().rss / 1_000_000
    p95 = {name: statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0] for name, taken in seconds.items()}
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    more |= {f"p95_ms_{name}": round(value * 1000, 2) for name, value in p95.items()}
    more["p95_ratio_to_floor"] = round(p95["page"] / p95[FLOOR], 3)
    for name, other in (("fragment", "floor_fragment"), ("items", FLOOR)):
        more |= {f"ratio_of_{name}": round(median[name] / median[other], 3), f"p95_ratio_of_{name}": round(p95[name] / p95[other], 3)}
    for name in ("worded", "bare"):
        more |= {f"ratio_to_{name}": round(median["page"] / median[name], 3), f"p95_ratio_to_{name}": round(p95["page"] / p95[name], 3)}
    for name in (_SHELL, _ROWS):
        if name in p95:
            more |= {f"p95_ratio_to_{name}": round(p95["page"] / p95[name], 4), f"p95_ratio_of_items_to_{name}": round(p95["items"] / p95[name], 4)}
    more |= {"rows_shown": len(listed[0]), "same_rows": all(each == listed[0] for each in listed)}
    more |= {f"kilobytes_{name}": round(len(answer.content) / 1000, 1) for name, answer in shown.items()}
    seconds[PRODUCT] = seconds.pop("page")
    return Result(name="worklist", size=accounts, rows=1, seconds=seconds, peak_memory_mb=peak, more=more)
