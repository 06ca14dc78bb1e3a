"""Playbooks as pages show them: figures of each, its runs by pages, the log of one run, what runs at an account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Q

from accounts.collation import search_key
from accounts.models import Account, Playbook, PlaybookPass, PlaybookRun, PlaybookStepLog, PlaybookVersion, User
from accounts.roles import SEES_EVERYTHING

# how far back the figures of the list look, and how many runs of a playbook they read at most
FIGURE_DAYS = 365
MOST = 10_000
PAGE = 50
PANEL = 8


@dataclass
class Figures:
    """What a playbook did in the last year within a reader's scope; `capped` where only the newest runs were read."""

    running: int = 0
    done: int = 0
    stopped: int = 0
    held_out: int = 0
    passed: int = 0
    last_at: dt.datetime | None = None

    @property
    def capped(self) -> bool:
        """Whether there were more runs than are read."""
        return self.running + self.done + self.stopped + self.held_out >= MOST

    @property
    def started(self) -> int:
        """Runs that did something."""
        return self.running + self.done + self.stopped


@dataclass
class Entry:
    """A playbook in the list: the version that is published, its draft, its figures."""

    row: Playbook
    published: PlaybookVersion | None = None
    draft: PlaybookVersion | None = None
    figures: Figures = field(default_factory=Figures)

    @property
    def shown(self) -> PlaybookVersion | None:
        """The version that says what it does."""
        return self.published or self.draft

    @property
    def state(self) -> str:
        """active, paused (was active once), ready (published, never active), draft or advice (steps to read that nothing runs)."""
        if self.row.active:
            return "active"
        if self.published is None:
            return "draft" if self.draft is not None else "advice"
        return "paused" if self.row.activated_at else "ready"


def scope_of(user: User) -> list[int] | None:
    """The accounts a reader sees; None for all."""
    return None if user.role in SEES_EVERYTHING else list(Account.objects.visible_to(user).values_list("pk", flat=True))


# the newest runs of each playbook by its index, so that the cost is bounded however long the history is
_FIGURES = """
SELECT p.id, r.status, count(*), max(r.started_at)
FROM accounts_playbook p
CROSS JOIN LATERAL (
    SELECT status, started_at FROM accounts_playbookrun
    WHERE playbook_id = p.id AND started_at > %(since)s AND (%(whole)s OR account_id = ANY(%(scope)s))
    ORDER BY started_at DESC, id DESC LIMIT %(most)s) r
WHERE p.id = ANY(%(ids)s) GROUP BY p.id, r.status"""
_PASSED = """
SELECT p.id, q.passed
FROM accounts_playbook p
CROSS JOIN LATERAL (
    SELECT count(*) AS passed FROM (
        SELECT 1 FROM accounts_playbookpass WHERE playbook_id = p.id AND at > %(since)s AND (%(whole)s OR account_id = ANY(%(scope)s)) LIMIT %(most)s) few) q
WHERE p.id = ANY(%(ids)s)"""


def figures(user: User, ids: Sequence[int], *, now: dt.datetime) -> dict[int, Figures]:
    """The figures of playbooks by their ids; two statements."""
    scope = scope_of(user)
    values: dict[str, Any] = {"ids": list(ids), "since": now - dt.timedelta(days=FIGURE_DAYS), "whole": scope is None, "scope": scope or [], "most": MOST}
    found = {pk: Figures() for pk in ids}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, values)
        for pk, status, count, last_at in cursor.fetchall():
            mine = found[pk]
            setattr(mine, status, count)
            if status != PlaybookRun.Status.HELD_OUT and (mine.last_at is None or last_at > mine.last_at):
                mine.last_at = last_at
        cursor.execute(_PASSED, values)
        for pk, passed in cursor.fetchall():
            found[pk].passed = passed
    return found


def playbooks(user: User, *, now: dt.datetime) -> list[Entry]:
    """All playbooks, active ones first, then by name; four statements."""
    rows = list(Playbook.objects.visible_to(user).order_by("-active", "name", "pk"))
    told = figures(user, [row.pk for row in rows], now=now)
    entries = {row.pk: Entry(row, figures=told[row.pk]) for row in rows}
    for version in PlaybookVersion.objects.filter(playbook__in=rows).order_by("number"):
        if version.published_at is None:
            entries[version.playbook_id].draft = version
        else:
            entries[version.playbook_id].published = version
    return list(entries.values())


def entry_of(user: User, key: str, *, now: dt.datetime) -> Entry | None:
    """One playbook with its versions and figures; None where the reader has no such playbook."""
    row = Playbook.objects.visible_to(user).filter(key=key).first()
    if row is None:
        return None
    found = Entry(row, figures=figures(user, [row.pk], now=now)[row.pk])
    for version in row.versions.order_by("number"):
        if version.published_at is None:
            found.draft = version
        else:
            found.published = version
    return found


@dataclass(frozen=True)
class RunPage:
    """A page of runs, the latest first; `after` leads to the next page, empty on the last."""

    rows: list[PlaybookRun]
    after: str


def runs(user: User, playbook: Playbook, *, status: str = "", after: str = "") -> RunPage:
    """Runs of a playbook at accounts the reader sees, newest first, by pages."""
    found = PlaybookRun.objects.visible_to(user).filter(playbook=playbook)
    if status in PlaybookRun.Status.values:
        found = found.filter(status=status)
    mark = _mark(after)
    if mark is not None:
        found = found.filter(Q(started_at__lt=mark[0]) | Q(started_at=mark[0], pk__lt=mark[1]))
    rows = list(found.select_related("account", "version", "started_by", "event").order_by("-started_at", "-pk")[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return RunPage(rows[:PAGE], f"{last.started_at.isoformat()}~{last.pk}" if last is not None else "")


def passes(user: User, playbook: Playbook) -> list[PlaybookPass]:
    """The latest occasions that were looked at and started nothing, with the reason."""
    found = PlaybookPass.objects.visible_to(user).filter(playbook=playbook).select_related("account", "event")
    return list(found.order_by("-at", "-pk")[:PAGE])


def _mark(after: str) -> tuple[dt.datetime, int] | None:
    at, _sign, pk = after.partition("~")
    try:
        moment = dt.datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        return None
    return (moment, int(pk)) if moment.tzinfo and pk.isdecimal() and len(pk) < 19 else None


def log_of(run: PlaybookRun) -> dict[str, PlaybookStepLog]:
    """The rows of a run's log by step."""
    return {row.step: row for row in run.log.select_related("actor")}


def at_account(user: User, account: Account) -> list[PlaybookRun]:
    """What runs at an account and what ran last, held-out ones left out."""
    found = PlaybookRun.objects.visible_to(user).filter(account=account).exclude(status=PlaybookRun.Status.HELD_OUT)
    return sorted(
        found.select_related("playbook", "version").prefetch_related("log").order_by("-started_at", "-pk")[:PANEL],
        key=lambda run: run.status != PlaybookRun.Status.RUNNING,
    )


def by_hand(user: User) -> list[Playbook]:
    """Playbooks that somebody may start by hand: those that are switched on."""
    return list(Playbook.objects.visible_to(user).filter(active=True).order_by("name"))


def accounts_named(user: User, text: str, most: int = 20) -> list[Account]:
    """Accounts the reader sees whose name holds every word of the text; by name."""
    found = Account.objects.visible_to(user)
    for word in search_key(text).split()[:4]:
        found = found.filter(name_search__contains=word)
    return list(found.order_by("name_sort", "pk")[:most])
