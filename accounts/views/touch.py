"""Logging a touch, and opening work by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import sentences
from accounts.actions.touches import log_touch
from accounts.actions.work_items import open_work_item
from accounts.collation import search_key
from accounts.forms.work import DUE_HOUR, NewWorkForm, TouchForm, at_hour
from accounts.models import Account, User, WorkItem
from accounts.queries.clock import read_clock
from accounts.queries.work_people import accounts_to_work_on
from accounts.roles import WRITES_ACCOUNTS
from accounts.views.work_actions import answer, home


def _writer(request: HttpRequest) -> User:
    user: User = request.user  # type: ignore[assignment]
    if user.role not in WRITES_ACCOUNTS:
        raise PermissionDenied
    return user


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _subject(request: HttpRequest, user: User) -> tuple[Account | None, WorkItem | None]:
    """The account (and work item) that the request speaks of; 404 where they are out of reach."""
    sent = request.POST if request.method == "POST" else request.GET
    if number := _number(sent.get("item")):
        item = get_object_or_404(WorkItem.objects.changeable_by(user).select_related("account"), pk=number)
        return item.account, item
    if number := _number(sent.get("account")):
        return get_object_or_404(Account.objects.changeable_by(user), pk=number), None
    return None, None


def _dialog(request: HttpRequest, fragment: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    context |= {"fragment": fragment, "next": home(request)}
    response = render(request, fragment if request.htmx else "accounts/work_form.html", context, status=status)  # type: ignore[attr-defined]
    if request.htmx:  # type: ignore[attr-defined]
        response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def _choices(request: HttpRequest, user: User, account: Account | None) -> dict[str, Any]:
    """The account, or what a search for it finds."""
    text = (request.POST if request.method == "POST" else request.GET).get("find", "")[:100].replace("\x00", "")
    return {"account": account, "find": text, "accounts": [] if account else accounts_to_work_on(user, text=text)}


@login_required
@require_http_methods(["GET", "POST"])
def touch(request: HttpRequest) -> HttpResponse:
    """A call, a meeting or a mail, with minutes and a note."""
    user = _writer(request)
    account, item = _subject(request, user)
    form = TouchForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "item": item, **_choices(request, user, account)}
    if request.method != "POST":
        return _dialog(request, "accounts/_work_touch.html", context)
    if not form.is_valid() or account is None:
        context["missing"] = account is None
        return _dialog(request, "accounts/_work_touch.html", context, status=422)
    now = read_clock()
    log_touch(account_id=account.pk, actor=user, occurred_at=now, now=now, work_item_id=item.pk if item else None, **form.cleaned_data)
    return answer(request, text=_("Logged: %(name)s, %(minutes)s min") % {"name": account.name, "minutes": form.cleaned_data["minutes"]})


@login_required
@require_http_methods(["GET", "POST"])
def work_new(request: HttpRequest) -> HttpResponse:
    """Opens work by hand; the same next step for the same account is opened once."""
    user = _writer(request)
    account, _item = _subject(request, user)
    now = read_clock()
    form = NewWorkForm(request.POST if request.method == "POST" else None, user=user, initial={"date": timezone.localdate(now) + dt.timedelta(days=1)})
    context = {"form": form, **_choices(request, user, account)}
    if request.method != "POST":
        return _dialog(request, "accounts/_work_new.html", context)
    if not form.is_valid() or account is None:
        context["missing"] = account is None
        return _dialog(request, "accounts/_work_new.html", context, status=422)
    data = form.cleaned_data
    _made, is_new = open_work_item(
        account_id=account.pk, type=data["type"], reason=("by hand: " + search_key(data["title"]))[:80], title=data["title"],
        why=sentences.why("manual", text=data["why"] or data["title"]), now=now, due_at=at_hour(data["date"], DUE_HOUR), priority=data["priority"],
        owner_id=data["owner"].pk if data["owner"] else (None if account.owner_id else user.pk), source=WorkItem.Source.MANUAL, actor_id=user.pk,
    )  # fmt: skip
    text = _("New work: %(name)s") if is_new else _("%(name)s has this work open already; its date was renewed.")
    return answer(request, text=text % {"name": account.name})


@login_required
@require_GET
def work_accounts(request: HttpRequest) -> HttpResponse:
    """The accounts a search finds, as the choice of a form."""
    user = _writer(request)
    return render(request, "accounts/_work_accounts.html", _choices(request, user, None))
