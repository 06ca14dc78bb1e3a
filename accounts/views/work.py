"""My work: the home page, and the load of a team."""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET
from redis.exceptions import RedisError

from accounts import wording
from accounts.forms.work import read_filter
from accounts.models import User, WorkItem
from accounts.models.snapshots import Band
from accounts.queries.clock import read_clock
from accounts.queries.effort import Effort, effort_by_segment, load_by_person, over_budget
from accounts.queries.work import WorkPage, counts_of, page
from accounts.queries.work_filter import SCOPES, Days, Reader, WorkFilter, days_of, owners_of, reader_of
from accounts.roles import SEES_EVERYTHING, WRITES_ACCOUNTS, Role
from accounts.views.work_rows import TYPE_ICONS, group_names, group_sum, groups, lines, money, words_for

SPRITE = ("check", "alarm-clock", "ellipsis", "rotate-ccw", "phone", "plus", "arrow-up", "arrow-down", "book-open-check", *(sorted({*TYPE_ICONS.values()} - {"phone"})))


def reader_days(now: dt.datetime) -> Days:
    """The edges of the reader's day (the zone is active by middleware) and of the organisation's month."""
    return days_of(now=now, zone=timezone.get_current_timezone(), organisation_zone=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))


@login_required
@require_GET
def work(request: HttpRequest) -> HttpResponse:
    """The worklist; asked for by a fragment's target it answers with the part inside the frame alone."""
    user: User = request.user  # type: ignore[assignment]
    now = read_clock()
    days = reader_days(now)
    asked = read_filter(request.GET, user)
    reader = reader_of(user, now=now)
    logged = spent(asked, reader, days, now)
    over = over_budget(logged)
    found = page(asked, reader, days, now=now, over=tuple(over))
    context = _context(request, asked, reader, days, found, logged, over)
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        response = render(request, "accounts/_work.html", context)
        if request.htmx.boosted or request.htmx.trigger == "work-filter":  # type: ignore[attr-defined]
            response["HX-Push-Url"] = request.path + asked.query(after=asked.after)
        return response
    return render(request, "accounts/work.html", context)


def _context(request: HttpRequest, asked: WorkFilter, reader: Reader, days: Days, found: WorkPage, logged: list[Effort], over: dict[int, Effort]) -> dict[str, Any]:
    risk = asked.view == "risk"
    words = words_for(days=days, zone=timezone.get_current_timezone(), user_id=reader.user_id, segments=found.segments, over=over)
    flags = {"writes": reader.role in WRITES_ACCOUNTS, "risk": risk, "closed": asked.scope == "done", "asleep": asked.scope == "snoozed"}
    made = lines(found, words, risk=risk, flags=flags)
    grouped = groups(found, made, asked)
    wide = asked.scope in {"team", "all"} or (asked.scope in {"snoozed", "done"} and reader.role != Role.CSM)
    return {
        **counts_context(asked, found, days, request.path),
        "asked": asked,
        "here": request.path + asked.query(after=asked.after),
        **flags,
        "groups": grouped,
        # the sums of groups that are not on this page have a place to go all the same
        "shown": [group["key"] for group in grouped],
        "next_url": request.path + asked.query(after=found.after) if found.after else "",
        "first_url": request.path + asked.query() if asked.after else "",
        "sparks_url": _sparks_url(found),
        "effort": _effort(logged),
        "types": WorkItem.Type.choices,
        "bands": [*Band.choices, ("any", _("Any score"))] if risk else Band.choices,
        "owners": list(_owners(reader)) if wide else [],
        "clear_url": request.path + WorkFilter(view=asked.view, scope=asked.scope, sort=asked.sort).query(),
        "load_url": reverse("accounts:work_load") if asked.scope in {"team", "all"} and not risk else "",
        "absences": _absences(reader, days, request.user.get_full_name()) if reader.absences else [],  # type: ignore[union-attr]
        # more than a page: what is picked by hand does not reach it
        "all_url": _all_url(asked) if flags["writes"] and not risk and asked.scope != "done" and found.after else "",
        "all_acts": [("done", _("Done")), ("snooze", _("Snooze")), ("assign", _("Assign")), ("due", _("Move date")), ("drop", _("Drop"))],
        "wide_places": reader.role not in {Role.AGENT, Role.ANALYST},
        "sprite": SPRITE,
        "end": "" if found.after or not found.rows else _end(asked, found, days),
    }


def counts_context(asked: WorkFilter, found: WorkPage, days: Days, path: str) -> dict[str, Any]:
    """The parts of the page that count: the sentence under the heading, the tabs, the segments, the groups' sums."""
    risk = asked.view == "risk"
    count, stake = found.total(asked.segment)
    everything, _stake = found.total()
    labels = {"mine": _("Mine"), "team": _("My team"), "all": _("Everybody"), "snoozed": _("Snoozed"), "done": _("Done this week")}
    scopes = [scope for scope in found.tabs if not (risk and scope in {"snoozed", "done"})]
    words = ngettext("%(count)s account", "%(count)s accounts", count) if risk else ngettext("%(count)s item", "%(count)s items", count)
    return {
        "today": days.today,
        "today_words": wording.exact(days.today),
        "count_words": words % {"count": wording.capped(count)},
        "stake_words": money(stake) + ("+" if count > 1000 else ""),
        "empty": count == 0,
        "views": [
            {"url": path + WorkFilter(scope=asked.scope).query(), "name": _("Work items"), "current": not risk},
            {"url": path + WorkFilter(view="risk", scope=asked.scope if asked.scope not in {"snoozed", "done"} else "").query(), "name": _("Accounts at risk"), "current": risk},
        ],
        "tabs": [
            {
                "url": path + WorkFilter(view=asked.view, scope=scope).query(),
                "name": labels[scope],
                "count": "" if risk else wording.capped(found.tabs[scope]),
                "current": scope == asked.scope,
            }
            for scope in scopes
        ],
        "segments": [
            {"url": path + asked.query(segment=""), "name": _("All"), "count": wording.capped(everything), "current": not asked.segment},
            *(
                {"url": path + asked.query(segment=entry.key), "name": wording.segment_name(entry), "count": wording.capped(entry.count), "current": entry.key == asked.segment}
                for entry in found.segments
                if entry.key
            ),
        ],
        "sums": [{"key": number, **group_sum(found, asked, number)} for number in range(len(group_names()))],
    }


def _all_url(asked: WorkFilter) -> str:
    """The address of changing a whole list; it always has a query, so that one more part can follow."""
    query = asked.query()
    return reverse("accounts:work_all") + (query if query != "?" else "?view=items")


def _absences(reader: Reader, days: Days, name: str) -> list[dict[str, Any]]:
    """Who is away and who covers, as far as it touches the reader."""
    zone = timezone.get_current_timezone()
    return [
        {"away": away, "by": by, "mine": reader.away and away == name, "last": wording.long_day((until - dt.timedelta(seconds=1)).astimezone(zone).date(), days.today)}
        for away, by, until in reader.absences
    ]


def asked_of(request: HttpRequest) -> QueryDict:
    """The query of the list the reader stands in: htmx says which, else the page the request came from."""
    place = request.htmx.current_url if request.htmx else request.META.get("HTTP_REFERER", "")  # type: ignore[attr-defined]
    return QueryDict(urlsplit(place or "").query)


def counts_for(request: HttpRequest, user: User, now: dt.datetime) -> dict[str, Any]:
    """The counting parts for the view the reader stands in (htmx says which), after something changed."""
    asked = read_filter(asked_of(request), user)
    days = reader_days(now)
    segments, tabs = counts_of(asked, reader_of(user, now=now), days)
    return counts_context(asked, WorkPage(segments=segments, tabs=tabs), days, reverse("accounts:work"))


def _sparks_url(found: WorkPage) -> str:
    accounts = sorted({row.account_id for row in found.rows if row.health is not None})
    if not accounts:
        return ""
    try:
        # the line of eighteen weeks is kept by metrics; the page asks for it by address
        return reverse("metrics:sparks") + "?" + "&".join(f"a={account}" for account in accounts)
    except NoReverseMatch:
        return ""


def spent(asked: WorkFilter, reader: Reader, days: Days, now: dt.datetime) -> list[Effort]:
    """The hours of the people whose work is listed, by segment, this month."""
    people = owners_of(asked.scope, reader) if asked.owner is None else (asked.owner,)
    if asked.scope == "mine":
        people = (reader.user_id,)
    if reader.books is not None and people is not None:
        people = tuple(person for person in people if person in reader.books)
    return effort_of(people, days, now)


def _effort(found: list[Effort]) -> dict[str, Any] | None:
    """Plan against logged time in words; None where nothing was logged or somebody reads who logs nothing."""
    total = sum(entry.minutes for entry in found)
    if not total:
        return None
    # the scale of all strips alike: half of the time, or all of it
    whole = 0.5 if all(float(entry.planned or 0) <= 0.5 and entry.minutes / total <= 0.5 for entry in found) else 1.0
    parts = []
    for entry in found:
        share, planned = entry.minutes / total, float(entry.planned or 0)
        off = round((share - planned) * total)
        width, mark = round(100 * min(share, planned) / whole, 1), round(100 * planned / whole, 1)
        name = wording.segment_name(entry)
        told = {"share": wording.percent(share), "planned": wording.percent(planned), "name": name}
        parts.append(
            {
                "name": name, "share": told["share"], "planned": _("of %(planned)s planned") % told,
                "label": _("%(name)s: %(share)s of the hours, %(planned)s planned") % told,
                "fill": f"{width}%", "mark": f"{mark}%", "over": f"{round(100 * max(0.0, share - planned) / whole, 1)}%", "start": f"{width}%",
                "words": _("on plan") if abs(share - planned) <= 0.02 else (_("%(time)s over plan") if off > 0 else _("%(time)s short of plan")) % {"time": hours(abs(off))},
                "marked": abs(share - planned) > 0.05,
            }
        )  # fmt: skip
    return {"total": hours(total), "parts": parts}


def effort_of(people: tuple[int, ...] | None, days: Days, now: dt.datetime) -> list[Effort]:
    """One person's minutes are read as they stand; those of many are remembered for two minutes."""
    if people is not None and len(people) == 1:
        return effort_by_segment(people=people, since=days.month_start, now=now)
    key = f"work-effort:{days.month_start:%Y%m%d}:" + ("all" if people is None else hashlib.sha256(repr(people).encode()).hexdigest()[:32])
    try:
        found = cache.get(key)
    except RedisError:
        found = None
    if found is None:
        found = effort_by_segment(people=people, since=days.month_start, now=now)
        try:
            cache.set(key, found, 120)
        except RedisError:
            return found
    return found


def hours(minutes: int) -> str:
    """190 as 3 h 10 min."""
    full, rest = divmod(minutes, 60)
    if not full:
        return _("%(minutes)s min") % {"minutes": rest}
    told = {"hours": wording.number(full), "minutes": rest}
    return _("%(hours)s h %(minutes)s min") % told if rest else _("%(hours)s h") % told


def _owners(reader: Reader) -> Any:
    people = User.objects.filter(is_active=True, role__in=WRITES_ACCOUNTS).order_by("name", "pk").values_list("pk", "name")
    return people[:500] if reader.books is None else people.filter(pk__in=reader.books)


def _end(asked: WorkFilter, found: WorkPage, days: Days) -> str:
    """What comes after the last line."""
    if asked.view == "risk":
        return _("No other account is at risk here.")
    if asked.scope in {"snoozed", "done"}:
        return _("That is all.")
    last = found.rows[-1].due_at
    beyond = last.astimezone(timezone.get_current_timezone()).date() if last is not None and asked.sort not in {"value", "hour"} else None
    return _("Nothing else until %(day)s") % {"day": wording.long_day(max(beyond, days.today) + dt.timedelta(days=1), days.today)} if beyond else _("That is all.")


@login_required
@require_GET
def work_load(request: HttpRequest) -> HttpResponse:
    """Who carries how much: open, late and sleeping work by person. For leads, admins and those who only look on."""
    user: User = request.user  # type: ignore[assignment]
    if user.role not in SEES_EVERYTHING and user.role != Role.MANAGER:
        raise Http404
    now = read_clock()
    reader = reader_of(user, now=now)
    scope = "team" if user.role == Role.MANAGER else "all"
    if scope not in SCOPES[user.role]:
        raise PermissionDenied
    people = load_by_person(people=reader.books, me=user.pk, days=reader_days(now))
    most = max((person.open for person in people), default=0) or 1
    rows = [
        {
            "name": person.name, "url": reverse("accounts:work") + WorkFilter(scope=scope, owner=person.owner_id).query(), "open": wording.capped(person.open),
            "overdue": person.overdue, "today": person.today, "stake": money(person.stake_micros), "snoozed": wording.capped(person.snoozed), "done": wording.capped(person.done),
            "width": f"{round(100 * person.open / most)}%", "late": f"{round(100 * person.overdue / most)}%",
        }
        for person in people
    ]  # fmt: skip
    template = "accounts/_work_load.html" if request.htmx else "accounts/work_load.html"  # type: ignore[attr-defined]
    return render(request, template, {"people": rows})
