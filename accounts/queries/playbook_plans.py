"""Versions of playbooks as plans, and the keys that a playbook may name."""

from __future__ import annotations

from collections.abc import Collection

from accounts.models import LifecycleStage, PlaybookVersion, Segment, User
from accounts.playbooks import Known, Plan, PlaybookFault, check, parse
from accounts.queries.rule_matches import names_of_rows


def plan_of(version: PlaybookVersion) -> Plan:
    """What a version does. Raises PlaybookFaults for a draft that cannot run."""
    return parse(trigger=version.trigger, steps=version.steps, audience=version.audience, exits=version.exits, caps=version.caps, hold_out_percent=version.hold_out_percent)


def known_here(*, surveys: Collection[str] | None = None, touchpoints: Collection[str] | None = None) -> Known:
    """What there is to name: stages, segments, people who work here now; surveys and touchpoints where the caller knows them."""
    return Known(
        stages=list(LifecycleStage.objects.values_list("key", flat=True)),
        segments=list(Segment.objects.values_list("key", flat=True)),
        people=list(User.objects.filter(is_active=True).exclude(role="analyst").values_list("email", flat=True)),
        surveys=surveys,
        touchpoints=touchpoints,
        rule_rows={kind: list(names) for kind, names in names_of_rows().items()},
    )


def faults_of(version: PlaybookVersion, known: Known | None = None) -> list[PlaybookFault]:
    """What keeps a version from being published."""
    return check(
        trigger=version.trigger, steps=version.steps, audience=version.audience, exits=version.exits, caps=version.caps, hold_out_percent=version.hold_out_percent,
        known=known_here() if known is None else known,
    )  # fmt: skip
