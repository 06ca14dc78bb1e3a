"""The pages of metrics as a reader may open them: dashboards in a row, what is asked less often behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role
from metrics.filters import CUSTOM, DIMENSIONS, PRESETS

register = template.Library()

NO_AGENTS = frozenset({Role.AGENT})
# pages of rows, and pages about the whole organisation
NO_ANALYSTS = frozenset({Role.AGENT, Role.ANALYST})
WHOLE_ALONE = frozenset({Role.AGENT, Role.CSM, Role.MANAGER})


@dataclass(frozen=True)
class Page:
    """One page: its key, the name of its address, its word, and who does not see it."""

    key: str
    word: Any
    hidden_from: frozenset[Role] = frozenset()

    @property
    def address(self) -> str:
        """The name of its address."""
        return f"metrics:{self.key}"


DASHBOARDS = (
    Page("overview", _("Overview")), Page("revenue", _("Revenue")), Page("voice", _("Voice"), NO_AGENTS), Page("support", _("Support")), Page("team", _("Team")),
    Page("cohorts", _("Cohorts")), Page("roi", _("ROI")), Page("decisions", _("Decisions"), NO_AGENTS),
)  # fmt: skip
# the dashboards under the common filters: what was chosen on one stays on the next
FILTERED = frozenset({"overview", "revenue", "voice", "support", "team", "cohorts", "decisions"})
MORE: tuple[tuple[Any, tuple[Page, ...]], ...] = (
    (_("Health"), (
        Page("health_models", _("Health models")), Page("backtests", _("Backtest"), NO_AGENTS), Page("churn_risk", _("Churn risk"), NO_AGENTS),
        Page("disagreements", _("Signs that disagree"), NO_ANALYSTS), Page("gaps", _("What to fill"), NO_ANALYSTS),
        Page("plan_features", _("Features of plans")),
    )),
    (_("Programme"), (Page("initiatives", _("Initiatives"), NO_AGENTS), Page("budget", _("Budget"), frozenset({Role.AGENT, Role.CSM})), Page("funnels", _("Funnels")))),
    (_("Figures"), (Page("catalogue", _("Catalogue")), Page("restatements", _("Restatements"), WHOLE_ALONE), Page("report", _("Weekly report")))),
)  # fmt: skip


@register.simple_tag(takes_context=True)
def metrics_pages(context: dict[str, Any], here: str) -> dict[str, Any]:
    """What stands in the row, what behind it by group, and the page behind it that is open."""
    role = context["request"].user.role
    row = [page for page in DASHBOARDS if role not in page.hidden_from]
    more = [(word, [page for page in pages if role not in page.hidden_from]) for word, pages in MORE]
    opened = next((page for _word, pages in more for page in pages if page.key == here), None)
    return {
        "row": row,
        "more": [group for group in more if group[1]],
        "opened": opened,
        "filtered": FILTERED,
        "carried": _carried(context["request"].GET) if here in FILTERED else "",
    }


def _carried(given: QueryDict) -> str:
    """The common filters of an address as the query string of the next dashboard; a period that only this page knows stays behind."""
    names = ["compare", *DIMENSIONS]
    if given.get("period", CUSTOM) in {*PRESETS, CUSTOM}:
        names += ["period", "from", "until"]
    kept = {name: str(given[name]) for name in names if given.get(name)}
    return f"?{urlencode(kept)}" if kept else ""
