"""Writing playbooks: a new one, its draft, publishing, switching on and off. What is published is never changed, only followed by a new version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Max

from accounts.actions.work_items import StaleVersion
from accounts.models import Playbook, PlaybookVersion, User
from accounts.playbooks import PlaybookFaults, parse
from accounts.queries.playbook_circles import circles
from accounts.queries.playbook_matches import old_since
from accounts.queries.playbook_plans import known_here, plan_of

# what a draft holds, and a new version takes over from the one before
TERMS = ("trigger", "audience", "steps", "exits", "caps", "hold_out_percent", "includes_churned", "includes_excluded")


class NothingToPublish(ValueError):
    """There is no draft, or the playbook was never published."""


def create_playbook(*, key: str, name: str, description: str = "", actor: User, now: dt.datetime, copy: PlaybookVersion | None = None) -> PlaybookVersion:
    """A new playbook with its first draft, empty or a copy of another's version. Raises IntegrityError where the key is taken."""
    with transaction.atomic():
        row = Playbook.objects.create(key=key, name=name, description=description)
        terms: dict[str, Any] = {term: getattr(copy, term) for term in TERMS} if copy is not None else {"trigger": {"kind": "manual"}}
        draft = PlaybookVersion.objects.create(playbook=row, number=1, **terms)
        _note(row, actor, ADDITION, "created")
    return draft


def open_draft(*, playbook_id: int, actor: User, now: dt.datetime) -> PlaybookVersion:
    """The draft of a playbook; where there is none, a copy of the newest version with the next number."""
    with transaction.atomic():
        row = Playbook.objects.select_for_update(no_key=True).get(pk=playbook_id)
        draft = row.versions.filter(published_at__isnull=True).first()
        if draft is not None:
            return draft
        last = row.versions.order_by("-number").first()
        terms: dict[str, Any] = {term: getattr(last, term) for term in TERMS} if last is not None else {"trigger": {"kind": "manual"}}
        number = (row.versions.aggregate(most=Max("number"))["most"] or 0) + 1
        draft = PlaybookVersion.objects.create(playbook=row, number=number, **terms)
        _note(row, actor, ADDITION, f"draft {number}")
    return draft


def save_draft(*, draft_id: int, version: int, terms: Mapping[str, Any], name: str, description: str, actor: User, now: dt.datetime) -> PlaybookVersion:
    """Writes a draft down as it is, faults and all. Raises StaleVersion where somebody else saved it meanwhile, NothingToPublish where it is published."""
    with transaction.atomic():
        draft = PlaybookVersion.objects.select_for_update(no_key=True, of=("self",)).select_related("playbook").get(pk=draft_id)
        if draft.published_at is not None:
            raise NothingToPublish
        if draft.version != version:
            raise StaleVersion
        for term in TERMS:
            if term in terms:
                setattr(draft, term, terms[term])
        draft.version += 1
        draft.updated_at = now
        draft.save()
        row = draft.playbook
        if (row.name, row.description) != (name, description):
            row.name, row.description, row.updated_at = name, description, now
            row.save(update_fields=["name", "description", "updated_at"])
        _note(row, actor, CHANGE, f"draft {draft.number}")
    return draft


def discard_draft(*, playbook_id: int, actor: User, now: dt.datetime) -> bool:
    """Throws the draft away, and with it a playbook that was never published; whether the playbook is gone."""
    with transaction.atomic():
        row = Playbook.objects.select_for_update().get(pk=playbook_id)
        draft = row.versions.filter(published_at__isnull=True).first()
        if draft is None:
            raise NothingToPublish
        number = draft.number
        draft.delete()
        gone = not row.versions.exists() and not row.runs.exists()
        _note(row, actor, DELETION, f"draft {number}")
        if gone:
            row.delete()
    return gone


def publish_draft(*, playbook_id: int, version: int | None, actor: User | None, now: dt.datetime) -> PlaybookVersion:
    """Freezes the draft: from now on it starts runs; those that run keep theirs. Raises PlaybookFaults, StaleVersion, NothingToPublish."""
    with transaction.atomic():
        row = Playbook.objects.select_for_update(no_key=True).get(pk=playbook_id)
        draft = row.versions.select_for_update(no_key=True).filter(published_at__isnull=True).first()
        if draft is None:
            raise NothingToPublish
        if version is not None and draft.version != version:
            raise StaleVersion
        plan = parse(
            trigger=draft.trigger, steps=draft.steps, audience=draft.audience, exits=draft.exits, caps=draft.caps, hold_out_percent=draft.hold_out_percent, known=known_here()
        )
        if faults := circles(row, plan):
            raise PlaybookFaults(faults)
        draft.outline, draft.published_at, draft.published_by, draft.updated_at = plan.outline(), now, actor, now
        draft.save(update_fields=["outline", "published_at", "published_by", "updated_at"])
        row.trigger, row.steps, row.number, row.updated_at = draft.trigger, draft.steps, draft.number, now
        row.save(update_fields=["trigger", "steps", "number", "updated_at"])
        _note(row, actor, CHANGE, f"published {draft.number}")
    return draft


def activate(*, playbook_id: int, old_matches: bool, actor: User | None, now: dt.datetime) -> Playbook:
    """Switches a playbook on: for what happens from `now` on, or also for what it fits already. Raises NothingToPublish without a published version, PlaybookFaults for a circle.

    Old matches reach back 30 days: what is older is no occasion any more.
    """
    with transaction.atomic():
        row = Playbook.objects.select_for_update(no_key=True).get(pk=playbook_id)
        version = row.versions.filter(published_at__isnull=False).order_by("-number").first()
        if version is None:
            raise NothingToPublish
        if row.active:
            return row
        if faults := circles(row, plan_of(version)):
            raise PlaybookFaults(faults)
        row.active, row.activated_at, row.updated_at = True, now, now
        row.matches_since = old_since(now) if old_matches else now
        row.save(update_fields=["active", "activated_at", "matches_since", "updated_at"])
        _note(row, actor, CHANGE, "on, old matches too" if old_matches else "on")
    return row


def pause(*, playbook_id: int, actor: User | None, now: dt.datetime) -> Playbook:
    """Switches a playbook off: nothing new starts, what runs goes on, open work stays."""
    with transaction.atomic():
        row = Playbook.objects.select_for_update(no_key=True).get(pk=playbook_id)
        if row.active:
            row.active, row.updated_at = False, now
            row.save(update_fields=["active", "updated_at"])
            _note(row, actor, CHANGE, "off")
    return row


def _note(row: Playbook, actor: User | None, flag: int, what: str) -> None:
    """Who changed which playbook, in the log that every setting has."""
    if actor is not None:
        LogEntry.objects.create(
            user_id=actor.pk, content_type=ContentType.objects.get_for_model(Playbook), object_id=str(row.pk), object_repr=row.name[:200], action_flag=flag, change_message=what
        )  # fmt: skip
