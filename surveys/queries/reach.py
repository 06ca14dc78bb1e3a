"""Whom surveys reach: who never gets asked and why, and how those who answer differ from all customers.

The base are the contacts of accounts that have not left (test accounts out), as they are now.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.models import Account, User
from accounts.roles import Role
from surveys.comparing import Change, share_against
from surveys.models import Survey
from surveys.queries.population import compiled, fetch
from surveys.queries.results import counts_by
from surveys.queries.results_filter import NONE, ResultsFilter
from surveys.scoring import Scale, group, share
from surveys.weighting import Reweighted, Stratum, poststratified_nps

# "never" means: not in this time
YEAR = dt.timedelta(days=365)
ASPECTS = ("segment", "mrr", "tenure", "language")
# values with an order of their own; the others stand by size
ORDER = ("third_3", "third_2", "third_1", "nothing", "under_3_months", "under_1_year", "under_3_years", "over_3_years")
# neither refused nor planned: nothing ever looked at the contact
NOT_CONSIDERED, PLANNED = "not_considered", "planned"


def base(user: User, chosen: ResultsFilter) -> tuple[str, list[Any]]:
    """SQL of the accounts of the base: id, segment_id, language, since; narrowed as the reader chose."""
    rows: Any = Account.objects.all() if user.role == Role.ANALYST else Account.objects.visible_to(user)
    rows = rows.filter(excluded=False, churned_at=None)
    if chosen.segment:
        rows = rows.filter(segment=None) if chosen.segment == NONE else rows.filter(segment__key=chosen.segment)
    if chosen.owner:
        rows = rows.filter(owner_id=None if chosen.owner == NONE else user.pk if chosen.owner == "me" else int(chosen.owner))
    if chosen.account is not None:
        rows = rows.filter(pk=chosen.account)
    sql, values = compiled(rows.order_by().values("id", "segment_id", "language", "signed_up_at", "created_at", "name"))
    if "SELECT NULL" in sql:
        sql = "SELECT id, segment_id, language, signed_up_at, created_at, name FROM accounts_account WHERE false"
    return sql, list(values)


def _asked_contacts(survey: Survey | None, since: dt.datetime, until: dt.datetime) -> tuple[str, list[Any]]:
    """SQL of the contacts that were asked in a time: our mails, and imported asks and answers."""
    own, theirs = "", ""
    values: list[Any] = [since, until]
    if survey is not None:
        own = "AND i.survey_version_id IN (SELECT id FROM surveys_surveyversion WHERE survey_id = %s)"
        theirs = "AND r.survey_id = %s"
        values.append(survey.pk)
    values += [since, until]
    if survey is not None:
        values.append(survey.pk)
    sql = f"""
        SELECT i.contact_id FROM surveys_invitation i WHERE i.sent_at >= %s AND i.sent_at < %s AND i.contact_id IS NOT NULL {own}
        UNION SELECT r.contact_id FROM surveys_response r
              WHERE coalesce(r.invited_at, r.answered_at) >= %s AND coalesce(r.invited_at, r.answered_at) < %s AND r.contact_id IS NOT NULL AND NOT r.test {theirs}"""
    return sql, values


@dataclass(frozen=True)
class Unasked:
    """Of a segment (None: without): contacts and accounts, how many were never asked in 12 months, and their MRR in millionths."""

    segment: str | None
    contacts: int
    never_contacts: int
    accounts: int
    never_accounts: int
    mrr: int
    never_mrr: int

    @property
    def mrr_share(self) -> Decimal | None:
        """MRR of accounts of which nobody was asked / MRR."""
        return share(self.never_mrr, self.mrr)


def _never(user: User, chosen: ResultsFilter, survey: Survey | None, now: dt.datetime) -> tuple[str, list[Any]]:
    accounts, values = base(user, chosen)
    asked, more = _asked_contacts(survey, now - YEAR, now)
    language, told = "", []
    if chosen.language:
        language, told = "WHERE coalesce(nullif(c.language, ''), a.language) = %s", ["" if chosen.language == NONE else chosen.language]
    sql = f"""
        WITH base AS ({accounts}), asked AS ({asked}),
        people AS (
            SELECT c.id, c.account_id, c.email, c.created_at, q.contact_id IS NULL AS never
            FROM accounts_contact c JOIN base a ON a.id = c.account_id LEFT JOIN asked q ON q.contact_id = c.id {language})"""
    return sql, [*values, *more, *told]


def unasked(user: User, chosen: ResultsFilter, *, survey: Survey | None, now: dt.datetime) -> list[Unasked]:
    """Who was never asked, by segment, the greatest MRR first; one statement."""
    sql, values = _never(user, chosen, survey, now)
    rows = fetch(
        f"""{sql},
        books AS (SELECT account_id, count(*) AS contacts, count(*) FILTER (WHERE never) AS never FROM people GROUP BY 1)
        SELECT g.key, coalesce(sum(b.contacts), 0), coalesce(sum(b.never), 0), count(*), count(*) FILTER (WHERE coalesce(b.contacts, 0) = coalesce(b.never, 0)),
               coalesce(sum(s.mrr_micros), 0), coalesce(sum(s.mrr_micros) FILTER (WHERE coalesce(b.contacts, 0) = coalesce(b.never, 0)), 0)
        FROM base a LEFT JOIN books b ON b.account_id = a.id LEFT JOIN accounts_accountsnapshot s ON s.account_id = a.id LEFT JOIN accounts_segment g ON g.id = a.segment_id
        {"WHERE b.account_id IS NOT NULL" if chosen.language else ""}
        GROUP BY 1 ORDER BY 6 DESC, 1""",
        values,
    )
    return [Unasked(key, *(int(value) for value in numbers)) for key, *numbers in rows]


# the last thing that was decided about a contact in the time; refusals carry their rule
_LAST = """
    SELECT DISTINCT ON (i.contact_id) i.contact_id, CASE WHEN i.status = 'skipped' THEN i.skip_reason ELSE i.status END AS reason
    FROM surveys_invitation i {join} WHERE i.decided_at >= %s AND i.decided_at < %s AND i.contact_id IS NOT NULL {where} ORDER BY i.contact_id, i.decided_at DESC, i.id"""


def _reasons(user: User, chosen: ResultsFilter, survey: Survey | None, now: dt.datetime) -> tuple[str, list[Any]]:
    sql, values = _never(user, chosen, survey, now)
    join, where = "", ""
    more: list[Any] = [now - YEAR, now]
    if survey is not None:
        join = "LEFT JOIN surveys_touchpoint t ON t.id = i.touchpoint_id LEFT JOIN surveys_surveyversion v ON v.id = i.survey_version_id"
        where = "AND coalesce(v.survey_id, t.survey_id) = %s"
        more.append(survey.pk)
    unknown = f"CASE WHEN p.email = '' THEN 'no_address' ELSE '{NOT_CONSIDERED}' END"
    reason = f"CASE WHEN l.reason IN ('planned', 'queued') THEN '{PLANNED}' ELSE coalesce(nullif(l.reason, ''), {unknown}) END"
    return (
        f"{sql}, last AS ({_LAST.format(join=join, where=where)}), why AS (SELECT p.id, p.account_id, {reason} AS reason FROM people p "
        "LEFT JOIN last l ON l.contact_id = p.id WHERE p.never)",
        [*values, *more],
    )


def why_unasked(user: User, chosen: ResultsFilter, *, survey: Survey | None, now: dt.datetime) -> list[tuple[str, int]]:
    """(reason, contacts) of those never asked, the most frequent first; from the ledger of decisions."""
    sql, values = _reasons(user, chosen, survey, now)
    return [(reason, int(count)) for reason, count in fetch(f"{sql} SELECT reason, count(*) FROM why GROUP BY 1 ORDER BY 2 DESC, 1", values)]


def unasked_ids(user: User, chosen: ResultsFilter, *, survey: Survey | None, now: dt.datetime, reason: str, after: int, size: int | None) -> list[tuple[int, str]]:
    """(contact, reason) of those never asked, by contact number after one; `size` None means all."""
    sql, values = _reasons(user, chosen, survey, now)
    only, told = ("AND reason = %s", [reason]) if reason else ("", [])
    limit = "LIMIT %s" if size is not None else ""
    return [
        (int(pk), why)
        for pk, why in fetch(f"{sql} SELECT id, reason FROM why WHERE id > %s {only} ORDER BY id {limit}", [*values, after, *told, *([size] if size is not None else [])])
    ]


@dataclass(frozen=True)
class Aspect:
    """One value of an aspect (segment, MRR, tenure, language): contacts in the base, asked, answering; and the totals."""

    key: str | None
    base: int
    asked: int
    answered: int
    totals: tuple[int, int, int]

    @property
    def shares(self) -> tuple[Decimal | None, ...]:
        """Its share of base, asked and answering."""
        return share(self.base, self.totals[0]), share(self.asked, self.totals[1]), share(self.answered, self.totals[2])

    @property
    def difference(self) -> Change | None:
        """Share among those who answer less share in the base, with its significance."""
        return share_against(self.answered, self.totals[2], self.base / self.totals[0]) if self.totals[0] else None


def bias(user: User, chosen: ResultsFilter, *, survey: Survey | None, now: dt.datetime) -> dict[str, list[Aspect]]:
    """How those who answer in the period differ from those asked and from the base; one statement.

    MRR in thirds of the accounts that pay; tenure since the sign-up. Answers without a contact are in no group.
    """
    accounts, values = base(user, chosen)
    start, end = chosen.period.span
    asked, more = _asked_contacts(survey, start, end)
    rows = fetch(
        f"""
        WITH base AS ({accounts}), asked AS ({asked}),
        answered AS (
            SELECT DISTINCT r.contact_id FROM surveys_response r
            WHERE r.answered_at >= %s AND r.answered_at < %s AND r.score BETWEEN r.scale_min AND r.scale_max AND NOT r.test AND NOT r.is_suspect AND r.respondent = 'contact'
              AND r.contact_id IS NOT NULL {"AND r.survey_id = %s" if survey is not None else ""}),
        thirds AS (SELECT s.account_id, ntile(3) OVER (ORDER BY s.mrr_micros) AS third FROM accounts_accountsnapshot s JOIN base a ON a.id = s.account_id WHERE s.mrr_micros > 0),
        people AS (
            SELECT g.key AS segment, coalesce('third_' || t.third, 'nothing') AS mrr,
                   CASE WHEN coalesce(a.signed_up_at, a.created_at) > %s THEN 'under_3_months' WHEN coalesce(a.signed_up_at, a.created_at) > %s THEN 'under_1_year'
                        WHEN coalesce(a.signed_up_at, a.created_at) > %s THEN 'under_3_years' ELSE 'over_3_years' END AS tenure,
                   nullif(coalesce(nullif(c.language, ''), a.language), '') AS language,
                   q.contact_id IS NOT NULL OR n.contact_id IS NOT NULL AS asked, n.contact_id IS NOT NULL AS answered
            FROM accounts_contact c JOIN base a ON a.id = c.account_id LEFT JOIN accounts_segment g ON g.id = a.segment_id LEFT JOIN thirds t ON t.account_id = a.id
                 LEFT JOIN asked q ON q.contact_id = c.id LEFT JOIN answered n ON n.contact_id = c.id)
        SELECT CASE 0 WHEN grouping(segment) THEN 'segment' WHEN grouping(mrr) THEN 'mrr' WHEN grouping(tenure) THEN 'tenure' ELSE 'language' END,
               coalesce(segment, mrr, tenure, language), count(*), count(*) FILTER (WHERE asked), count(*) FILTER (WHERE answered)
        FROM people GROUP BY GROUPING SETS ((segment), (mrr), (tenure), (language))""",
        [*values, *more, start, end, *([survey.pk] if survey is not None else []), now - dt.timedelta(days=91), now - YEAR, now - 3 * YEAR],
    )
    counts: dict[str, list[tuple[str | None, int, int, int]]] = defaultdict(list)
    for aspect, key, *numbers in rows:
        counts[aspect].append((key, *numbers))
    found = {}
    for aspect in ASPECTS:
        totals = (sum(row[1] for row in counts[aspect]), sum(row[2] for row in counts[aspect]), sum(row[3] for row in counts[aspect]))
        found[aspect] = sorted((Aspect(*row, totals) for row in counts[aspect]), key=_place)
    return found


def _place(row: Aspect) -> tuple[int, int, str]:
    return ORDER.index(row.key) if row.key in ORDER else len(ORDER), -row.base, row.key or "~"


@dataclass(frozen=True)
class Silent:
    """Accounts of the base and their MRR, and those of which nobody answered in the period (millionths)."""

    accounts: int
    silent_accounts: int
    mrr: int
    silent_mrr: int

    @property
    def mrr_share(self) -> Decimal | None:
        """MRR of silent accounts / MRR."""
        return share(self.silent_mrr, self.mrr)


def silent(user: User, chosen: ResultsFilter, *, survey: Survey | None) -> Silent:
    """How much MRR says nothing; one statement."""
    accounts, values = base(user, chosen)
    start, end = chosen.period.span
    rows = fetch(
        f"""
        WITH base AS ({accounts}),
        heard AS (SELECT DISTINCT r.account_id FROM surveys_response r
                  WHERE r.answered_at >= %s AND r.answered_at < %s AND r.score BETWEEN r.scale_min AND r.scale_max AND NOT r.test AND NOT r.is_suspect AND r.respondent = 'contact'
                  {"AND r.survey_id = %s" if survey is not None else ""})
        SELECT count(*), count(*) FILTER (WHERE h.account_id IS NULL), coalesce(sum(s.mrr_micros), 0), coalesce(sum(s.mrr_micros) FILTER (WHERE h.account_id IS NULL), 0)
        FROM base a LEFT JOIN heard h ON h.account_id = a.id LEFT JOIN accounts_accountsnapshot s ON s.account_id = a.id""",
        [*values, start, end, *([survey.pk] if survey is not None else [])],
    )
    return Silent(*(int(value) for value in rows[0]))


def reweighted(user: User, chosen: ResultsFilter, *, survey: Survey, scale: Scale, contacts: Mapping[str | None, int]) -> Reweighted | None:
    """NPS post-stratified by segment: each segment as heavy as its contacts in the base; one statement."""
    groups: dict[str | None, dict[str, int]] = defaultdict(lambda: {"promoter": 0, "passive": 0, "detractor": 0})
    for key, score, count in counts_by(user, chosen, survey=survey, scale=scale, by="segment"):
        groups[key][group("nps", score, scale)] += count
    strata = [Stratum(count, **{f"{name}s": groups[key][name] for name in ("promoter", "passive", "detractor")}) for key, count in contacts.items()]
    return poststratified_nps(strata)
