"""The reader's own weekly report: ordering, stopping, looking at it, having one sent at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import wording
from accounts.models import Segment, User
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from metrics.actions.reports import TooManyReports, order_report, send_now, stop_report
from metrics.models import ReportOrder, ReportWeek
from metrics.reports.contents import has_scope, may_choose, report_of, usual
from metrics.reports.due import zone_of
from metrics.reports.letters import subject_of


class ReportForm(forms.Form):
    """When, and about what."""

    weekday = forms.TypedChoiceField(label=gettext_lazy("Weekday"), coerce=int, choices=ReportOrder.Weekday.choices)
    hour = forms.TypedChoiceField(label=gettext_lazy("Hour"), coerce=int, choices=[(hour, f"{hour:02}:00") for hour in range(24)])
    segment = forms.ModelChoiceField(label=gettext_lazy("Segment"), queryset=Segment.objects.none(), to_field_name="key", required=False, empty_label=gettext_lazy("all"))
    owner = forms.ModelChoiceField(label=gettext_lazy("Owner"), queryset=User.objects.none(), required=False, empty_label=gettext_lazy("all"))
    cards = forms.MultipleChoiceField(label=gettext_lazy("Figures"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["segment"].queryset = Segment.objects.all()
        fields["segment"].label_from_instance = wording.segment_name
        fields["owner"].queryset = User.objects.filter(is_active=True).order_by("name", "pk")
        fields["cards"].choices = [(kpi.name, kpi.title) for kpi in may_choose(user)]


def _order_of(user: User) -> ReportOrder:
    return ReportOrder.objects.select_related("segment", "owner").filter(user=user).first() or ReportOrder(user=user, active=False)


def _form(user: User, order: ReportOrder) -> ReportForm:
    initial = {
        "weekday": order.weekday, "hour": order.hour, "segment": order.segment.key if order.segment else "", "owner": order.owner_id, "cards": order.cards or list(usual(user)),
    }  # fmt: skip
    return ReportForm(user=user, initial=initial)


@login_required
@require_http_methods(["GET", "POST"])
def report(request: SignedInRequest) -> HttpResponse:
    """What is ordered, as a form; POST orders it. The first one comes at the next such hour."""
    user, now = request.user, read_clock()
    order = _order_of(user)
    form = ReportForm(request.POST, user=user) if request.method == "POST" else _form(user, order)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        cards = list(chosen["cards"])
        saved = order_report(
            user=user, weekday=chosen["weekday"], hour=chosen["hour"], cards=[] if set(cards) == set(usual(user)) else cards,
            segment=chosen["segment"], owner=chosen["owner"], active=True, now=now,
        )  # fmt: skip
        messages.success(request, _("The first report comes on %(when)s.") % {"when": wording.exact(saved.due_at.astimezone(zone_of(user)))} if saved.due_at else _("Saved."))
        return redirect("metrics:report")
    context = {
        "form": form,
        "order": order,
        "zone": zone_of(user),
        "next": wording.exact(order.due_at.astimezone(zone_of(user))) if order.due_at else "",
        "has_scope": has_scope(user),
        "weeks": ReportWeek.objects.filter(user=user).select_related("mail")[:8],
    }
    return render(request, "metrics/report.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def report_preview(request: SignedInRequest) -> HttpResponse:
    """What the report would say now."""
    user = request.user
    order = _order_of(user)
    found = report_of(user, cards=list(order.cards), segment=order.segment, owner=order.owner, now=read_clock())
    return render(request, "metrics/report_preview.html", {"report": found, "subject": subject_of(found), "has_scope": has_scope(user)})


@login_required
@require_POST
def report_send(request: SignedInRequest) -> HttpResponse:
    """Sends one report to the reader's own address, beside the weekly ones."""
    if not has_scope(request.user):
        messages.error(request, _("There are no accounts that a report could speak of."))
        return redirect("metrics:report")
    try:
        send_now(user=request.user, now=read_clock())
    except TooManyReports:
        messages.error(request, _("Three a minute are enough. Nothing was sent."))
    else:
        messages.success(request, _("It is on its way to %(address)s.") % {"address": request.user.email})
    return redirect("metrics:report")


@login_required
@require_POST
def report_stop(request: SignedInRequest) -> HttpResponse:
    """No more weekly reports."""
    stop_report(user=request.user)
    messages.success(request, _("No more weekly reports."))
    return redirect("metrics:report")
