"""The panels of a survey's results: trend, from ask to answer, by group. Each reads all answers of the period once more."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.models import User
from surveys.models import Survey
from surveys.queries.results import Asked, ScaleGroup, asked, breakdown, together, trend
from surveys.queries.results_choices import choices_of
from surveys.queries.results_filter import DIMENSIONS, RATES_AGENTS, ResultsFilter
from surveys.scoring import Scale
from surveys.views import results_wording as wording

PANELS = ("trend", "flow", "groups")
# with more answers than this in the period the panels come after the page, each for itself; reading so many takes under a second
AT_ONCE = 50_000


class Panels:
    """What each panel says about one scale of a survey, for one reader and what was chosen."""

    def __init__(self, user: User, survey: Survey, chosen: ResultsFilter, scale: Scale, *, sees_rows: bool, choices: dict[str, Any] | None = None):
        self._user, self._survey, self._chosen, self._sees_rows = user, survey, chosen, sees_rows
        # panels need to know what the scale is and nothing of the answers on it
        self._shown = ScaleGroup(survey.kind, scale)
        self._choices = choices
        self._page = reverse("surveys:results", args=[survey.key])
        self.opens = wording.Opens(reverse("surveys:results_rows", args=[survey.key]), chosen, self._shown.name) if sees_rows else None

    def of(self, panel: str) -> dict[str, Any]:
        """The context of one panel that is asked for alone."""
        more = {"flow": self._flow, "trend": self._trend, "groups": self._groups}[panel]()
        return {"headlines": wording.headlines(self._shown), "sees_rows": self._sees_rows, "oob": True, **more}

    def all_at_once(self) -> dict[str, Any]:
        """The context of all of them within the page; the groups' asks are counted once and added up."""
        parts = breakdown(self._user, self._chosen, survey=self._survey, scale=self._shown.scale)
        return {**self._trend(), **self._flow(together(parts)), **self._groups(parts)}

    def addresses(self) -> dict[str, str]:
        """Where each panel is asked for alone, and the page with all of them (`all`)."""
        extra = {name: {"part": name, "of": self._shown.name} for name in PANELS} | {"all": {"part": "all"}}
        return {name: f"{self._page}?{self._chosen.query(extra=parts)}" for name, parts in extra.items()}

    def _to(self, **changes: Any) -> str:
        return f"{self._page}?{self._chosen.query(**changes)}"

    @cached_property
    def _names(self) -> dict[str, str]:
        return wording.names_for(self._chosen.by, self._choices if self._choices is not None else choices_of(self._user, self._chosen, survey=self._survey))

    def _trend(self) -> dict[str, Any]:
        pieces = trend(self._user, self._chosen, survey=self._survey, scale=self._shown.scale)
        steps = (("week", _("Weeks")), ("month", _("Months")))
        return {
            "trend": wording.drawn_trend(pieces, self._shown),
            "pieces": wording.trend_rows(pieces, self.opens),
            "steps": [(name, word, self._to(step=name), name == self._chosen.steps) for name, word in steps],
        }

    def _flow(self, found: Asked | None = None) -> dict[str, Any]:
        found = found or asked(self._user, self._chosen, self._chosen.period.span, survey=self._survey)
        before = asked(self._user, self._chosen, self._chosen.period.span_before, survey=self._survey)
        query = self._chosen.query()
        return {
            "asked": wording.asked_table(found, self.opens),
            "rate": wording.rate(found, before),
            "reach_address": reverse("surveys:reach", args=[self._survey.key]) + (f"?{query}" if query else ""),
        }

    def _groups(self, parts: Any = None) -> dict[str, Any]:
        chosen = self._chosen
        parts = parts if parts is not None else breakdown(self._user, chosen, survey=self._survey, scale=self._shown.scale)
        return {
            "groups": wording.group_rows(parts, self._shown, chosen, self._page, self.opens, hide=not self._sees_rows, names=self._names),
            "dimensions": [
                (name, wording.DIMENSION_NAMES[name], self._to(by=name), name == chosen.by) for name in DIMENSIONS if name != "agent" or self._survey.kind in RATES_AGENTS
            ],
            "dimension_name": wording.DIMENSION_NAMES[chosen.by],
        }
