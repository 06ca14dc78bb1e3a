"""The KPI engine's door: a question in names and texts, an answer in exact decimals."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Segment
from metrics.formulas.numbers import decimal_text
from metrics.kpis import churn_rates, cohorts, lifetime_value, retention, revenue, support_contacts, support_load, support_times, voice
from metrics.kpis.business_models import each_in_its_own_way, with_default
from metrics.kpis.catalogue import CATALOGUE, Kpi, find, read_params
from metrics.kpis.contracts import acv
from metrics.kpis.conversion import conversion_rate
from metrics.kpis.figure import Figure
from metrics.kpis.known_values import check_values
from metrics.kpis.orders import aov
from metrics.kpis.question import Question, WrongQuestion, instant, pieces
from metrics.kpis.readings import one_reading
from metrics.kpis.response_rate import response_rate
from metrics.kpis.retention_cost import crc
from metrics.kpis.return_on_experience import cx_roi
from metrics.kpis.revenue_per_customer import arpu
from metrics.kpis.support_cost import support_cost
from metrics.kpis.team_performance import team_performance
from metrics.kpis.tenure import tenure_survival
from metrics.ledger.prepare import prepare

__all__ = ["CATALOGUE", "WrongQuestion", "answer", "answer_question", "ask"]

COMPUTE: dict[str, Callable[[Question, str | None], dict[str | None, Figure]]] = {
    "nps": voice.nps,
    "csat": voice.csat,
    "ces": voice.ces,
    "response_rate": response_rate,
    "mrr": revenue.mrr,
    "arr": retention.arr,
    "mrr_movements": retention.movements,
    "arpa": retention.arpa,
    "quick_ratio": retention.quick_ratio,
    "logo_churn": churn_rates.logo_churn,
    "customers_lost": churn_rates.customers_lost,
    "customer_retention_rate": retention.customer_retention_rate,
    "gross_mrr_churn": churn_rates.gross_mrr_churn,
    "net_mrr_churn": churn_rates.net_mrr_churn,
    "grr": retention.grr,
    "nrr": retention.nrr,
    "churn_by_inactivity": retention.churn_by_inactivity,
    "first_response_time": support_times.first_response_time,
    "resolution_time": support_times.resolution_time,
    "fcr": support_contacts.fcr,
    "aht": support_contacts.aht,
    "ticket_backlog": support_load.ticket_backlog,
    "ats": support_load.ats,
    "ticket_volume": support_load.ticket_volume,
    "team_performance": team_performance,
    "support_cost": support_cost,
    "aov": aov,
    "acv": acv,
    "arpu": arpu,
    "conversion_rate": conversion_rate,
    "crc": crc,
    "cx_roi": cx_roi,
    "clv": each_in_its_own_way(lifetime_value.clv, "value_x_lifespan"),
    "cohort_retention": each_in_its_own_way(cohorts.cohort_retention, "bought_in_period"),
    "tenure_survival": tenure_survival,
}


def answer(
    *,
    name: str,
    start: str,
    end: str,
    now: dt.datetime,
    variant: str | None = None,
    segment: str | None = None,
    filters: Mapping[str, str | Iterable[str]] | None = None,
    by: str | None = None,
    interval: str | None = None,
    as_of: str | None = None,
    params: Mapping[str, str] | None = None,
    accounts: Iterable[int] | None = None,
) -> dict[str, Any]:
    """One KPI as the answer that the command and the API print.

    `start` and `end` (exclusive) are days of the organisation's zone or ISO 8601 instants; `accounts`
    are the ids the asker may see (None: all). With `interval` the answer is `{"series": [...]}`, with
    `by` it has `groups`. Raises WrongQuestion for anything that does not exist.
    """
    question = ask(
        name=name, start=start, end=end, now=now, variant=variant, segment=segment, filters=filters, as_of=as_of, params=params, accounts=accounts
    )  # fmt: skip
    kpi = CATALOGUE[name]
    if by is not None and by not in kpi.dimensions:
        raise WrongQuestion(f"{name} has no breakdown by “{by}”; there are {', '.join(kpi.dimensions)}.", "by")
    if interval is None:
        return _answer(kpi, prepare(kpi, [question], by)[0], by)
    each = [question.between(left, right) for left, right in pieces(question, interval)]
    return {"series": [_answer(kpi, piece, by) for piece in prepare(kpi, each, by)]}


def answer_question(question: Question, by: str | None) -> dict[str, Any]:
    """The answer to a checked question, as `answer` gives it."""
    return _answer(CATALOGUE[question.kpi], question, by)


def ask(
    *,
    name: str,
    start: str,
    end: str,
    now: dt.datetime,
    variant: str | None = None,
    segment: str | None = None,
    filters: Mapping[str, str | Iterable[str]] | None = None,
    as_of: str | None = None,
    params: Mapping[str, str] | None = None,
    accounts: Iterable[int] | None = None,
) -> Question:
    """The checked question behind `answer` (same arguments). Raises WrongQuestion."""
    kpi = find(name)
    chosen = variant or kpi.variants[0]
    if chosen not in kpi.variants:
        raise WrongQuestion(f"{name} has no variant “{chosen}”; there are {', '.join(kpi.variants)}.", "variant")
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    left, right = instant(start, zone, "start"), instant(end, zone, "end")
    if right <= left:
        raise WrongQuestion(_("end: %(end)s is not after %(start)s; the end is the first moment outside the period.") % {"start": start, "end": end}, "end")
    seen = instant(as_of, zone, "as-of") if as_of else None
    horizon = min(seen, now) if seen else now
    narrowed = _filters(kpi, filters or {})
    given = dict(params or {})
    if "survey" in narrowed and "survey" in kpi.params and "survey" in given:
        raise WrongQuestion("survey is given as a parameter and as a filter; give it once.", "param.survey")
    if "survey" in kpi.params and given.get("survey"):
        check_values(kpi, "survey", [given["survey"]])
    if segment is not None and not Segment.objects.filter(key=segment).exists():
        raise WrongQuestion(f"“{segment}” is no segment; there are {', '.join(Segment.objects.values_list('key', flat=True))}.", "segment")
    question = Question(
        kpi=name, variant=chosen, start=left, end=right, until=max(left, min(right, horizon)), start_text=start, end_text=end, zone=zone,
        currency=settings.REPORTING_CURRENCY, now=now, segment=segment, filters=narrowed, params=read_params(kpi, given), given_params=given,
        as_of=seen, as_of_text=as_of, scope=None if accounts is None else tuple(accounts), by_default=variant is None,
    )  # fmt: skip
    return with_default(question, kpi)


def _filters(kpi: Kpi, given: Mapping[str, str | Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Filters as tuples of values. Raises WrongQuestion for an unknown dimension."""
    filters: dict[str, tuple[str, ...]] = {}
    for dimension, wanted in given.items():
        if dimension not in kpi.dimensions:
            raise WrongQuestion(f"{kpi.name} has no filter “{dimension}”; there are {', '.join(kpi.dimensions)}.", f"filter.{dimension}")
        filters[dimension] = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        check_values(kpi, dimension, filters[dimension])
    return filters


def _answer(kpi: Kpi, question: Question, by: str | None) -> dict[str, Any]:
    compute = COMPUTE[kpi.name]
    with one_reading():
        body = _body(kpi, question, compute(question, None)[None])
        groups = compute(question, by) if by is not None else {}
    if by is not None:
        body["groups"] = [{"key": key, **_body(kpi, question, groups[key])} for key in sorted(groups, key=lambda key: (key is None, key or ""))]
    return body


def _plain(value: Any) -> Any:
    """Decimals as texts, everything else as it is, at any depth."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _body(kpi: Kpi, question: Question, figure: Figure) -> dict[str, Any]:
    unit = kpi.unit_of(question.variant)
    body: dict[str, Any] = {
        "kpi": kpi.name,
        "variant": question.variant,
        "params": dict(question.given_params),
        "start": question.start_text,
        "end": question.end_text,
        "segment": question.segment,
        "filters": {name: values[0] if len(values) == 1 else list(values) for name, values in question.filters.items()},
        "as_of": question.as_of_text,
        "value": decimal_text(figure.value),
        "unit": unit,
        "numerator": decimal_text(figure.numerator) if figure.numerator is not None else None,
        "denominator": decimal_text(figure.denominator) if figure.denominator is not None else None,
        "parts": _plain(figure.parts),
        "interval_95": None if figure.value is None or figure.interval is None else [decimal_text(edge) for edge in figure.interval],
        "partial": question.partial,
        "flags": figure.flags,
        "missing": figure.missing,
        **_plain(figure.shape),
    }
    if unit == "money":
        body["currency"] = question.currency
    return body
