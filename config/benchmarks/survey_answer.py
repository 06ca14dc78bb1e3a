"""`survey-answer`: a score that is posted, against one row inserted and committed; and the question, against one row looked up.

Requests go into the WSGI handler of this process, through the shipped middleware (which gives the
public pages a short way, and everybody else the long one); no network, so the server takes nothing
from the difference. Measured with no stored answers and with ten for every account generated; since
the two cannot be interleaved, each is held against the floor of its own minutes.
"""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import psutil
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.benchmarks.measure import FLOOR, PRODUCT, Result, interleave
from config.benchmarks.site import Site
from config.benchmarks.survey_answer_floor import TABLE
from surveys.forms import new_nonce
from surveys.models import SurveyVersion, Touchpoint

# in turns with the floors', twice
REQUESTS = 400
STORED_PER_ACCOUNT = 10
_AT_ONCE = 50_000
# the page was looked at so long, or the answers would be suspect
_LOOKED_AT = 10.0
_CONTACTS = """
INSERT INTO accounts_contact (external_id, account_id, email, name, name_sort, name_search, job_title, role, language, time_zone, country, opted_out, imported_unconfirmed,
    attributes, version, created_at, updated_at)
SELECT 'c' || a.id, a.id, 'c' || a.id || '@customer.test', 'Ada Lovelace', '', '', '', '', 'en', '', '', false, false, '{}', 1, %(now)s, %(now)s FROM accounts_account a
"""
# invitations number `first` to `last` with their links; the token of number n is n in 43 digits
_SENT = """
WITH asked AS (
    INSERT INTO surveys_invitation (id, touchpoint_id, survey_version_id, account_id, contact_id, wave, status, skip_reason, decision, rated_object, language, decided_at, sent_at)
    SELECT gen_random_uuid(), %(touchpoint)s, %(version)s, c.account_id, c.id, n::text, 'sent', '', '{}', '', 'en', %(sent_at)s, %(sent_at)s
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n JOIN accounts_contact c ON c.id = %(contact)s + n %% %(contacts)s
    RETURNING id, wave
), mailed AS (
    INSERT INTO accounts_outgoingmail (id, kind, subject_type, subject_id, to_address, from_address, reply_to, language, mail_subject, body_text, body_html, headers, status,
        attempt, next_attempt_at, worker, message_id, smtp_reply, reason, created_at, sent_at)
    SELECT gen_random_uuid(), 'survey', 'invitation', a.id::text, 'c' || c.account_id || '@customer.test', '', '', 'en', '', '', '', '{}', 'sent',
        1, %(sent_at)s, '', '', '', '', %(sent_at)s, %(sent_at)s
    FROM asked a JOIN accounts_contact c ON c.id = %(contact)s + a.wave::bigint %% %(contacts)s
)
INSERT INTO surveys_surveylink (invitation_id, kind, token_hash, issued_at, expires_at)
SELECT id, 'invite', sha256(lpad(wave, 43, '0')::bytea), %(sent_at)s, %(sent_at)s::timestamptz + interval '30 days' FROM asked
"""
_ANSWERED = """
WITH given AS (
    INSERT INTO surveys_response (id, external_id, survey_id, survey_version_id, kind, invitation_id, touchpoint_id, touchpoint_label, account_id, contact_id, respondent_key,
        respondent, invited_at, answered_at, bounced, score, scale_min, scale_max, direction, comment, reasons, reason_detail, call_me, language, rated_object, agent_email,
        state, test, is_suspect, automation_flags, origin, created_at, updated_at)
    SELECT gen_random_uuid(), 's' || i.wave, v.survey_id, v.id, 'nps', i.id, i.touchpoint_id, '', i.account_id, i.contact_id, '', 'contact', i.sent_at,
        i.sent_at + interval '1 hour', false, i.wave::bigint %% 11, 0, 10, 'high_good', '', '{}', '', false, 'en', '', '', 'partial', false, false, '{}', 'app', %(now)s, %(now)s
    FROM surveys_invitation i JOIN surveys_surveyversion v ON v.id = i.survey_version_id WHERE i.wave::bigint BETWEEN %(first)s AND %(last)s
    RETURNING id, invitation_id, score, answered_at
)
INSERT INTO surveys_responserevision (response_id, link_id, nonce, submitted_at, score, comment, reasons, reason_detail, call_me, respondent, is_suspect, automation_flags)
SELECT g.id, l.id, 'stored', g.answered_at, g.score, '', '{}', '', false, 'contact', false, '{}' FROM given g JOIN surveys_surveylink l ON l.invitation_id = g.invitation_id
"""
_TABLES = ("surveys_invitation", "surveys_surveylink", "surveys_response", "surveys_responserevision", "accounts_outgoingmail", "accounts_contact")


class _Links:
    """Invitations that were sent an hour ago, and their tokens, taken one by one."""

    def __init__(self, now: dt.datetime) -> None:
        version = SurveyVersion.objects.get(survey__key="nps", number=1)
        with connection.cursor() as cursor:
            cursor.execute(_CONTACTS, {"now": now})
            cursor.execute("SELECT min(id), count(*) FROM accounts_contact")
            contact, contacts = cursor.fetchone()
        self.values = {
            "now": now, "sent_at": now - dt.timedelta(hours=1), "version": version.pk, "touchpoint": Touchpoint.objects.get(key="relationship-nps").pk, "contact": contact,
            "contacts": contacts,
        }  # fmt: skip
        self.made = 0
        self._next = itertools.count(1)

    def make(self, count: int, *, answered: bool = False) -> None:
        """So many more; the answered ones are not given out."""
        before = self.made
        with connection.cursor() as cursor:
            # requests took other connections of the pool since the scratch database lifted the limit
            cursor.execute("SET statement_timeout = 0")
            for first in range(before + 1, before + count + 1, _AT_ONCE):
                span = {**self.values, "first": first, "last": min(first + _AT_ONCE - 1, before + count)}
                cursor.execute(_SENT, span)
                if answered:
                    cursor.execute(_ANSWERED, span)
            for table in _TABLES:
                cursor.execute(f"VACUUM (ANALYZE) {table}")
        if answered:
            self._next = itertools.count(before + count + 1)
        self.made += count

    def take(self, count: int) -> list[tuple[int, str]]:
        """(id, token) of links nobody answered yet."""
        numbers = [next(self._next) for _ in range(count)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT n, l.id FROM unnest(%s::bigint[]) n JOIN surveys_surveylink l ON l.token_hash = sha256(lpad(n::text, 43, '0')::bytea)", [numbers])
            return [(pk, f"{number:043d}") for number, pk in cursor.fetchall()]


def _forms(links: list[tuple[int, str]]) -> list[tuple[str, dict[str, Any]]]:
    """The form of each link, rendered a while ago."""
    real = time.time_ns
    try:
        time.time_ns = lambda: real() - int(_LOOKED_AT * 1e9)  # type: ignore[assignment]
        return [(f"/s/{token}", {"form_nonce": new_nonce(pk), "lang": "en", "website": "", "score": 9}) for pk, token in links]
    finally:
        time.time_ns = real


def _measure(site: Site, links: _Links) -> dict[str, list[float]]:
    """Seconds of single requests, the contenders in turns, so that whatever else the machine does meets all of them."""
    links.make(2 * REQUESTS + 2)
    forms, tokens = iter(_forms(links.take(REQUESTS + 1))), iter(links.take(REQUESTS + 1))
    look = f"/bench/look/{links.values['touchpoint']}/"
    row = {"form_nonce": "x" * 130, "link": 7, "score": 9, "website": "", "lang": "en"}

    def clocked(expected: int, path: str, form: dict[str, Any] | None = None) -> float:
        began = time.perf_counter()
        got = site.ask(path, form=form)
        taken = time.perf_counter() - began
        if got != expected:
            raise RuntimeError(f"{path} answered {got}")
        return taken

    contenders: dict[str, Callable[[int], float]] = {
        "post": lambda _number: clocked(303, *next(forms)),
        FLOOR: lambda _number: clocked(200, "/bench/insert/", row),
        "get": lambda _number: clocked(200, f"/s/{next(tokens)[1]}"),
        "one_query": lambda _number: clocked(200, look),
    }
    return interleave(contenders, rounds=REQUESTS)[0]


def survey_answer(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """Rates as shares of the floors' (`rate_of_insert` is to be 0.4 and more, `rate_of_look` 0.6, `rate_when_full` 0.9); seconds are of one POST among the stored answers."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    with override_settings(ROOT_URLCONF="config.benchmarks.survey_answer_floor"):
        site, links = Site(), _Links(now)
        empty = _measure(site, links)
        say(f"survey-answer: storing {accounts * STORED_PER_ACCOUNT} answers")
        links.make(accounts * STORED_PER_ACCOUNT, answered=True)
        full = _measure(site, links)
        links.make(1)
        path, form = _forms(links.take(1))[0]
        with CaptureQueriesContext(connection) as queries:
            site.ask(path, form=form)
    peak = psutil.Process().memory_info().rss / 1_000_000

    def share(seconds: dict[str, list[float]], mine: str, other: str) -> float:
        return statistics.median(seconds[other]) / statistics.median(seconds[mine])

    more = {
        "rate_of_insert_empty": round(share(empty, "post", FLOOR), 3), "rate_of_insert": round(share(full, "post", FLOOR), 3),
        "rate_when_full": round(share(full, "post", FLOOR) / share(empty, "post", FLOOR), 3), "rate_of_look": round(share(full, "get", "one_query"), 3), "queries": len(queries),
        "get_ms": round(statistics.median(full["get"]) * 1000, 3), "one_query_ms": round(statistics.median(full["one_query"]) * 1000, 3),
        "stored": accounts * STORED_PER_ACCOUNT,
    }  # fmt: skip
    return Result(name="survey-answer", size=accounts, rows=1, seconds={PRODUCT: full["post"], FLOOR: full[FLOOR]}, peak_memory_mb=peak, more=more)
