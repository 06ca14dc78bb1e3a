"""Values that a filter may have where they are a closed set: an unknown one is refused, never counted as nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from accounts.models import Account, LifecycleStage, Segment, Subscription, User
from metrics.kpis.entry import Kpi
from metrics.kpis.question import WrongQuestion
from surveys.models import Survey
from surveys.models.surveys import SurveyKind
from tickets.models.tickets import Channel, Severity

# what is named in a refusal, at most
NAMED = 20


def _known(kpi: Kpi, dimension: str) -> Iterable[str] | None:
    """All values of a dimension; None where anybody may write what he likes."""
    sets: dict[str, Callable[[], Iterable[str]]] = {
        "segment": lambda: Segment.objects.values_list("key", flat=True),
        "lifecycle_stage": lambda: LifecycleStage.objects.values_list("key", flat=True),
        "business_model": lambda: Account.BusinessModel.values,
        "owner": lambda: User.objects.values_list("email", flat=True),
        "survey": lambda: Survey.objects.values_list("key", flat=True),
        "channel": lambda: Channel.values,
        "severity": lambda: [str(value) for value in Severity.values],
        # of a subscription, or of a survey
        "kind": lambda: Subscription.Kind.values if "product" in kpi.dimensions else SurveyKind.values,
    }
    return sets[dimension]() if dimension in sets else None


def check_values(kpi: Kpi, dimension: str, wanted: Iterable[str]) -> None:
    """Raises WrongQuestion for a value that is not among those there are. Empty stands for: without one."""
    asked = [value for value in wanted if value]
    known = _known(kpi, dimension) if asked else None
    if known is None:
        return
    there = list(known)
    for value in asked:
        if value not in there:
            # whose accounts there are is told to nobody who guesses
            named = "" if dimension == "owner" else _("; there are %(values)s") % {"values": ", ".join(there[:NAMED]) or _("none")}
            raise WrongQuestion(_("“%(value)s” is no %(dimension)s") % {"value": value, "dimension": dimension} + named + ".", f"filter.{dimension}")
