"""Closing the loop: cases of unhappy answers, and telling people what was settled."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.work_items import StaleVersion, reopen_work_item
from accounts.models import Topic
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest
from surveys.actions.announcements import announce, audience_of
from surveys.actions.cases import CaseClosed, amend_case, close_case, follow_work
from surveys.models import Announcement, LoopCase
from surveys.queries import cases as loop
from surveys.views.tabs import tabs_for

NOT_TAKEN_BACK = [choice for choice in LoopCase.Resolution.choices if choice[0] != LoopCase.Resolution.TAKEN_BACK]


@require_GET
@login_required
def cases(request: SignedInRequest) -> HttpResponse:
    """Cases by deadline with the figures of the loop; analysts see the figures alone."""
    user = request.user
    if user.role == Role.AGENT:
        raise Http404
    now = read_clock()
    state = request.GET.get("state", "open")
    state = state if state in loop.STATES else "open"
    owner = "me" if request.GET.get("owner") == "me" else ""
    page = loop.page(user, state=state, owner=owner, now=now, after=request.GET.get("after", ""))
    more = f"{reverse('surveys:cases')}?{urlencode({'state': state, **({'owner': owner} if owner else {}), 'after': page.after})}" if page.after else ""
    context: dict[str, Any] = {"page": page, "more": more, "now": now, "state": state, "owner": owner}
    if request.htmx and "after" in request.GET:
        return render(request, "surveys/_case_rows.html", context)
    context |= {
        "figures": loop.figures(user, now=now),
        "next": [(kind, word, loop.next_scores(user, kind=kind, now=now)) for kind, word in (("nps", _("NPS")), ("csat", _("CSAT")))],
        "sees_rows": user.role != Role.ANALYST,
        "may_write": user.role in WRITES_ACCOUNTS,
        "may_announce": user.role in {Role.ADMIN, Role.MANAGER},
        "tabs": tabs_for(user, "surveys:cases"),
    }
    return render(request, "surveys/cases.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def case(request: SignedInRequest, pk: int) -> HttpResponse:
    """A case with its answer; a POST closes it, or writes down better what came of it."""
    row = loop.case_of(request.user, pk)
    if row is None:
        raise Http404
    may_write = LoopCase.objects.changeable_by(request.user).filter(pk=pk).exists()
    problem = ""
    if request.method == "POST":
        if not may_write:
            raise PermissionDenied
        resolution, note = request.POST.get("resolution", ""), request.POST.get("note", "").replace("\x00", "").strip()[:1000]
        version = request.POST.get("version", "")
        if not version.isdecimal() or resolution not in dict(NOT_TAKEN_BACK):
            return HttpResponseBadRequest(_("Choose what came of it."))
        try:
            if row.closed_at is None:
                close_case(case_id=pk, actor=request.user, resolution=resolution, note=note, now=read_clock(), version=int(version))
                messages.success(request, _("The loop is closed."))
            else:
                amend_case(case_id=pk, resolution=resolution, note=note, version=int(version))
                messages.success(request, _("Saved."))
            return redirect("surveys:cases")
        except (StaleVersion, CaseClosed):
            problem = _("Somebody else changed this case in the meantime; it is shown as it stands now, your words are below.")
            row = loop.case_of(request.user, pk) or row
    typed = {"resolution": request.POST.get("resolution", row.resolution), "note": request.POST.get("note", row.note)}
    context = {"case": row, "may_write": may_write, "resolutions": NOT_TAKEN_BACK, "typed": typed, "problem": problem, "now": read_clock()}
    return render(request, "surveys/case.html", context, status=409 if problem else 200)


class AnnouncementForm(forms.Form):
    """What is told, of which topic, to whom who raised it since when."""

    topic = forms.ModelChoiceField(label=gettext_lazy("Topic"), queryset=Topic.objects.filter(active=True), to_field_name="key")
    since = forms.DateField(label=gettext_lazy("Raised since"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    subject_en = forms.CharField(label=gettext_lazy("Subject in English"), max_length=200, required=False)
    body_en = forms.CharField(label=gettext_lazy("Text in English"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 7}))
    subject_tr = forms.CharField(label=gettext_lazy("Subject in Turkish"), max_length=200, required=False)
    body_tr = forms.CharField(label=gettext_lazy("Text in Turkish"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 7, "lang": "tr"}))

    def texts(self) -> dict[str, dict[str, str]]:
        """The languages of which anything was written."""
        values = self.cleaned_data
        written = {code: {"subject": values[f"subject_{code}"].strip(), "body": values[f"body_{code}"].strip()} for code in ("en", "tr")}
        return {code: words for code, words in written.items() if words["subject"] or words["body"]}


@require_http_methods(["GET", "POST"])
@login_required
def announcements(request: SignedInRequest) -> HttpResponse:
    """“You said, we did”: what was told so far, and a new mail; `look` shows who would get it and sends nothing."""
    user = request.user
    if user.role not in {Role.ADMIN, Role.MANAGER}:
        raise PermissionDenied
    now = read_clock()
    form = AnnouncementForm(request.POST or None, initial={"topic": request.GET.get("topic", ""), "since": (now - dt.timedelta(days=180)).date()})
    audience = None
    if request.method == "POST" and form.is_valid():
        topic = form.cleaned_data["topic"]
        since = timezone.make_aware(dt.datetime.combine(form.cleaned_data["since"], dt.time()), dt.UTC)
        audience = audience_of(topic=topic, since=since, now=now)
        if "send" in request.POST:
            try:
                row = announce(topic=topic, texts=form.texts(), since=since, actor=user, now=now)
            except ValidationError as fault:
                form.add_error(None, fault) if not hasattr(fault, "error_dict") else [form.add_error(name, errors) for name, errors in fault.error_dict.items()]
            else:
                messages.success(request, _("On its way to %(people)s people.") % {"people": row.people})
                return redirect("surveys:announcements")
    reasons = {
        "no_address": _("no address"), "refused": _("refused mail, or cannot be reached"), "told": _("told of it in the last 90 days"),
        "no_link": _("never got a survey, so could not refuse"), "lost": _("the account has left"),
    }  # fmt: skip
    left_out = [(reasons[key], count) for key, count in audience.left_out.items()] if audience else []
    return render(
        request,
        "surveys/announcements.html",
        {
            "form": form,
            "audience": audience,
            "left_out": left_out,
            "tabs": tabs_for(user, "surveys:cases"),
            "told": Announcement.objects.select_related("topic", "created_by")[:50],
        },
    )


@require_POST
@login_required
def case_reopen(request: SignedInRequest, pk: int) -> HttpResponse:
    """Takes the closing of a case back."""
    row = get_object_or_404(LoopCase.objects.visible_to(request.user), pk=pk)
    if not LoopCase.objects.changeable_by(request.user).filter(pk=pk).exists():
        raise PermissionDenied
    if row.work_item_id is not None and row.closed_at is not None:
        now = read_clock()
        reopen_work_item(item_id=row.work_item_id, now=now, actor=request.user)
        follow_work(now=now)
        messages.success(request, _("The case is open again."))
    return redirect("surveys:case", pk)
