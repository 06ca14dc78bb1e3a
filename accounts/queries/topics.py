"""Figures of topics: how often, how negative, how precise, and where they are over- or under-represented."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from accounts.models import Segment, Topic, TopicTag, User, Verbatim
from accounts.proportions import Contrast, contrast, wilson
from accounts.roles import Role
from accounts.text.tokens import tokens_of
from accounts.text.topics import QueryError, compile_query

PERIOD = dt.timedelta(days=180)
# a difference is worth showing when chance alone makes it less often than this, and enough people said it
UNLIKELY = 0.05
FEWEST = 5


@dataclass(frozen=True)
class TopicFigures:
    """One topic over the period; `precision` with its interval is what reviewers found of the query's tags."""

    topic: Topic
    texts: int
    before: int
    negative: int
    positive: int
    by_hand: int
    right: int
    judged: int
    share: float | None
    precision: float | None
    precision_interval: tuple[float, float] | None


@dataclass(frozen=True)
class Represented:
    """A topic in one group of customers against all others."""

    topic: Topic
    dimension: str  # segment, band or outcome
    group: str
    texts: int
    of: int
    found: Contrast


@dataclass
class TopicPage:
    """What the page of topics shows."""

    topics: list[TopicFigures] = field(default_factory=list)
    over: list[Represented] = field(default_factory=list)
    under: list[Represented] = field(default_factory=list)
    texts: int = 0


def scope(user: User) -> Any:
    """The verbatims whose figures the reader may see: analysts those of everybody, the others their accounts'."""
    return Verbatim.objects.all() if user.role == Role.ANALYST else Verbatim.objects.visible_to(user)


def topic_page(user: User, *, now: dt.datetime) -> TopicPage:
    """All topics over 180 days, against the 180 before; five statements whatever there is."""
    visible = scope(user)
    since, before = now - PERIOD, now - 2 * PERIOD
    total = visible.filter(occurred_at__gte=since, occurred_at__lt=now).count()
    counted = TopicTag.objects.exclude(verdict=TopicTag.Verdict.WRONG).filter(verbatim__in=visible.values("pk"))
    recent = Q(verbatim__occurred_at__gte=since, verbatim__occurred_at__lt=now)
    figures = {
        row["topic_id"]: row
        for row in counted.filter(verbatim__occurred_at__gte=before, verbatim__occurred_at__lt=now)
        .order_by()
        .values("topic_id")
        .annotate(
            texts=Count("verbatim_id", filter=recent, distinct=True),
            before=Count("verbatim_id", filter=~recent, distinct=True),
            negative=Count("verbatim_id", filter=recent & Q(sentiment="negative"), distinct=True),
            positive=Count("verbatim_id", filter=recent & Q(sentiment="positive"), distinct=True),
            by_hand=Count("pk", filter=recent & Q(by="person")),
        )
    }
    judged = {
        row["topic_id"]: row
        for row in TopicTag.objects.filter(by="query", verbatim__in=visible.values("pk")).exclude(verdict="").order_by().values("topic_id").annotate(
            judged=Count("pk"), right=Count("pk", filter=Q(verdict="right"))
        )
    }  # fmt: skip
    page = TopicPage(texts=total)
    known = {topic.pk: topic for topic in Topic.objects.all()}
    for pk, topic in known.items():
        row: Any = figures.get(pk, {})
        checked = judged.get(pk, {"judged": 0, "right": 0})
        texts = row.get("texts", 0)
        page.topics.append(
            TopicFigures(
                topic=topic, texts=texts, before=row.get("before", 0), negative=row.get("negative", 0), positive=row.get("positive", 0), by_hand=row.get("by_hand", 0),
                right=checked["right"], judged=checked["judged"], share=texts / total if total else None,
                precision=checked["right"] / checked["judged"] if checked["judged"] else None, precision_interval=wilson(checked["right"], checked["judged"]),
            )
        )  # fmt: skip
    page.topics.sort(key=lambda entry: (-entry.texts, entry.topic.name))
    page.over, page.under = _represented(user, known, since, now)
    return page


# one row a (topic, dimension, group): how many of the group's texts speak of the topic, and how many texts the group has
_GROUPS = """
WITH said AS MATERIALIZED (
    SELECT v.id, coalesce(g.key, '') AS segment, coalesce(nullif(s.band, ''), '') AS band, CASE WHEN a.churned_at IS NULL THEN 'kept' ELSE 'lost' END AS outcome
    FROM accounts_verbatim v JOIN accounts_account a ON a.id = v.account_id
    LEFT JOIN accounts_segment g ON g.id = a.segment_id
    LEFT JOIN accounts_accountsnapshot s ON s.account_id = a.id
    WHERE v.occurred_at >= %s AND v.occurred_at < %s AND {visible}
), spread AS MATERIALIZED (
    SELECT id, 'segment' AS dimension, segment AS grp FROM said WHERE segment <> ''
    UNION ALL SELECT id, 'band', band FROM said WHERE band <> '' AND outcome = 'kept'
    UNION ALL SELECT id, 'outcome', outcome FROM said
), sizes AS (SELECT dimension, grp, count(*) AS texts FROM spread GROUP BY 1, 2),
tagged AS (
    SELECT t.topic_id, p.dimension, p.grp, count(DISTINCT p.id) AS texts
    FROM accounts_topictag t JOIN spread p ON p.id = t.verbatim_id WHERE t.verdict <> 'wrong' GROUP BY 1, 2, 3
)
SELECT k.topic_id, z.dimension, z.grp, coalesce(g.texts, 0), z.texts
FROM (SELECT DISTINCT topic_id FROM tagged) k CROSS JOIN sizes z
LEFT JOIN tagged g ON g.topic_id = k.topic_id AND g.dimension = z.dimension AND g.grp = z.grp
"""


def _represented(user: User, topics: dict[int, Topic], since: dt.datetime, now: dt.datetime) -> tuple[list[Represented], list[Represented]]:
    """Topics that a segment, a health band or the lost speak of more, and less, than everybody else; the clearest first.

    With many comparisons some differ by chance: the limit of the p-value is divided by their number (Bonferroni).
    """
    visible, values = scope(user).order_by().values("pk").query.sql_with_params()
    statement = _GROUPS.format(visible=f"v.id IN ({visible})" if user.role not in {Role.ADMIN, Role.VIEWER, Role.ANALYST} else "true")
    given = [since, now, *(values if user.role not in {Role.ADMIN, Role.VIEWER, Role.ANALYST} else ())]
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        rows = cursor.fetchall()
    totals: dict[tuple[int, str], tuple[int, int]] = {}
    for topic, dimension, _group, part, whole in rows:
        known = totals.get((topic, dimension), (0, 0))
        totals[topic, dimension] = (known[0] + part, known[1] + whole)
    limit = UNLIKELY / max(1, len(rows))
    over: list[Represented] = []
    under: list[Represented] = []
    for topic, dimension, group, part, whole in rows:
        all_part, all_whole = totals[topic, dimension]
        found = contrast(part, whole, all_part - part, all_whole - whole)
        if found is None or found.p_value > limit or max(part, all_part - part) < FEWEST or whole < FEWEST or (dimension, group) == ("outcome", "kept"):
            continue
        entry = Represented(topics[topic], dimension, group, part, whole, found)
        (over if found.is_over else under).append(entry)
    return sorted(over, key=lambda entry: entry.found.p_value)[:12], sorted(under, key=lambda entry: entry.found.p_value)[:12]


@dataclass(frozen=True)
class Tried:
    """What queries find among the newest texts: how many were looked at, how many match, and some of those with the places."""

    texts: int
    matches: int
    samples: list[tuple[Verbatim, list[list[int]]]]


def try_queries(user: User, queries: dict[str, str], *, look_at: int = 500, show: int = 12) -> Tried:
    """Runs queries (language to text) over the newest texts the reader may see; one that cannot be read finds nothing."""
    compiled = {}
    for language, text in queries.items():
        try:
            compiled[language] = compile_query(text, language) if text.strip() else None
        except QueryError:
            compiled[language] = None
    samples: list[tuple[Verbatim, list[list[int]]]] = []
    texts = matches = 0
    if any(compiled.values()):
        for row in Verbatim.objects.visible_to(user).filter(language__in=list(compiled)).select_related("account").order_by("-occurred_at", "-id")[:look_at]:
            texts += 1
            query = compiled.get(row.language)
            spans = query.find(tokens_of(row.text, row.language)) if query else None
            if spans is not None:
                matches += 1
                if len(samples) < show:
                    samples.append((row, [list(span) for span in spans]))
    return Tried(texts, matches, samples)


def segments() -> list[Segment]:
    """All segments."""
    return list(Segment.objects.all())
