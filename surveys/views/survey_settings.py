"""The settings that hold for all surveys: approval, fatigue, how mails leave. For admins."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Installation
from accounts.roles import Role
from surveys.actions.survey_settings import StaleSettings, change_survey_settings, settings_mark
from surveys.programme_forms import SurveySettingsForm
from surveys.views.programmes import reader
from surveys.views.tabs import tabs_for

_FIELDS = list(SurveySettingsForm.Meta.fields)


@login_required
@require_http_methods(["GET", "POST"])
def survey_settings(request: HttpRequest) -> HttpResponse:
    """Shows and saves them; where somebody was faster, both values stand side by side and nothing is saved."""
    user = reader(request)
    if user.role != Role.ADMIN:
        raise PermissionDenied
    # read again: a row just made has its defaults as they were written, not as they are stored
    row = Installation.objects.get(pk=Installation.current().pk)
    mark = settings_mark(row, _FIELDS)
    conflict: list[dict[str, str]] = []
    status = 200
    form = SurveySettingsForm(request.POST or None, instance=row)
    if request.method == "POST":
        if form.is_valid():
            values = {name: form.cleaned_data[name] for name in _FIELDS}
            try:
                changed = change_survey_settings(values=values, actor=user, mark=request.POST.get("mark", ""))
            except StaleSettings as error:
                # the form has written into `row`; what stands is in the error
                mark, status = settings_mark(error.row, _FIELDS), 409
                conflict = [
                    {"field": str(form.fields[name].label), "theirs": str(getattr(error.row, name)), "mine": str(values[name])}
                    for name in _FIELDS
                    if getattr(error.row, name) != values[name]
                ]
            else:
                messages.success(request, _("Saved. It holds from now on.") if changed else _("Nothing was changed."))
                return redirect("surveys:survey_settings")
        else:
            status, mark = 422, request.POST.get("mark", "")
    groups = [
        (_("Approval"), [form["approval_needed"]]),
        (_("How often people are asked"), [form[name] for name in ("contact_gap_days", "nps_gap_days", "account_days", "account_people", "account_share", "reminder_gap_days")]),
        (_("How mails leave"), [form[name] for name in ("rate_per_second", "rate_per_day", "many_at_once", "postal_address")]),
    ]
    context = {"form": form, "groups": groups, "mark": mark, "conflict": conflict, "tabs": tabs_for(user, "surveys:survey_settings")}
    return render(request, "surveys/survey_settings.html", context, status=status)
