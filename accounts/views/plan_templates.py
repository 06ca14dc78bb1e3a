"""Templates of onboarding plans: everybody who runs plans reads them, admins and managers write them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.actions.plan_templates import StaleTemplate, save_template
from accounts.forms.plan_outline import apply_wish, drawn, new_outline, read_inputs
from accounts.forms.plans import StepRuleForm, TemplateForm
from accounts.models import PlanTemplate
from accounts.plan_outline import OutlineFault
from accounts.queries.clock import read_clock
from accounts.queries.plans import rules_in_words, templates
from accounts.roles import Role
from accounts.signed_in import SignedInRequest

WRITES_TEMPLATES = frozenset({Role.ADMIN, Role.MANAGER})
READS_TEMPLATES = WRITES_TEMPLATES | {Role.CSM, Role.AGENT, Role.VIEWER}


def _reader(request: SignedInRequest) -> bool:
    """Whether the reader writes templates. Raises PermissionDenied for who reads none."""
    if request.user.role not in READS_TEMPLATES:
        raise PermissionDenied
    return request.user.role in WRITES_TEMPLATES


@require_GET
@login_required
def plan_templates(request: SignedInRequest) -> HttpResponse:
    """All templates."""
    may_write = _reader(request)
    return render(request, "accounts/plan_templates.html", {"templates": templates(), "may_write": may_write})


@login_required
@require_http_methods(["GET", "POST"])
def plan_template(request: SignedInRequest, template_id: int | None = None) -> HttpResponse:
    """One template, or a new one. Its buttons bring the form back changed and unsaved; saving checks it whole."""
    may_write = _reader(request)
    template = get_object_or_404(PlanTemplate, pk=template_id) if template_id is not None else None
    if (request.method == "POST" or template is None) and not may_write:
        raise PermissionDenied
    initial = {name: getattr(template, name) for name in ("name", "description", "language", "active")} if template else {"language": request.user.language, "active": True}
    outline = read_inputs(request.POST) if request.method == "POST" else (template.milestones if template else new_outline())
    form = TemplateForm(request.POST if request.method == "POST" else None, initial=initial)
    context: dict[str, Any] = {"form": form, "template": template, "may_write": may_write, "version": template.version if template else 0}
    if request.method != "POST":
        return _page(request, outline, context)
    context["version"] = _number(request.POST.get("version", ""))
    if "do" in request.POST:
        apply_wish(outline, request.POST["do"])
        context["edited"] = True
        return _page(request, outline, context)
    if not form.is_valid():
        return _page(request, outline, context, status=422)
    try:
        saved = save_template(template_id=template_id, version=context["version"], milestones=outline, now=read_clock(), **form.cleaned_data)
    except OutlineFault as fault:
        return _page(request, outline, context, status=422, path=fault.path, message=fault.message)
    except StaleTemplate:
        # what was typed stays; saving once more puts it over the other's
        assert template is not None
        return _page(request, outline, context | {"conflict": True, "version": template.version}, status=409)
    messages.success(request, _("The template is saved. Plans that run keep their steps."))
    return redirect("accounts:plan_template", saved.pk)


def _page(request: SignedInRequest, outline: list[dict[str, Any]], context: dict[str, Any], *, status: int = 200, path: str = "", message: str = "") -> HttpResponse:
    words = rules_in_words([step.get("rule") for milestone in outline for step in milestone["steps"]])
    context |= {"milestones": drawn(outline, path=path, message=message, words=words), "fault": message, "fault_above": message if not path else ""}
    return render(request, "accounts/plan_template.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def plan_template_rule(request: SignedInRequest, template_id: int, milestone: int, step: int) -> HttpResponse:
    """The rule that does one step of a template."""
    if not _reader(request):
        raise PermissionDenied
    template = get_object_or_404(PlanTemplate, pk=template_id)
    try:
        entry = template.milestones[milestone]["steps"][step]
    except (IndexError, KeyError) as missing:
        raise Http404 from missing
    form = StepRuleForm(request.POST if request.method == "POST" else None, initial={"rule": entry.get("rule")})
    status, conflict = 200, False
    if request.method == "POST":
        status = 422
        if form.is_valid():
            entry["rule"] = form.cleaned_data["rule"]
            try:
                save_template(
                    template_id=template.pk, version=_number(request.POST.get("version", "")), name=template.name, description=template.description, language=template.language,
                    milestones=template.milestones, active=template.active, now=read_clock(),
                )  # fmt: skip
                messages.success(request, _("The rule is saved. Plans that run keep theirs."))
                return redirect("accounts:plan_template", template.pk)
            except StaleTemplate:
                status, conflict = 409, True
    context = {"form": form, "template": template, "step": entry, "conflict": conflict}
    return render(request, "accounts/plan_template_rule.html", context, status=status)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
