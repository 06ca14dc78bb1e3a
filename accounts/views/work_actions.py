"""Acting on work items in place: one row or many, by dialog with script and by page without."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import zoneinfo
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from redis.exceptions import RedisError

from accounts import sentences, wording
from accounts.actions.work_batches import MOST, Changed, change_work_items, reopen_work_items, restore_work_items
from accounts.actions.work_dates import shift_run
from accounts.actions.work_support import hand_over
from accounts.forms.work import AssignForm, DoneForm, DropForm, DueForm, SnoozeForm, SupportForm
from accounts.models import User, WorkItem
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS
from accounts.views.work import counts_for
from accounts.views.work_rows import TYPE_ICONS, money

ACTIONS = ("done", "drop", "snooze", "assign", "due")
# of one item alone
SINGLE = (*ACTIONS, "support")
UNDO_SECONDS = 600
# what leaves the list it stands in; the others are drawn again, since they may move
LEAVING = frozenset({"done", "drop", "snooze", "support"})


def home(request: HttpRequest) -> str:
    """Where to go back to without script: the list as it was, if the request says so."""
    asked = request.POST.get("next") or request.GET.get("next") or request.META.get("HTTP_REFERER", "")
    place = urlsplit(asked)
    if url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()}) and place.path == reverse("accounts:work"):
        return place.path + (f"?{place.query}" if place.query else "")
    return reverse("accounts:work")


def keep_for_undo(user: User, record: list[dict[str, Any]]) -> str:
    """The address that takes a change back for ten minutes; empty where nothing can be kept."""
    token = secrets.token_urlsafe(12)
    try:
        cache.set(f"work-undo:{user.pk}:{token}", record, UNDO_SECONDS)
    except RedisError:
        return ""
    return reverse("accounts:work_undo", args=[token])


def answer(request: HttpRequest, *, text: str, undo: str = "", removed: list[int] | None = None) -> HttpResponse:
    """After a change: with script the rows' removal (or a sign to draw the list again), the counts and a toast; else back to the list."""
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, text)
        return HttpResponseRedirect(home(request) + (f"{'&' if '?' in home(request) else '?'}undo={undo.rstrip('/').rsplit('/', 1)[-1]}" if undo else ""))
    events: dict[str, Any] = {"toast": {"text": text, "undo": undo}, "close-dialog": True}
    response = HttpResponse()
    if removed:
        counts = counts_for(request, request.user, read_clock())  # type: ignore[arg-type]
        if not counts["empty"]:
            response = render(request, "accounts/_work_removed.html", {**counts, "removed": removed})
    if not response.content:
        events["work-changed"] = True
    response["HX-Trigger"] = json.dumps(events)
    return response


def _writer(request: HttpRequest) -> User:
    user: User = request.user  # type: ignore[assignment]
    if user.role not in WRITES_ACCOUNTS:
        raise PermissionDenied
    return user


def others_of_run(user: User, item: WorkItem) -> list[int]:
    """What else is open of the item's playbook run and may be moved by this person."""
    if item.playbook_run_id is None:
        return []
    return list(
        WorkItem.objects.changeable_by(user).filter(playbook_run=item.playbook_run_id, status__in=["open", "snoozed"]).exclude(pk=item.pk).values_list("pk", flat=True)[:100]
    )


def form_of(do: str, user: User, today: dt.date, data: QueryDict | None, first: WorkItem | None, others: list[int]) -> Form:
    """The form of an action; `first` is the item it is about, where it is about one."""
    if do == "done":
        return DoneForm(data)
    if do == "drop":
        return DropForm(data)
    if do == "support":
        return SupportForm(data)
    if do == "snooze":
        return SnoozeForm(data, today=today)
    if do == "assign":
        return AssignForm(data, user=user, initial={"owner": first.owner_id if first else None})
    playbook = first.playbook_run.playbook.name if first and first.playbook_run and others else ""
    return DueForm(data, initial={"date": timezone.localtime(first.due_at).date() if first else today}, others=len(others), playbook=playbook)


def _titles(do: str, count: int) -> tuple[str, str]:
    """The heading of the dialog and the word on its button."""
    buttons = {"done": _("Done"), "drop": _("Drop"), "snooze": _("Snooze"), "assign": _("Assign"), "due": _("Move"), "support": _("Hand over")}
    headings = {
        "done": ngettext("Done: what came of it?", "Done: %(count)s items", count), "drop": ngettext("Drop this work", "Drop %(count)s items", count),
        "snooze": ngettext("Snooze until", "Snooze %(count)s items until", count), "assign": ngettext("Assign to", "Assign %(count)s items to", count),
        "support": _("Hand over to support"),
        "due": ngettext("Move the date", "Move the date of %(count)s items", count),
    }  # fmt: skip
    return headings[do] % {"count": count}, buttons[do]


def _said(do: str, changed: Changed, name: str, values: dict[str, Any]) -> str:
    """What the toast says."""
    count = len(changed.before)
    until = wording.long_day(values["at"], timezone.localdate(read_clock())) if "at" in values else ""
    person = User.objects.get(pk=values["owner_id"]).name if "owner_id" in values else ""
    told = {"name": name, "count": count, "day": until, "person": person}
    one = {
        "done": _("Done: %(name)s"), "drop": _("Dropped: %(name)s"), "snooze": _("Snoozed %(name)s until %(day)s"),
        "assign": _("%(name)s: now with %(person)s"), "due": _("%(name)s: due %(day)s"), "support": _("%(name)s: with support; it comes back when their ticket is solved"),
    }  # fmt: skip
    many = {
        "done": _("Done: %(count)s items"), "drop": _("Dropped: %(count)s items"), "snooze": _("Snoozed %(count)s items until %(day)s"),
        "assign": _("%(count)s items: now with %(person)s"), "due": _("%(count)s items: due %(day)s"),
    }  # fmt: skip
    text = (one if name else many)[do] % told
    if name and count > 1:
        text += ". " + ngettext("%(count)s other step moved along.", "%(count)s other steps moved along.", count - 1) % {"count": count - 1}
    if changed.stale:
        left = len(changed.stale)
        text += ". " + ngettext("%(count)s was changed by somebody else and left as it is.", "%(count)s were changed by somebody else and left as they are.", left) % {
            "count": left
        }
    return text


def _act(request: HttpRequest, user: User, *, do: str, address: str, items: list[WorkItem], versions: dict[int, int]) -> HttpResponse:
    """Shows the form of an action (GET) or carries it out (POST) for these rows."""
    now = read_clock()
    first = items[0] if items else None
    others = others_of_run(user, first) if do == "due" and first and len(items) == 1 else []
    form = form_of(do, user, timezone.localdate(now), request.POST if request.method == "POST" else None, first, others)
    heading, button = _titles(do, len(items))
    context = {
        "form": form, "heading": heading, "button": button, "address": address, "do": do, "next": home(request),
        "picked": [f"{item}.{version}" for item, version in versions.items()], "single": first if len(items) == 1 else None,
        "stake": money(sum(item.stake_micros for item in items)), "danger": do == "drop",
    }  # fmt: skip
    if request.method != "POST":
        return _dialog(request, "form", context)
    if not form.is_valid():
        return _dialog(request, "form", context, status=422)
    values: dict[str, Any] = form.values  # type: ignore[attr-defined]
    if first and isinstance(form, DueForm) and form.shifts:
        zone = zoneinfo.ZoneInfo(timezone.get_current_timezone_name())
        changed = shift_run(item_id=first.pk, version=versions[first.pk], at=values["at"], others=others, zone=zone, now=now)
    elif do == "support" and first:
        changed = hand_over(item_id=first.pk, version=versions[first.pk], actor=user, now=now, **values)
    else:
        changed = change_work_items(do=do, versions=versions, actor=user, now=now, **values)
    if not changed.before:
        return _conflict(request, context, items)
    undo = keep_for_undo(user, changed.record())
    name = first.account.name if len(items) == 1 and first else ""
    return answer(request, text=_said(do, changed, name, values), undo=undo, removed=changed.ids if do in LEAVING else None)


def _conflict(request: HttpRequest, context: dict[str, Any], items: list[WorkItem]) -> HttpResponse:
    """Somebody was faster: both sides, and a way on."""
    rows = list(WorkItem.objects.filter(pk__in=[item.pk for item in items]).select_related("account", "owner", "closed_by"))
    context |= {"rows": rows, "picked": [f"{row.pk}.{row.version}" for row in rows if row.status in {"open", "snoozed"}]}
    return _dialog(request, "conflict", context, status=409)


def _dialog(request: HttpRequest, kind: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    context["fragment"] = f"accounts/_work_{kind}.html"
    template = context["fragment"] if request.htmx else "accounts/work_form.html"  # type: ignore[attr-defined]
    response = render(request, template, context, status=status)
    if request.htmx:  # type: ignore[attr-defined]
        response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def pairs_of(values: list[str]) -> dict[int, int]:
    """`id.version` pairs as the list's check boxes send them; what does not look like one is left out."""
    picked = {}
    for value in values[:MOST]:
        number, _dot, version = value.partition(".")
        if number.isascii() and number.isdigit() and version.isascii() and version.isdigit() and len(number) < 19 and len(version) < 10:
            picked[int(number)] = int(version)
    return picked


@login_required
@require_http_methods(["GET", "POST"])
def work_do(request: HttpRequest, item_id: int, do: str) -> HttpResponse:
    """One row: done, drop, snooze, assign or due."""
    if do not in SINGLE:
        raise Http404
    user: User = request.user  # type: ignore[assignment]
    item = get_object_or_404(WorkItem.objects.visible_to(user).select_related("account"), pk=item_id)
    _writer(request)
    versions = pairs_of(request.POST.getlist("w")) if request.method == "POST" else {}
    return _act(request, user, do=do, address=reverse("accounts:work_do", args=[item.pk, do]), items=[item], versions={item.pk: versions.get(item.pk, item.version)})


@login_required
@require_http_methods(["GET", "POST"])
def work_bulk(request: HttpRequest) -> HttpResponse:
    """Many rows at once; those out of reach are no more there than rows that never were."""
    user = _writer(request)
    sent = request.POST if request.method == "POST" else request.GET
    do, picked = sent.get("do", ""), pairs_of(sent.getlist("w"))
    items = list(WorkItem.objects.changeable_by(user).filter(pk__in=picked).select_related("account").order_by("-stake_micros", "pk"))
    if do not in ACTIONS or not items:
        raise Http404
    return _act(request, user, do=do, address=reverse("accounts:work_bulk"), items=items, versions={item.pk: picked[item.pk] for item in items})


@login_required
@require_POST
def work_reopen(request: HttpRequest, item_id: int) -> HttpResponse:
    """Opens closed work again, or wakes what sleeps."""
    user: User = request.user  # type: ignore[assignment]
    item = get_object_or_404(WorkItem.objects.visible_to(user).select_related("account"), pk=item_id)
    _writer(request)
    sent = pairs_of(request.POST.getlist("w"))
    changed = reopen_work_items(versions={item.pk: sent.get(item.pk, item.version)}, now=read_clock(), actor=user)
    if not changed.before:
        return _conflict(request, {"heading": _("Open it again"), "button": "", "address": "", "do": "reopen", "form": None, "next": home(request), "single": item}, [item])
    undo = keep_for_undo(user, changed.record())
    return answer(request, text=_("Open again: %(name)s") % {"name": item.account.name}, undo=undo, removed=changed.ids)


@login_required
@require_POST
def work_undo(request: HttpRequest, token: str) -> HttpResponse:
    """Takes back what this person did last, unless somebody changed the rows since."""
    user = _writer(request)
    key = f"work-undo:{user.pk}:{token}"
    try:
        before = cache.get(key)
        cache.delete(key)
    except RedisError:
        before = None
    if before is None:
        raise Http404
    allowed = list(WorkItem.objects.changeable_by(user).filter(pk__in=[row["id"] for row in before]).values_list("pk", flat=True))
    try:
        restored = restore_work_items(before=before, allowed=allowed, now=read_clock(), actor=user)
    except IntegrityError:
        restored = []
    left = len(before) - len(restored)
    text = ngettext("Taken back: %(count)s item", "Taken back: %(count)s items", len(restored)) % {"count": len(restored)}
    if left:
        text += ". " + ngettext("%(count)s was changed since and left as it is.", "%(count)s were changed since and left as they are.", left) % {"count": left}
    return answer(request, text=text)


@login_required
@require_GET
def work_item(request: HttpRequest, item_id: int) -> HttpResponse:
    """One work item with all that can be done about it."""
    user: User = request.user  # type: ignore[assignment]
    items = WorkItem.objects.visible_to(user).select_related("account", "owner", "contact", "closed_by", "playbook_run__playbook")
    item = get_object_or_404(items, pk=item_id)
    run = item.playbook_run
    context = {
        "item": item, "why": sentences.say(item.why), "type_icon": TYPE_ICONS[item.type], "open": item.status in {"open", "snoozed"}, "next": home(request),
        "writes": user.role in WRITES_ACCOUNTS, "version": f"{item.pk}.{item.version}",
        "steps": [{"text": _step(step), "done": place < run.position, "now": place == run.position} for place, step in enumerate(run.steps)] if run else [],
    }  # fmt: skip
    return _dialog(request, "item", context)


def _step(step: Any) -> str:
    if isinstance(step, dict):
        return str(step.get("title") or step.get("text") or step.get("name") or "")
    return str(step)
