"""Whether a version would start itself over again, by itself or over other playbooks that are switched on."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import LifecycleStage, Playbook, PlaybookVersion, Segment
from accounts.playbooks import Plan, PlaybookFault, PlaybookFaults
from accounts.playbooks.circles import Actor, Ways, circle_of
from accounts.playbooks.plan import title_of
from accounts.playbooks.telling import shown_name
from accounts.queries.playbook_plans import plan_of
from accounts.rules import RuleFault, fields_of, parse


def circles(playbook: Playbook, plan: Plan) -> list[PlaybookFault]:
    """The fault at the step that closes a circle; none where there is no circle."""
    actor = Actor(playbook.key, shown_name(playbook), plan)
    way = circle_of(actor, _others(playbook), _ways())
    if not way:
        return []
    first, last = way[0], way[-1]
    if len(way) == 1:
        text = _("This change starts “%(name)s” anew: a playbook does not go in circles.") % {"name": actor.name}
    else:
        text = _("This change starts “%(others)s”, whose step “%(step)s” starts “%(name)s” again: playbooks do not go in circles.") % {
            "others": "” → “".join(hop.target.name for hop in way[:-1]), "step": _title(last.step), "name": actor.name,
        }  # fmt: skip
    return [PlaybookFault(f"steps.{first.place}", text)]


def _title(step: Any) -> str:
    return step.title or title_of(step) or step.key


def _others(playbook: Playbook) -> list[Actor]:
    """The other playbooks that are switched on, each by its newest published version; one that cannot be read starts nothing."""
    versions: dict[int, PlaybookVersion] = {}
    rows = PlaybookVersion.objects.filter(playbook__active=True, published_at__isnull=False).exclude(playbook=playbook).select_related("playbook")
    for version in rows.order_by("playbook_id", "number"):
        versions[version.playbook_id] = version
    found = []
    for version in versions.values():
        try:
            found.append(Actor(version.playbook.key, shown_name(version.playbook), plan_of(version)))
        except PlaybookFaults:
            continue
    return found


def _fields(*rules: Any) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for rule in rules:
        try:
            found |= fields_of(parse(rule)) if rule else frozenset()
        except RuleFault:
            continue
    return found


def _ways() -> Ways:
    return Ways(
        segments=[(row.key, _fields(row.rule)) for row in Segment.objects.order_by("position", "pk")],
        stages=[(row.key, _fields(row.start_rule)) for row in LifecycleStage.objects.order_by("position", "key")]
        # where an account goes once its stage has ended
        + [(row.next_stage_id, _fields(row.end_rule)) for row in LifecycleStage.objects.order_by("position", "key") if row.next_stage_id],
    )
