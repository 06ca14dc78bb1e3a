"""The map of the journey: stage by stage the moments at which we listen or act, and where nothing does.

A programme belongs to the stage that its event belongs to, a playbook to the stage of its trigger, or to
the stages that its audience names. What may happen at any time stands once, for every stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import LifecycleStage, Playbook, PlaybookVersion, User
from accounts.playbooks.telling import shown_name
from accounts.rules import RuleFault, parse
from accounts.stage_rules import stages_read
from accounts.wording import segment_name, stage_name
from metrics.lifecycle.page import columns
from surveys.models import Touchpoint
from surveys.programme_words import phrases
from surveys.wording import shipped_name

# the moments that belong to a shipped stage, in the order in which they usually come
MOMENTS: dict[str, tuple[str, ...]] = {
    "prospect": ("account.created",),
    "trial": ("trial.started", "trial.ended"),
    "onboarding": ("subscription.started", "purchase.completed", "onboarding.completed"),
    "adoption": ("usage.milestone",),
    "established": ("subscription.changed",),
    "renewal": ("subscription.renewal_due",),
    "cancelling": ("subscription.cancelled",),
    "churned": ("subscription.ended", "account.churned", "account.reactivated"),
}
# dates that a playbook counts from, and the stage they belong to
DATES = {"signed_up_at": "onboarding", "trial_started_at": "trial", "trial_ended_at": "trial", "renews_on": "renewal", "churned_at": "churned"}
STAGE_OF = {moment: stage for stage, moments in MOMENTS.items() for moment in moments}
ANYWHERE = ""


@dataclass(frozen=True)
class Listener:
    """A programme at its moment."""

    row: Touchpoint

    @property
    def works(self) -> bool:
        """Whether it asks at present."""
        return self.row.is_active

    @property
    def name(self) -> str:
        """What the reader calls it."""
        return shipped_name(self.row)


@dataclass(frozen=True)
class Act:
    """A playbook at its moment, with the kinds of its steps counted."""

    row: Playbook
    mails: int
    surveys: int
    work: int
    others: int

    @property
    def works(self) -> bool:
        """Whether it starts at present."""
        return bool(self.row.active)

    @property
    def name(self) -> str:
        """What the reader calls it."""
        return shown_name(self.row)


@dataclass
class Moment:
    """One touchpoint of the journey in words, and what happens there."""

    word: str
    listeners: list[Listener] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)

    @property
    def is_gap(self) -> bool:
        """Nobody listens and nothing acts."""
        return not (any(one.works for one in self.listeners) or any(act.works for act in self.acts))


@dataclass
class MapRow:
    """A stage (None: at any time) with its moments."""

    stage: LifecycleStage | None
    moments: dict[str, Moment]
    accounts: int = 0

    @property
    def listens(self) -> bool:
        """Whether any programme, or the survey of a playbook, asks here."""
        return any(one.works for moment in self.moments.values() for one in moment.listeners) or any(
            act.works and act.surveys for moment in self.moments.values() for act in moment.acts
        )

    @property
    def acts(self) -> bool:
        """Whether any playbook acts here."""
        return any(act.works for moment in self.moments.values() for act in moment.acts)

    @property
    def gaps(self) -> int:
        """Moments at which nothing happens."""
        return sum(moment.is_gap for moment in self.moments.values())


def journey(user: User, *, now: Any) -> list[MapRow]:
    """The whole map for whoever reads programmes. A fixed number of statements."""
    counts = {column.stage.key: column.accounts for column in columns(user, now=now)}
    said = phrases(get_language())
    stages = list(LifecycleStage.objects.all())
    rows = {
        stage.key: MapRow(stage, {kind: Moment(_upper(said.at_once[kind])) for kind in MOMENTS.get(stage.key, ())}, counts.get(stage.key, 0)) for stage in stages
    } | {ANYWHERE: MapRow(None, {})}  # fmt: skip

    def moment(stage: str, key: str, word: str) -> Moment:
        row = rows.get(stage, rows[ANYWHERE])
        return row.moments.setdefault(key, Moment(_upper(word)))

    for touchpoint in Touchpoint.objects.visible_to(user).filter(ended_at__isnull=True).select_related("survey"):
        for stage in _stages_of_event(touchpoint.event_kind, touchpoint.conditions) or [ANYWHERE]:
            key = touchpoint.event_kind or f"every:{touchpoint.every_days}"
            word = _entered(stage, said.at_once) if touchpoint.event_kind == "stage.changed" else said.at_once.get(touchpoint.event_kind, "") or _rhythm(touchpoint)
            moment(stage, key, word).listeners.append(Listener(touchpoint))
    published = Prefetch("versions", queryset=PlaybookVersion.objects.filter(published_at__isnull=False).order_by("-number"), to_attr="published")
    for playbook in Playbook.objects.visible_to(user).prefetch_related(published):
        version: Any = next(iter(getattr(playbook, "published", [])), playbook)
        trigger = version.trigger or {}
        key, word = _trigger(trigger, said.at_once)
        act = _act(playbook, version.steps or [])
        for stage in _stages_of_trigger(trigger) or _stages_of_audience(getattr(version, "audience", None), rows) or [ANYWHERE]:
            moment(stage, key, word).acts.append(act)
    return list(rows.values())


def _upper(text: str) -> str:
    first = text[:1]
    return (("İ" if first == "i" and (get_language() or "").startswith("tr") else first.upper()) + text[1:]) if text else text


def _entered(stage: str, words: Mapping[str, str]) -> str:
    return _("an account enters this stage") if stage else words["stage.changed"]


def _rhythm(touchpoint: Touchpoint) -> str:
    return _("every %(days)s days") % {"days": touchpoint.every_days}


def _stages_of_event(kind: str, where: Any) -> list[str]:
    if kind == "stage.changed":
        value = (where or {}).get("stage") if isinstance(where, dict) else None
        return [str(entry) for entry in (value if isinstance(value, list) else [value]) if entry]
    return [STAGE_OF[kind]] if kind in STAGE_OF else []


def _stages_of_trigger(trigger: Mapping[str, Any]) -> list[str]:
    kind = trigger.get("kind") or ("event" if trigger.get("event") else "")
    if kind == "stage":
        return [str(trigger.get("stage", ""))]
    if kind == "event":
        return _stages_of_event(str(trigger.get("event", "")), trigger.get("where"))
    if kind == "date" and trigger.get("field") in DATES:
        return [DATES[trigger["field"]]]
    return []


def _stages_of_audience(audience: Any, rows: Mapping[str, MapRow]) -> list[str]:
    if not audience:
        return []
    try:
        return [key for key in stages_read(parse(audience)) if key in rows]
    except RuleFault:
        return []


def _trigger(trigger: Mapping[str, Any], words: Mapping[str, str]) -> tuple[str, str]:
    """What tells moments apart, and the moment in words."""
    kind = trigger.get("kind") or ("event" if trigger.get("event") else "manual")
    if kind == "event":
        event = str(trigger.get("event", ""))
        return event, _("an account enters this stage") if event == "stage.changed" and (trigger.get("where") or {}).get("stage") else words.get(event, event)
    if kind == "stage":
        days = trigger.get("idle_days") or 0
        return (f"idle:{days}", _("nothing happens for %(days)s days") % {"days": days}) if days else ("stage.changed", _("an account enters this stage"))
    if kind == "date":
        return _date_words(str(trigger.get("field", "")), int(trigger.get("days") or 0))
    if kind == "segment":
        way = _("an account enters the segment %(segment)s") if trigger.get("move") == "enter" else _("an account leaves the segment %(segment)s")
        return f"segment:{trigger.get('move')}:{trigger.get('segment')}", way % {"segment": segment_name(str(trigger.get("segment", "")))}
    if kind == "band":
        return "health.band_changed", words["health.band_changed"]
    if kind == "answer":
        return "survey.answered", words["survey.answered"]
    return "manual", _("somebody starts it")


def _date_words(name: str, days: int) -> tuple[str, str]:
    names = {
        "renews_on": _("the renewal"), "signed_up_at": _("the sign-up"), "trial_started_at": _("the start of the trial"), "trial_ended_at": _("the end of the trial"),
        "churned_at": _("the leaving"),
    }  # fmt: skip
    word = names.get(name, name.removeprefix("attributes."))
    if not days:
        return f"{name}:0", _("the day of %(date)s") % {"date": word}
    text = _("%(days)s days before %(date)s") if days < 0 else _("%(days)s days after %(date)s")
    return f"{name}:{days}", text % {"days": abs(days), "date": word}


def _act(playbook: Playbook, steps: Iterable[Any]) -> Act:
    kinds = Counter(str(step.get("kind", "work")) for step in steps if isinstance(step, dict))
    return Act(playbook, kinds["mail"], kinds["survey"], kinds["work"], kinds["field"] + kinds["tag"] + kinds["webhook"])


def summary(rows: Iterable[MapRow]) -> dict[str, list[str]]:
    """The stages in which nobody listens, and those in which nothing acts, by name."""
    stages = [row for row in rows if row.stage is not None]
    return {"deaf": [stage_name(row.stage) for row in stages if not row.listens], "idle": [stage_name(row.stage) for row in stages if not row.acts]}
