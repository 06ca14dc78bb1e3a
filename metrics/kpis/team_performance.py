"""One figure for the work of a team or an agent. Definitions: `docs/metrics.md`, support."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from metrics.formulas.team import DEFAULTS, Target, composite, score
from metrics.kpis import support_contacts, voice
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.support_times import replied, resolved, waiting_counts
from metrics.models import PerformanceTarget

Figures = dict[str | None, Figure]

# what each component reads: its variant and the parameters it needs
_READS: dict[str, tuple[Callable[[Question, str | None], Figures], str, dict[str, Any]]] = {
    "csat": (voice.csat, "top2_share", {"survey": None}),
    "fcr": (support_contacts.fcr, "all_issues", {"window_days": 7}),
    "resolution_time": (resolved, "full", {}),
    "first_response_time": (replied, "standard", {}),
    "aht": (support_contacts.aht, "standard", {"channel": "all"}),
}


def targets(params: dict[str, Any] | Any) -> dict[str, Target]:
    """Weights and bounds: as asked, else the organisation's, else the defaults. Raises WrongQuestion where the bounds are one."""
    stored = {row.component: Target(row.weight, row.worst, row.best) for row in PerformanceTarget.objects.all()}
    found = {}
    for name, default in DEFAULTS.items():
        base = stored.get(name, default)
        given = {of: params[f"{name}_{of}"] for of in ("weight", "worst", "best") if params[f"{name}_{of}"] is not None}
        found[name] = replace(base, **given)
        if found[name].worst == found[name].best:
            raise WrongQuestion(f"{name}_worst and {name}_best must differ.")
    return found


def team_performance(question: Question, by: str | None) -> Figures:
    """Sum of weight x score / sum of weights over the components that have data; the weight of the others is shared.

    A group whose best-covered component counts fewer than `min_items` tickets has no value: so few say
    nothing about a person. Whoever has a ticket that waits for an answer is a group, too.
    """
    figures = performance(question, by)
    if by is not None and any(target.weight for name, target in targets(question.params).items() if name in {"resolution_time", "first_response_time"}):
        wanted = {name: target for name, target in targets(question.params).items() if target.weight}
        for key in waiting_counts(question, by):
            if key not in figures:
                figures[key] = compose(dict.fromkeys(wanted), wanted, question.params["min_items"])
    return figures


def performance(question: Question, by: str | None) -> Figures:
    """The same of the groups that any component counts something of."""
    wanted = {name: target for name, target in targets(question.params).items() if target.weight}
    read = {}
    for name in wanted:
        compute, variant, params = _READS[name]
        read[name] = compute(replace(question, kpi=name, variant=variant, params={**params, "clock": question.params["clock"]}), by)
    keys = {None} if by is None else {key for figures in read.values() for key in figures}
    return {key: compose({name: read[name].get(key) for name in wanted}, wanted, question.params["min_items"]) for key in keys}


def compose(found: Mapping[str, Figure | None], wanted: Mapping[str, Target], min_items: int) -> Figure:
    """One figure out of the components' figures of one group (None: it has none of that)."""
    parts: dict[str, Any] = {}
    scored, flags, tickets = [], set(), 0
    for name, target in wanted.items():
        figure = found[name] or Figure(value=None, denominator=0)
        points, count = score(figure.value, target), int(figure.denominator or 0)
        parts |= {name: figure.value, f"{name}_score": points, f"{name}_weight": target.weight, f"{name}_count": count}
        scored.append((points, target.weight))
        flags.update(figure.flags)
        # contacts are no tickets: one ticket may take several calls
        tickets = max(tickets, count if name != "aht" else 0)
    total = composite(scored)
    if total is None or tickets < min_items:
        few = ["too_few_items"] if tickets < min_items else []
        return Figure(value=None, numerator=None, denominator=None, parts=parts, flags=[*sorted(flags), *few])
    points, weights = total
    return Figure(value=Decimal(points) / weights, numerator=points, denominator=weights, parts=parts, flags=sorted(flags))
