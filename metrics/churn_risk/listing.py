"""The list of customers by what their risk may cost, and what the page tells of the model behind it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.collation import search_key
from accounts.models import User
from metrics.actions.churn_models import tells
from metrics.backtest.page import calibration_chart, lift_chart
from metrics.charts import Chart, Step, ranking
from metrics.churn_risk.wording import LEFT_OUT, Reason, feature_name, say_reasons
from metrics.models import ChurnModel, ChurnRisk

PAGE, COUNT_LIMIT = 50, 1000
CHOICES_AT_MOST = 100
SORTS = {"stake": "at_stake_micros", "risk": "probability"}
NO_OWNER, MINE, NO_SEGMENT = "none", "me", "none"
IMPORTANT = 12


@dataclass(frozen=True)
class RiskFilter:
    """What the address asks for; unknown values are left out, so that an old link still opens."""

    segment: str = ""
    owner: str = ""
    plan: str = ""
    country: str = ""
    text: str = ""
    sort: str = "stake"

    @classmethod
    def read(cls, query: dict[str, str]) -> RiskFilter:
        """From the address."""
        owner, sort = query.get("owner", ""), query.get("sort", "")
        return cls(
            segment=query.get("segment", "")[:60], owner=owner if owner in {MINE, NO_OWNER} or (owner.isdecimal() and len(owner) < 19) else "",
            plan=query.get("plan", "").replace("\x00", "")[:120], country=query.get("country", "")[:2].upper() if query.get("country", "").isalpha() else "",
            text=" ".join(query.get("q", "").replace("\x00", "").split())[:100], sort=sort if sort in SORTS else "stake",
        )  # fmt: skip

    def query(self, **changes: str) -> str:
        """The address of this filter with some parts changed; what is usual is left out."""
        after = changes.pop("after", "")
        changed = replace(self, **changes)
        parts = {"segment": changed.segment, "owner": changed.owner, "plan": changed.plan, "country": changed.country, "q": changed.text}
        parts |= {"sort": "" if changed.sort == "stake" else changed.sort, "after": after}
        return urlencode({key: value for key, value in parts.items() if value})

    @property
    def narrows(self) -> bool:
        """Whether anything but the order is chosen."""
        return bool(self.segment or self.owner or self.plan or self.country or self.text)


@dataclass(frozen=True)
class RiskRow:
    """One customer of the list."""

    risk: ChurnRisk
    reasons: list[Reason]
    percent: str


@dataclass(frozen=True)
class RiskPage:
    """Some rows, and where the next ones begin ("" at the end)."""

    rows: list[RiskRow]
    after: str


def filtered(user: User, chosen: RiskFilter) -> QuerySet[ChurnRisk]:
    """The risks that the user may see under a filter, unordered; who has left since is not among them."""
    rows = ChurnRisk.objects.visible_to(user).filter(account__churned_at__isnull=True)
    if chosen.owner:
        whose = {MINE: Q(account__owner_id=user.pk), NO_OWNER: Q(account__owner_id__isnull=True)}
        rows = rows.filter(whose[chosen.owner] if chosen.owner in whose else Q(account__owner_id=int(chosen.owner)))
    if chosen.segment:
        rows = rows.filter(account__segment__isnull=True) if chosen.segment == NO_SEGMENT else rows.filter(account__segment__key=chosen.segment)
    if chosen.plan:
        rows = rows.filter(account__plan=chosen.plan)
    if chosen.country:
        rows = rows.filter(account__country=chosen.country)
    return rows.filter(account__name_search__contains=search_key(chosen.text)) if chosen.text else rows


def page(user: User, chosen: RiskFilter, after: str = "") -> RiskPage:
    """The rows behind a key (from the start without one or with one that makes no sense): the value of the order and the account's id."""
    column = SORTS[chosen.sort]
    rows = filtered(user, chosen).select_related("account", "account__owner", "account__segment", "account__snapshot")
    key = _parse(after, column)
    if key is not None:
        value, account = key
        rows = rows.filter(**{f"{column}__lte": value}).filter(Q(**{f"{column}__lt": value}) | Q(account_id__gt=account))
    found = list(rows.order_by(f"-{column}", "account_id")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    after = f"{getattr(found[-1], column)!r}~{found[-1].account_id}" if more else ""
    return RiskPage([RiskRow(row, say_reasons(row.reasons), percent_of(row.probability)) for row in found], after)


def _parse(after: str, column: str) -> tuple[float | int, int] | None:
    value, found, account = after.partition("~")
    if not found or not account.isdecimal() or len(account) > 18:
        return None
    try:
        exact = float(value) if column == "probability" else int(value)
    except ValueError:
        return None
    return (exact, int(account)) if abs(exact) < 2**62 else None


def choices(user: User, column: str) -> list[str]:
    """The plans (`plan`) or countries (`country`) of the customers the user may see, in order; at most 100."""
    name = f"account__{column}"
    found = filtered(user, RiskFilter()).exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()
    return list(found[:CHOICES_AT_MOST])


def count(user: User, chosen: RiskFilter) -> int:
    """How many rows the filter keeps; stops at 1001."""
    return filtered(user, chosen).order_by()[: COUNT_LIMIT + 1].count()


@dataclass(frozen=True)
class ModelTold:
    """What the page tells of a model: how it was tested, in charts and words."""

    model: ChurnModel
    charts: dict[str, Chart]
    tells: bool
    # its probabilities were further off than always telling the usual share
    off: bool
    how: str
    sentence: str
    left_out: list[tuple[str, str]]


def told_of(model: ChurnModel) -> ModelTold:
    """The honest figures of a model."""
    tested = model.figures["validation"]
    charts = {
        "calibration": calibration_chart(tested["bins"]),
        "lift": lift_chart(tested["deciles"]),
        "importance": ranking(
            name="importance", title=_("What the model looks at"), unit="number", head=_("Feature"),
            steps=[Step(feature_name(each["feature"]), round(each["strength"], 3)) for each in model.figures["importance"][:IMPORTANT]],
            description=_("How far each feature moves the log-odds of leaving, on average over accounts."),
        ),
    }  # fmt: skip
    left_out = [(feature_name(name), str(LEFT_OUT.get(why, why))) for name, why in sorted(model.figures.get("left_out", {}).items())]
    return ModelTold(
        model=model,
        charts=charts,
        tells=tells(model),
        off=(tested["brier"] or 0) > (tested["brier_of_base_rate"] or 0),
        how=_how(tested),
        sentence=_sentence(model),
        left_out=left_out,
    )


def _how(tested: dict[str, Any]) -> str:
    if tested["how"] == "later_dates":
        return _("Learnt on the dates before %(day)s, tested on those from then on: %(rows)s rows of %(accounts)s accounts, of which %(churned)s left.") % {
            "day": wording.day(dt.date.fromisoformat(tested["tested_from"])), "rows": wording.number(tested["rows"]), "accounts": wording.number(tested["accounts"]),
            "churned": wording.number(tested["churned_accounts"]),
        }  # fmt: skip
    return _("Tested in five folds of accounts, each judged by a model that had not seen it: %(rows)s rows of %(accounts)s accounts, of which %(churned)s left.") % {
        "rows": wording.number(tested["rows"]), "accounts": wording.number(tested["accounts"]), "churned": wording.number(tested["churned_accounts"]),
    }  # fmt: skip


def _sentence(model: ChurnModel) -> str:
    if model.auc is None:
        return _("Nobody left on the dates it was tested on: how well it tells is not known.")
    values = {"share": wording.percent(model.auc, 0), "days": model.horizon_days}
    told = ngettext(
        "Of a customer who left within %(days)s day and one who stayed the model gave the right one the higher risk in %(share)s of all pairs; a coin reaches 50 %%.",
        "Of a customer who left within %(days)s days and one who stayed the model gave the right one the higher risk in %(share)s of all pairs; a coin reaches 50 %%.",
        model.horizon_days,
    )
    return told % values


def risk_context(account_id: int) -> dict[str, Any]:
    """What the health panel of an account shows of its churn risk; empty where there is none."""
    risk = ChurnRisk.objects.filter(account_id=account_id).select_related("model").defer("model__fitted").first()
    if risk is None:
        return {}
    return {"risk": risk, "risk_percent": percent_of(risk.probability), "risk_reasons": say_reasons(risk.reasons), "risk_tells": tells(risk.model)}


def percent_of(probability: float) -> str:
    """A probability as it is shown: with a decimal below one tenth."""
    return wording.percent(probability, 1 if probability < 0.1 else 0)
