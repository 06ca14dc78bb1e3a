"""The lines of the worklist in words: every cell is made here once, so that the template only places it.

Fifty lines are drawn at every visit. Dates, money and relative words are remembered by value.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import sentences, wording
from accounts.actions.touches import Channel
from accounts.models import WorkItem
from accounts.queries.effort import Effort
from accounts.queries.work import Beside, SegmentCount, WorkPage, WorkRow
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


@functools.lru_cache(maxsize=4096)
def _ago(days: int, locale: str) -> str:
    """Whole days back: Today, Yesterday, 13 days ago."""
    if days <= 0:
        return _("Today")
    return _("Yesterday") if days == 1 else ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days}


@functools.lru_cache(maxsize=4096)
def _due(day: dt.date, today: dt.date, locale: str) -> SafeString:
    """When work is due; what is late says so in words and colour."""
    late = (today - day).days
    text = _short_day(day, locale, day.year != today.year)
    if late > 0:
        words = ngettext("due %(day)s, %(count)s day late", "due %(day)s, %(count)s days late", late) % {"day": text, "count": late}
        return mark_safe(f'<span class="late">{escape(words)}</span>')  # noqa: S308 - escaped
    return escape(_("today") if late == 0 else _("tomorrow") if late == -1 else text)


@functools.lru_cache(maxsize=4096)
def _sentence(stored: str, locale: str) -> SafeString:
    """The sentence of a stored `why`, escaped; many rows share one."""
    return escape(sentences.say(json.loads(stored)) or _("Nothing stands out."))


@functools.lru_cache(maxsize=512)
def _delta_mark(change: int, locale: str) -> SafeString:
    """A change as arrow, number and a word for those who cannot see the arrow."""
    if change == 0:
        return mark_safe(f'<span class="delta"><span class="sr">{escape(_("unchanged"))}</span><span aria-hidden="true">±0</span></span>')  # noqa: S308 - escaped
    said, arrow, tone = (_("up by"), "up", "good") if change > 0 else (_("down by"), "down", "bad")
    return mark_safe(f'<span class="delta {tone}">{_sign(f"arrow-{arrow}")}<span class="sr">{escape(said)} </span>{abs(change)}</span>')  # noqa: S308 - escaped


def _sign(icon: str) -> str:
    return f'<svg width="12" height="12" aria-hidden="true"><use href="#i-{icon}"/></svg>'


@dataclass(frozen=True)
class Words:
    """What all lines share: the reader's day, zone and language, and words looked up once."""

    today: dt.date
    zone: dt.tzinfo
    locale: str
    user_id: int
    segments: dict[int, SafeString]
    types: dict[str, str]
    channels: dict[str, str]
    signs: dict[str, str]
    account_url: str
    sunk: dict[int, str]
    ranked: str
    no_revenue: str
    no_risk: str
    no_loss: str
    minutes: str
    renews: str
    yearly: str
    no_score: str

    def day(self, day: dt.date) -> str:
        """Tue 17 Nov; with the year where it is another one."""
        return _short_day(day, self.locale, day.year != self.today.year)


def words_for(*, days: Days, zone: dt.tzinfo, user_id: int, segments: list[SegmentCount], over: Mapping[int, Effort] | None = None) -> Words:
    """The words of one request."""
    tags = {
        entry.id: mark_safe(f'<span class="seg{" vip" if entry.key == "vip" else ""}">{escape(wording.segment_name(entry))}</span> ')  # noqa: S308 - the name is escaped
        for entry in segments
        if entry.id is not None
    }
    return Words(
        today=days.today, zone=zone, locale=wording.locale(), user_id=user_id, segments=tags,
        types={str(value): str(escape(label)) for value, label in WorkItem.Type.choices},
        channels={str(value): str(label) for value, label in Channel.choices},
        signs={tone: f'<svg aria-hidden="true"><use href="#s-{tone}"/></svg>{escape(wording.band_name(band))}' for band, tone in _TONES.items()},
        sunk={number: escape(_("Lower down: %(name)s is over its hours this month") % {"name": wording.segment_name(entry)}) for number, entry in (over or {}).items()},
        ranked=escape(_("An hour saves %(hour)s: %(yearly)s a year × %(risk)s risk × %(saves)s saved, in %(time)s")),
        no_revenue=escape(_("No revenue to save")), no_risk=escape(_("No risk known yet")), no_loss=escape(_("No loss expected")),
        minutes=_("%(channel)s, %(minutes)s min"), renews=escape(_("renews %(day)s")), yearly=escape(_("yearly value")), no_score=escape(_("No score yet")),
        account_url=reverse("accounts:account", args=[0]),
    )  # fmt: skip


def _touch(row: WorkRow, beside: Beside, words: Words) -> tuple[str, str]:
    """The last touch in relative words with the exact time on hover, and what it was."""
    moment = beside.touched_at or row.last_touch_at
    if moment is None:
        return escape(_("Never")), ""
    local = moment.astimezone(words.zone)
    day = local.date()
    exact = f"{_long_day(day, words.locale)} {local.hour:02}:{local.minute:02}"
    text = f'<time datetime="{local.isoformat()}" title="{exact}">{escape(_ago((words.today - day).days, words.locale))}</time>'
    if beside.touched_at is None:
        return text, ""
    channel = words.channels.get(beside.channel or "", "")
    return text, escape(words.minutes % {"channel": channel, "minutes": beside.minutes}) if beside.minutes else escape(channel)


def _next(row: WorkRow, beside: Beside, words: Words, *, risk: bool) -> tuple[str, str]:
    """The next step, and when it is due (or until when it sleeps, or what came of it)."""
    if risk:
        if beside.item_id is None or beside.item_due_at is None:
            return escape(_("No work is open")), ""
        return escape(beside.item_title or _("Open work")), _due(beside.item_due_at.astimezone(words.zone).date(), words.today, words.locale)
    title = escape(row.title or words.types.get(row.type, row.type))
    if row.snoozed_until is not None:
        text = _("sleeps until %(day)s") % {"day": words.day(row.snoozed_until.astimezone(words.zone).date())}
        return title, escape(f"{text}: {row.snooze_reason}" if row.snooze_reason else text)
    if row.closed_at is not None:
        text = (_("dropped %(day)s") if row.status == "dropped" else _("done %(day)s")) % {"day": words.day(row.closed_at.astimezone(words.zone).date())}
        return title, escape(f"{text}: {wording.outcome(row.outcome)}" if row.outcome else text)
    return title, _due(row.due_at.astimezone(words.zone).date(), words.today, words.locale) if row.due_at else ""


def _plan(row: WorkRow, beside: Beside) -> str:
    if not beside.seats or beside.seats <= 1:
        return escape(row.plan)
    seats = ngettext("%(count)s seat", "%(count)s seats", int(beside.seats)) % {"count": int(beside.seats)}
    return escape(f"{row.plan}, {seats}" if row.plan else seats)


def _kind(row: WorkRow, beside: Beside, words: Words) -> str:
    """The type with its icon, and the playbook it is a step of."""
    if not row.type:
        return ""
    book = ""
    if beside.playbook:
        place = _("%(step)s of %(steps)s") % {"step": min((beside.position or 0) + 1, beside.steps or 1), "steps": beside.steps or 1}
        book = f'<span class="book">{_sign("book-open-check")}{escape(beside.playbook)}, {escape(place)}</span>'
    return f"<small>{_sign(TYPE_ICONS[row.type])}{words.types[row.type]}{book}</small>"


@functools.lru_cache(maxsize=4096)
def _share(hundredths: int, locale: str) -> str:
    """Hundredths of a percent of one as a percentage."""
    return wording.percent(hundredths / 10_000)


@functools.lru_cache(maxsize=512)
def _time(minutes: int, locale: str) -> str:
    """90 as 1 h 30 min."""
    full, rest = divmod(minutes, 60)
    told = {"hours": full, "minutes": rest}
    return (_("%(hours)s h %(minutes)s min") if full and rest else _("%(hours)s h") if full else _("%(minutes)s min")) % told


def say_time(minutes: int) -> str:
    """90 as 1 h 30 min."""
    return _time(minutes, wording.locale())


def risk_of(row: WorkRow) -> Decimal | None:
    """The share of the yearly revenue that is thought to be lost: the churn risk, else how far health is from full."""
    if row.risk is not None:
        return row.risk
    return 1 - Decimal(row.health) / 10_000 if row.health is not None else None


def rank_words(row: WorkRow, words: Words) -> str:
    """Why the line stands where it does: what an hour is thought to save, and of what."""
    risk = risk_of(row)
    if row.rank_micros and risk is not None:
        text = words.ranked % {
            "hour": money(row.rank_micros), "yearly": money(12 * row.mrr_micros), "risk": _share(int(risk * 10_000), words.locale),
            "saves": _share(int((row.saves or 0) * 10_000), words.locale), "time": _time(row.minutes or 60, words.locale),
        }  # fmt: skip
    else:
        text = words.no_revenue if row.mrr_micros <= 0 else words.no_risk if risk is None else words.no_loss
    sunk = words.sunk.get(row.segment_id or 0, "") if row.sunk else ""
    return f'<small class="rank">{text}</small>' + (f'<small class="sunk">{_sign("arrow-down")}{sunk}</small>' if sunk else "")


def line(row: WorkRow, beside: Beside, words: Words, *, risk: bool) -> dict[str, Any]:
    """One line: what `_work_row.html` has a place for. All text is escaped."""
    tone = _TONES.get(row.band, "")
    touch, touch_detail = _touch(row, beside, words)
    step, due = _next(row, beside, words, risk=risk)
    owner = beside.owner_name if (row.account_owner_id if risk else row.owner_id) != words.user_id else ""
    renews = row.renews_on if row.renews_on is not None and row.renews_on >= words.today else None
    known = row.health is not None
    return {
        "id": row.item_id or f"a{row.account_id}",
        "item": row.item_id or beside.item_id or "",
        "version": row.version,
        "account": row.account_id,
        "url": words.account_url.replace("/0/", f"/{row.account_id}/"),
        "name": escape(row.name),
        "segment": words.segments.get(row.segment_id, "") if row.segment_id else "",
        "plan": _plan(row, beside),
        "why": _sentence(row.why, words.locale),
        "kind": _kind(row, beside, words) + ("" if risk or row.status != "open" else rank_words(row, words)),
        "stake": money(row.stake_micros),
        "micros": row.stake_micros,
        "stake_note": words.renews % {"day": _month_day(renews, words.locale, (renews - words.today).days > 330)} if renews else words.yearly,
        "points": (row.health + 50) // 100 if row.health is not None else wording.DASH,
        "delta": _delta_mark((row.health + 50) // 100 - (row.health_before + 50) // 100, words.locale) if row.health is not None and row.health_before is not None else "",
        "tone": tone,
        "band": words.signs[tone] if known and tone else words.no_score,
        "touch": touch,
        "touch_detail": touch_detail,
        "next": step,
        "due": f"{escape(owner)}, {due}" if owner and due else due or escape(owner or ""),
    }


def lines(page: WorkPage, words: Words, *, risk: bool, flags: dict[str, Any]) -> list[SafeString]:
    """All lines of a page as HTML.

    The template of a line is drawn once (twice where lines differ in what can be done), with places
    for the words; filling these costs a twentieth of drawing fifty lines.
    """
    shapes: dict[bool, str] = {}
    made = []
    flags = flags | {"item_url": reverse("accounts:work_item", args=[0]).replace("0", "%(item)s"), "touch_url": reverse("accounts:touch"), "new_url": reverse("accounts:work_new")}
    for row, beside in zip(page.rows, page.beside, strict=True):
        has_work = row.item_id is not None or beside.item_id is not None
        if has_work not in shapes:
            shapes[has_work] = render_to_string("accounts/_work_row.html", {**flags, "has_work": has_work})
        made.append(mark_safe(shapes[has_work] % line(row, beside, words, risk=risk)))  # noqa: S308 - every word of a line is escaped
    return made


def group_names() -> tuple[str, ...]:
    """The groups of urgency in order."""
    return _("Overdue"), _("Today"), _("Next 7 days"), _("Later")


def groups(page: WorkPage, made: list[SafeString], asked: WorkFilter) -> list[dict[str, Any]]:
    """The lines under their headings; one group without heading where the order is another."""
    if asked.view == "risk" or asked.sort in {"value", "hour"} or asked.scope in {"snoozed", "done"}:
        return [{"key": "all", "name": "", "lines": made}] if made else []
    names = group_names()
    found: dict[int, list[SafeString]] = {}
    for row, shown in zip(page.rows, made, strict=True):
        found.setdefault(row.grp, []).append(shown)
    return [{"key": number, "name": names[number], "late": number == 0, "lines": part, **group_sum(page, asked, number)} for number, part in found.items()]


def group_sum(page: WorkPage, asked: WorkFilter, number: int) -> dict[str, str]:
    """A group's count and worth in words."""
    count, stake = page.group_total(number, asked.segment)
    return {"count": wording.capped(count), "stake": money(stake) + ("+" if count > 1000 else "")}
