"""Saving the templates of onboarding plans. Plans that run keep the steps they were made with."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from accounts.models import PlanTemplate
from accounts.plan_outline import read_outline


class StaleTemplate(ValueError):
    """Somebody else saved the template in the meantime."""


def save_template(*, template_id: int | None, version: int, name: str, description: str, language: str, milestones: Any, active: bool, now: dt.datetime) -> PlanTemplate:
    """A new template, or a changed one. Raises OutlineFault for milestones that cannot be read, StaleTemplate where `version` is not the row's."""
    outline = [milestone.as_json() for milestone in read_outline(milestones)]
    with transaction.atomic():
        if template_id is None:
            template = PlanTemplate(key=_free_key(name), created_at=now)
        else:
            template = PlanTemplate.objects.select_for_update(no_key=True).get(pk=template_id)
            if template.version != version:
                raise StaleTemplate
            template.version += 1
        template.name, template.description, template.language = name.strip(), description.strip(), language
        template.milestones, template.active, template.updated_at = outline, active, now
        template.full_clean()
        template.save()
    return template


def _free_key(name: str) -> str:
    base = slugify(name)[:50] or "plan"
    taken = set(PlanTemplate.objects.filter(key__startswith=base).values_list("key", flat=True))
    return next(key for number in range(1, len(taken) + 2) if (key := base if number == 1 else f"{base}-{number}") not in taken)
