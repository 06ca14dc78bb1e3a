"""Whom surveys reach, in words: never asked, why, bias, NPS weighted back to the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import wording
from surveys.models import Invitation
from surveys.queries.reach import NOT_CONSIDERED, PLANNED, Aspect, Unasked
from surveys.queries.results_rows import Person
from surveys.readings import FEW, Reading, signed
from surveys.scoring import share
from surveys.views.results_wording import Opens, span, value_name
from surveys.weighting import Reweighted

_ASPECTS = {"segment": gettext_lazy("Segment"), "mrr": gettext_lazy("MRR"), "tenure": gettext_lazy("With us for"), "language": gettext_lazy("Language")}
_VALUES: dict[str, Any] = {
    "third_1": gettext_lazy("lowest third"),
    "third_2": gettext_lazy("middle third"),
    "third_3": gettext_lazy("highest third"),
    "nothing": gettext_lazy("no MRR"),
    "under_3_months": gettext_lazy("under 3 months"),
    "under_1_year": gettext_lazy("3 months to a year"),
    "under_3_years": gettext_lazy("1 to 3 years"),
    "over_3_years": gettext_lazy("over 3 years"),
}


def never_rows(rows: Sequence[Unasked], opens: Opens | None, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Never asked by segment."""
    return [
        {
            "name": value_name("segment", row.segment, names),
            "row": row,
            "contacts": share(row.never_contacts, row.contacts),
            "href": opens.to("never", segment=row.segment or "none") if opens and row.never_contacts else "",
        }
        for row in rows
    ]


def never_total(rows: Sequence[Unasked]) -> Unasked:
    """All segments together."""
    return Unasked(
        None, sum(row.contacts for row in rows), sum(row.never_contacts for row in rows), sum(row.accounts for row in rows), sum(row.never_accounts for row in rows),
        sum(row.mrr for row in rows), sum(row.never_mrr for row in rows),
    )  # fmt: skip


def reason_word(reason: str) -> str:
    """Why somebody was not asked, in words."""
    named: dict[str, Any] = {str(value): label for value, label in [*Invitation.SkipReason.choices, *Invitation.Status.choices]}
    named |= {NOT_CONSIDERED: _("nothing happened that would ask them"), PLANNED: _("planned, not sent yet")}
    return str(named.get(reason, reason))


def told(people: Sequence[Person]) -> list[dict[str, Any]]:
    """Contacts never asked, each with why in words."""
    return [{"row": person.row, "word": reason_word(person.reason)} for person in people]


def why_rows(rows: Sequence[tuple[str, int]], opens: Opens | None) -> list[dict[str, Any]]:
    """Reasons, the most frequent first."""
    total = sum(count for _reason, count in rows)
    return [
        {"word": reason_word(reason), "count": count, "share": share(count, total), "href": opens.to("never", extra={"reason": reason}) if opens else ""} for reason, count in rows
    ]


def aspect_tables(aspects: Mapping[str, Sequence[Aspect]], names: Mapping[str, str], *, hide: bool) -> list[dict[str, Any]]:
    """One table an aspect: share of base, asked and answering, and the difference with whether it is chance."""
    tables = []
    for aspect, rows in aspects.items():
        if not rows or not rows[0].totals[2]:
            continue
        lines = []
        for row in rows:
            # readers of figures alone learn nothing of a few people
            told = not hide or not 0 < row.answered < FEW
            change = row.difference if told else None
            lines.append(
                {
                    "name": str(_VALUES[row.key]) if row.key in _VALUES else value_name(aspect, row.key, names),
                    "shares": row.shares,
                    "told": told,
                    "row": row,
                    "change": _("%(points)s pp") % {"points": signed(100 * change.difference, 1)} if change else "",
                    "heard": "" if change is None or not change.significant else "more" if change.difference > 0 else "less",
                }
            )
        tables.append({"title": _ASPECTS[aspect], "lines": lines})
    return tables


def reweighted(found: Reweighted | None, plain: Reading | None) -> dict[str, Any] | None:
    """The post-stratified NPS beside the plain one; None for surveys without."""
    if plain is None:
        return None
    few = found is None or plain.few
    return {
        "plain": plain,
        "value": wording.DASH if few or found is None else signed(found.value),
        "span": "" if few or found is None else span(found.interval, signed),
        "covered": None if found is None else found.covered,
        "few": few,
    }
