"""The lines of the worklist in words: every cell is made here once, so that the template only places it.

Fifty lines are drawn at every visit. Dates, money and relative words are remembered by value.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any

from babel.dates import format_date
from django.conf import settings
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import sentences, wording
from accounts.actions.touches import Channel
from accounts.models import WorkItem
from accounts.queries.work import Beside, SegmentCount, WorkPage, WorkRow, why_of
from accounts.queries.work_filter import Days, WorkFilter

TYPE_ICONS = {
    "risk": "trending-down", "lifecycle": "gauge", "expansion": "arrow-up-right", "objective": "target",
    "activity": "phone", "close_loop": "message-circle", "renewal": "calendar-clock",
}  # fmt: skip
_TONES = {"healthy": "good", "watch": "watch", "at_risk": "risk"}


@functools.lru_cache(maxsize=8)
def _money_shape(currency: str, locale: str) -> tuple[str, str, str]:
    """What stands before, between and after the digits of whole money."""
    text = wording.money(1_234_567_000_000, currency)
    digits = [place for place, sign in enumerate(text) if sign.isdigit()]
    return text[: digits[0]], text[digits[0] + 1 : digits[1]], text[digits[-1] + 1 :]


def money(micros: int) -> str:
    """Millionths of the reporting currency as money; whole units from 100 on."""
    currency = settings.REPORTING_CURRENCY
    if micros < 100_000_000:
        return wording.money(micros, currency)
    before, between, after = _money_shape(currency, wording.locale())
    return f"{before}{(micros + 500_000) // 1_000_000:,}{after}".replace(",", between)


@functools.lru_cache(maxsize=2048)
def _short_day(day: dt.date, locale: str, year: bool) -> str:
    return format_date(day, "EEE d MMM y" if year else "EEE d MMM", locale=locale)


@functools.lru_cache(maxsize=2048)
def _month_day(day: dt.date, locale: str, year: bool) -> str:
    return format_date(day, "d MMM y" if year else "d MMM", locale=locale)


@functools.lru_cache(maxsize=2048)
def _long_day(day: dt.date, locale: str) -> str:
    return format_date(day, "EEEE d MMMM y", locale=locale)


@dataclass(frozen=True)
class Words:
    """What all lines share: the reader's day, zone and language, and words looked up once."""

    today: dt.date
    zone: dt.tzinfo
    locale: str
    user_id: int
    segments: dict[int, SafeString]
    bands: dict[str, str]
    types: dict[str, str]
    channels: dict[str, str]
    account_url: str

    def day(self, day: dt.date) -> str:
        """Tue 17 Nov; with the year where it is another one."""
        return _short_day(day, self.locale, day.year != self.today.year)

    def ago(self, day: dt.date) -> str:
        """Whole days back: Today, Yesterday, 13 days ago."""
        days = (self.today - day).days
        if days <= 0:
            return _("Today")
        return _("Yesterday") if days == 1 else ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days}


def words_for(*, days: Days, zone: dt.tzinfo, user_id: int, segments: list[SegmentCount]) -> Words:
    """The words of one request."""
    tags = {
        entry.id: mark_safe(f'<span class="seg{" vip" if entry.key == "vip" else ""}">{escape(wording.segment_name(entry))}</span> ')  # noqa: S308 - the name is escaped
        for entry in segments
        if entry.id is not None
    }
    return Words(
        today=days.today, zone=zone, locale=wording.locale(), user_id=user_id, segments=tags,
        bands={band: wording.band_name(band) for band in _TONES},
        types={str(value): str(label) for value, label in WorkItem.Type.choices},
        channels={str(value): str(label) for value, label in Channel.choices},
        account_url=reverse("accounts:account", args=[0]),
    )  # fmt: skip


def _delta(now: int | None, before: int | None) -> SafeString:
    if now is None or before is None:
        return SafeString("")
    change = (now + 50) // 100 - (before + 50) // 100
    return _delta_mark(change, wording.locale())


@functools.lru_cache(maxsize=512)
def _delta_mark(change: int, locale: str) -> SafeString:
    if change == 0:
        text = f'<span class="delta"><span class="sr">{escape(_("unchanged"))}</span><span aria-hidden="true">±0</span></span>'
    else:
        said, arrow, tone = (_("up by"), "up", "good") if change > 0 else (_("down by"), "down", "bad")
        sign = f'<svg width="12" height="12" aria-hidden="true"><use href="#i-arrow-{arrow}"/></svg>'
        text = f'<span class="delta {tone}">{sign}<span class="sr">{escape(said)} </span>{abs(change)}</span>'
    return mark_safe(text)  # noqa: S308 - numbers and escaped words


def _touch(row: WorkRow, beside: Beside, words: Words) -> tuple[SafeString, str]:
    moment = beside.touched_at or row.last_touch_at
    if moment is None:
        return escape(_("Never")), ""
    local = moment.astimezone(words.zone)
    day = local.date()
    text = f'<time datetime="{local.isoformat()}" title="{_long_day(day, words.locale)} {local:%H:%M}">{escape(words.ago(day))}</time>'
    detail = ""
    if beside.touched_at is not None:
        channel = words.channels.get(beside.channel or "", "")
        detail = _("%(channel)s, %(minutes)s min") % {"channel": channel, "minutes": beside.minutes} if beside.minutes else channel
    return mark_safe(text), detail  # noqa: S308 - a time and escaped words


def _due(day: dt.date, words: Words) -> tuple[str, bool]:
    late = (words.today - day).days
    if late > 0:
        text = ngettext("due %(day)s, %(count)s day late", "due %(day)s, %(count)s days late", late)
        return text % {"day": words.day(day), "count": late}, True
    return (_("today") if late == 0 else _("tomorrow") if late == -1 else words.day(day)), False


def _next(row: WorkRow, beside: Beside, words: Words, *, risk: bool) -> tuple[str, str, bool]:
    """The next step, when it is due, and whether that is late."""
    if risk:
        if beside.item_id is None:
            return _("No work is open"), "", False
        return beside.item_title or _("Open work"), *_due(beside.item_due_at.astimezone(words.zone).date(), words)  # type: ignore[union-attr]
    title = row.title or words.types.get(row.type, row.type)
    if row.snoozed_until is not None:
        text = _("sleeps until %(day)s") % {"day": words.day(row.snoozed_until.astimezone(words.zone).date())}
        return title, f"{text}: {row.snooze_reason}" if row.snooze_reason else text, False
    if row.closed_at is not None:
        text = (_("dropped %(day)s") if row.status == "dropped" else _("done %(day)s")) % {"day": words.day(row.closed_at.astimezone(words.zone).date())}
        return title, f"{text}: {row.outcome}" if row.outcome else text, False
    return title, *_due(row.due_at.astimezone(words.zone).date(), words)  # type: ignore[union-attr]


def line(row: WorkRow, beside: Beside, words: Words, *, risk: bool) -> dict[str, Any]:
    """One line as the template places it; all text is escaped."""
    name = escape(row.name)
    plan = row.plan
    if beside.seats and beside.seats > 1:
        seats = ngettext("%(count)s seat", "%(count)s seats", int(beside.seats)) % {"count": int(beside.seats)}
        plan = f"{plan}, {seats}" if plan else seats
    tone = _TONES.get(row.band, "")
    touch, touch_detail = _touch(row, beside, words)
    step, due, late = _next(row, beside, words, risk=risk)
    owner = beside.owner_name if (row.account_owner_id if risk else row.owner_id) != words.user_id else ""
    renews = row.renews_on if row.renews_on is not None and row.renews_on >= words.today else None
    book = ""
    if beside.playbook:
        book = f"{beside.playbook}, " + _("%(step)s of %(steps)s") % {"step": min((beside.position or 0) + 1, beside.steps or 1), "steps": beside.steps or 1}
    return {
        "id": row.item_id or f"a{row.account_id}",
        "item": row.item_id or "",
        "version": row.version,
        "account": row.account_id,
        "url": words.account_url.replace("/0/", f"/{row.account_id}/"),
        "name": name,
        "segment": words.segments.get(row.segment_id, "") if row.segment_id else "",
        "plan": escape(plan),
        "why": escape(sentences.say(why_of(row)) or _("Nothing stands out.")),
        "type": words.types.get(row.type, ""),
        "type_icon": TYPE_ICONS.get(row.type, ""),
        "book": escape(book),
        "stake": money(row.stake_micros),
        "micros": row.stake_micros,
        "stake_note": _("renews %(day)s") % {"day": _month_day(renews, words.locale, (renews - words.today).days > 330)} if renews else _("yearly value"),
        "points": (row.health + 50) // 100 if row.health is not None else wording.DASH,
        "delta": _delta(row.health, row.health_before),
        "tone": tone,
        "band": words.bands.get(row.band, _("No score yet")),
        "touch": touch,
        "touch_detail": touch_detail,
        "next": escape(step),
        "due": escape(due),
        "late": late,
        "owner": escape(owner or ""),
        "other": beside.item_id or "",
    }


def lines(page: WorkPage, words: Words, *, risk: bool) -> list[dict[str, Any]]:
    """All lines of a page."""
    return [line(row, beside, words, risk=risk) for row, beside in zip(page.rows, page.beside, strict=True)]


def group_names() -> tuple[str, ...]:
    """The groups of urgency in order."""
    return _("Overdue"), _("Today"), _("Next 7 days"), _("Later")


def groups(page: WorkPage, made: list[dict[str, Any]], asked: WorkFilter) -> list[dict[str, Any]]:
    """The lines under their headings; one group without heading where the order is another."""
    if asked.view == "risk" or asked.sort == "value" or asked.scope in {"snoozed", "done"}:
        return [{"key": "all", "name": "", "lines": made}] if made else []
    names, found = group_names(), {}
    for row, shown in zip(page.rows, made, strict=True):
        found.setdefault(row.grp, []).append(shown)
    return [{"key": number, "name": names[number], "late": number == 0, "lines": part, **group_sum(page, asked, number)} for number, part in found.items()]


def group_sum(page: WorkPage, asked: WorkFilter, number: int) -> dict[str, str]:
    """A group's count and worth in words."""
    count, stake = page.group_total(number, asked.segment)
    return {"count": wording.capped(count), "stake": money(stake) + ("+" if count > 1000 else "")}
