"""Comments of answers, read as they come in; and the classifier that learns from scored answers."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import connection, transaction

from accounts.actions.verbatims import NewText, read_texts
from accounts.models import TextClassifier, User, Verbatim
from accounts.text.classifier import TrainedText, train
from surveys.models import SurveyText
from surveys.scoring import Scale, band, group

LIMIT = 1000
# what a classifier learns from at most, the newest answers first
MOST_ROWS = 50_000

_UNREAD = """
SELECT r.id, r.kind, r.account_id, r.contact_id, coalesce(r.answered_at, r.invited_at), concat_ws(E'\\n', nullif(r.comment, ''), nullif(r.reason_detail, '')),
       coalesce(nullif(r.language, ''), c.language, ''), r.survey_version_id, r.score, r.scale_min, r.scale_max, r.direction
FROM surveys_response r
LEFT JOIN accounts_contact c ON c.id = r.contact_id
LEFT JOIN accounts_verbatim v ON v.source = CASE r.kind WHEN 'review' THEN 'review' ELSE 'answer' END AND v.subject_id = r.id::text
WHERE (r.comment <> '' OR r.reason_detail <> '') AND NOT r.test AND NOT r.is_suspect
  AND (%(since)s::timestamptz IS NULL OR r.updated_at >= %(since)s)
  AND (%(only)s::uuid IS NULL OR r.id = %(only)s)
  AND (v.id IS NULL OR (v.read_at < r.updated_at AND v.text <> left(concat_ws(E'\\n', nullif(r.comment, ''), nullif(r.reason_detail, '')), 10000)))
ORDER BY r.updated_at DESC LIMIT %(limit)s
"""


def read_answers(*, now: dt.datetime, since: dt.datetime | None, limit: int = LIMIT) -> int:
    """Reads comments given or changed since (None: all that were never read); returns how many.

    Suspect and test answers are left out until a person confirms them.
    """
    return _read({"since": since, "limit": limit, "only": None}, now)


def read_answer(*, response_id: uuid.UUID, now: dt.datetime) -> bool:
    """Reads the comment of one answer at once; False where there is nothing to read."""
    return bool(_read({"since": None, "limit": 1, "only": response_id}, now))


def _read(values: dict[str, Any], now: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, values)
        rows = cursor.fetchall()
    words: dict[int, dict[str, SurveyText]] = {}
    for text in SurveyText.objects.filter(version_id__in={row[7] for row in rows if row[7] is not None}):
        words.setdefault(text.version_id, {})[text.language] = text
    return read_texts(
        texts=[
            NewText(
                source=Verbatim.Source.REVIEW if kind == "review" else Verbatim.Source.ANSWER,
                subject_id=str(pk), account_id=account, contact_id=contact, occurred_at=at, text=text, hint=language,
                question=_question(words.get(version, {}).get(language.split("-")[0]), kind, *scored),
            )
            for pk, kind, account, contact, at, text, language, version, *scored in rows
        ],
        now=now,
    )  # fmt: skip


def _question(text: SurveyText | None, kind: str, score: int | None, low: int, high: int, direction: str) -> str:
    """The “why” that stood above the comment: worded for the band of the score."""
    if text is None:
        return ""
    asked = {"low": text.why_low, "middle": text.why_middle, "high": text.why_high}
    return asked.get(band(kind, score, Scale(low, high, direction == "high_good")), "")


_SCORED = """
SELECT v.text, v.asked, r.kind, r.score, r.scale_min, r.scale_max, r.direction
FROM accounts_verbatim v JOIN surveys_response r ON r.id::text = v.subject_id
WHERE v.source IN ('answer', 'review') AND v.language = %s AND r.score IS NOT NULL AND NOT r.is_suspect AND NOT r.test
ORDER BY v.occurred_at DESC, v.id LIMIT %s
"""


def scored_comments(language: str) -> tuple[list[str], list[bool], list[str]]:
    """Comments of a language, whether their score was good, and what was asked; those in the middle of a scale teach nothing and are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_SCORED, [language, MOST_ROWS])
        rows = cursor.fetchall()
    texts, labels, questions = [], [], []
    for text, asked, kind, score, low, high, direction in rows:
        good = speaks_well(kind, score, low, high, direction)
        if good is not None:
            texts.append(text)
            labels.append(good)
            questions.append(asked)
    return texts, labels, questions


def scored_counts(language: str) -> tuple[int, int]:
    """How many comments of a language have a good, and how many a bad score."""
    _texts, labels, _asked = scored_comments(language)
    return sum(labels), len(labels) - sum(labels)


def speaks_well(kind: str, score: int, low: int, high: int, direction: str) -> bool | None:
    """Whether a score is good (True), bad (False) or neither: by the groups of `surveys.scoring.group`, so promoters against detractors."""
    return {"promoter": True, "high": True, "detractor": False, "low": False}.get(group(kind, score, Scale(low, high, direction == "high_good")))


def train_classifier(*, language: str, now: dt.datetime, actor: User | None) -> TextClassifier:
    """Trains on the installation's own scored answers and keeps the result, not in use yet. Raises TooFewAnswers."""
    texts, labels, asked = scored_comments(language)
    trained: TrainedText = train(texts, labels, language, asked)
    return TextClassifier.objects.create(language=language, trained_at=now, rows=len(texts), measured=trained.measured.as_dict(), weights=trained.to_bytes(), trained_by=actor)


def use_classifier(*, pk: int, use: bool) -> TextClassifier:
    """Takes a classifier into use for its language (another one goes out of it), or out of use."""
    with transaction.atomic():
        row = TextClassifier.objects.select_for_update().defer("weights").get(pk=pk)
        if use:
            TextClassifier.objects.filter(language=row.language, active=True).exclude(pk=pk).update(active=False)
        TextClassifier.objects.filter(pk=pk).update(active=use)
        row.active = use
    return row
