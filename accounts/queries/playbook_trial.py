"""A playbook tried on one account: what each step would do as things stand, or why it would be left out. Nothing is written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.actions.playbook_effects import contact_for, values_for, why_not_write
from accounts.models import Account, Contact, Playbook, PlaybookRun, PlaybookVersion, WorkItem
from accounts.placeholders import fill, one_line
from accounts.playbooks import END, Plan, Step, decide, is_held_out, words_for
from accounts.playbooks.telling import say_reason
from accounts.queries.playbook_candidates import zone
from accounts.queries.playbook_facts import RunFacts
from accounts.queries.playbook_plans import plan_of
from accounts.queries.rule_matches import Reason, explain
from accounts.rules import parse


@dataclass(frozen=True)
class Tried:
    """One step: done, skipped or not (never reached); on which day after the start, what it says, the letter it would write."""

    key: str
    outcome: str
    day: int | None = None
    says: str = ""
    letter: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Trial:
    """All steps by key, why the playbook would not start at all (empty: it would), and how the account stands to the audience."""

    steps: dict[str, Tried]
    refusals: list[str]
    audience: list[Reason]


def trial(playbook: Playbook, version: PlaybookVersion, account: Account, *, now: dt.datetime) -> Trial:
    """Walks the steps with the account as it is at `now`; waits are taken to run their full time, awaited events not to come. Raises PlaybookFaults."""
    plan = plan_of(version)
    run = PlaybookRun(playbook=playbook, version=version, account=account, started_at=now, status=PlaybookRun.Status.RUNNING)
    facts = RunFacts(account.pk, began_at=now, event_id=None, now=now)
    audience = explain(parse(plan.audience), account.pk, now=now, today=now.astimezone(zone()).date()) if plan.audience else []
    found: dict[str, Tried] = {}
    at, key = now, plan.first
    while key != END and (step := plan.step(key)) is not None:
        found[key], at, key = _one(step, run, facts, at=at, now=now)
    steps = {step.key: found.get(step.key, Tried(step.key, "not", says=_("not reached on this way"))) for step in plan.steps}
    return Trial(steps, _refusals(playbook, version, plan, account, facts, now), audience)


def _refusals(playbook: Playbook, version: PlaybookVersion, plan: Plan, account: Account, facts: RunFacts, now: dt.datetime) -> list[str]:
    """Why it would not start for the account, in the order in which the start asks."""
    runs = PlaybookRun.objects.filter(playbook=playbook, account=account)
    asked = (
        ("churned", account.churned_at is not None and account.churned_at <= now and not version.includes_churned),
        ("excluded", account.excluded and not version.includes_excluded),
        ("audience", plan.audience is not None and not facts.fits(plan.audience)),
        ("running", runs.filter(status=PlaybookRun.Status.RUNNING, version__isnull=False).count() >= plan.caps.at_once),
        ("cap", runs.filter(started_at__gt=now - dt.timedelta(days=plan.caps.days)).count() >= plan.caps.per_account),
        ("held_out", is_held_out(playbook.key, account.pk, plan.hold_out_percent)),
    )
    return [say_reason(reason) for reason, holds in asked if holds]


def _one(step: Step, run: PlaybookRun, facts: RunFacts, *, at: dt.datetime, now: dt.datetime) -> tuple[Tried, dt.datetime, str]:
    """What becomes of a step reached at `at`; when and where it goes on."""
    day = (at - now).days
    decision = decide(step, facts, since=at, now=at)
    if decision.what == "wait":
        # as if all of its time had passed and nothing had come
        until = facts.instant_of(step.body["until"]["field"], step.body["until"]["days"]) if "until" in step.body else None
        ends = max(at, until or at + dt.timedelta(days=step.body.get("longest_days") or step.body.get("days") or 0, hours=step.body.get("hours") or 0))
        later = decide(step, facts, since=at, now=ends)
        return Tried(step.key, "done", day, _("until day %(day)s") % {"day": (ends - now).days}), ends, later.going or step.following
    if decision.what == "skip":
        return Tried(step.key, "skipped", day, say_reason(decision.reason)), at, decision.going
    if decision.what == "go":
        return Tried(step.key, "done", day, say_reason(decision.reason)), at, decision.going
    return _effect(step, run, day=day, now=now), at, decision.going


def _effect(step: Step, run: PlaybookRun, *, day: int, now: dt.datetime) -> Tried:
    if step.kind == "work":
        return _work(step, run, day=day, now=now)
    if step.kind in {"mail", "survey"}:
        contact = contact_for(run, step.body["to"])
        refusal = why_not_write(contact, transactional=step.body.get("transactional", False))
        if refusal or contact is None:
            return Tried(step.key, "skipped", day, say_reason(refusal or "no_contact"))
        to = _("to %(person)s") % {"person": contact.name or contact.email}
        return Tried(step.key, "done", day, to, _letter(step, run, contact, now) if step.kind == "mail" else None)
    if step.kind == "field":
        field, value = step.body["field"], step.body["value"]
        stands = run.account.attributes.get(field.removeprefix("attributes."), "") if field.startswith("attributes.") else getattr(run.account, field, "")
        return Tried(step.key, "done", day, _("%(before)s becomes %(after)s") % {"before": stands or "–", "after": value or "–"})
    return Tried(step.key, "done", day)


def _work(step: Step, run: PlaybookRun, *, day: int, now: dt.datetime) -> Tried:
    body, owner = step.body, run.account.owner
    reason = body["reason"] or f"{run.playbook.key}:{step.key}"[:80]
    if WorkItem.objects.filter(account=run.account, type=body["type"], reason=reason, status__in=["open", "snoozed"]).exists():
        return Tried(step.key, "skipped", day, say_reason("open_already"))
    if body["assignee"] == "owner" and owner is None:
        return Tried(step.key, "done", day, _("the account has no owner: the work belongs to nobody"))
    language = owner.language if owner else "en"
    title = one_line(fill(words_for(body["title"], language), values_for(run, contact_for(run, "main"), language=language, now=now)))
    return Tried(step.key, "done", day, _("%(title)s, for %(person)s") % {"title": title, "person": owner if body["assignee"] == "owner" else body["assignee"]})


def _letter(step: Step, run: PlaybookRun, contact: Contact, now: dt.datetime) -> tuple[str, str, str]:
    """Language, subject and text as this person would get them."""
    language = contact.language or run.account.language or "en"
    values: dict[str, Any] = values_for(run, contact, language=language, now=now)
    return language, one_line(fill(words_for(step.body["subject"], language), values)), fill(words_for(step.body["body"], language), values)
