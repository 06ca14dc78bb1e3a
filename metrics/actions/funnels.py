"""Writing funnels: made, changed as a whole, taken away."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.actions.work_items import StaleVersion
from accounts.collation import search_key
from accounts.models import User
from metrics.funnels.walks import Stage
from metrics.models import Funnel, FunnelStep
from metrics.models.funnels import FEWEST_STEPS, MOST_STEPS, check_condition, check_kind


def save_funnel(
    *, funnel: Funnel | None, name: str, window_days: int | None, stages: Sequence[Stage], actor: User | None, number: int | None = None
) -> Funnel:  # fmt: skip
    """Makes a funnel (None) or changes one, its steps with it, in one transaction.

    Raises ValidationError for too few or too many steps, an unknown kind or a condition that its event
    does not have; StaleVersion where `number` is no longer its version.
    """
    if not FEWEST_STEPS <= len(stages) <= MOST_STEPS:
        raise ValidationError(_("A funnel has %(least)s to %(most)s steps.") % {"least": FEWEST_STEPS, "most": MOST_STEPS})
    for stage in stages:
        check_kind(stage.kind)
        check_condition(stage.kind, stage.key, stage.value)
    with transaction.atomic():
        if funnel is None:
            funnel = Funnel(key=_free_key(name), created_by=actor)
        else:
            funnel = Funnel.objects.select_for_update(no_key=True).get(pk=funnel.pk)
            if number is not None and funnel.number != number:
                raise StaleVersion
            funnel.number += 1
        funnel.name, funnel.window_days = name, window_days
        funnel.save()
        funnel.steps.all().delete()
        FunnelStep.objects.bulk_create(
            FunnelStep(funnel=funnel, position=place, kind=stage.kind, payload_key=stage.key, payload_value=stage.value) for place, stage in enumerate(stages, start=1)
        )
    return funnel


def remove_funnel(*, funnel: Funnel) -> None:
    """Takes a funnel away, with its steps; events stay."""
    funnel.delete()


def _free_key(name: str) -> str:
    """A key of its own, made from the name."""
    base = slugify(search_key(name))[:50] or "funnel"
    taken = set(Funnel.objects.filter(key__startswith=base).values_list("key", flat=True))
    return next(key for key in [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))] if key not in taken)
