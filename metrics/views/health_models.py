"""Health models: which score, how they came to be, and the editor of a draft with its preview over the whole base."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.decorators import login_required
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Account, AccountDirty, User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from metrics.actions.health_drafts import Frozen, StaleDraft, activate_draft, discard_draft, make_draft, mark_of, save_draft
from metrics.actions.health_models import has_scored, rule_of
from metrics.forms.health_models import HealthModelForm, initial_of, sources_of
from metrics.health.preview import BANDS, Preview, contenders, preview
from metrics.models import HealthModel

# who makes and activates versions; everybody who reads health may read how it is made
WRITES_MODELS = frozenset({Role.ADMIN, Role.MANAGER})
LATEST = 12


def _reader(request: HttpRequest) -> User:
    return cast(User, request.user)


def _writer(request: HttpRequest) -> User:
    user = _reader(request)
    if user.role not in WRITES_MODELS:
        raise PermissionDenied
    return user


def _model(pk: int) -> HealthModel:
    return get_object_or_404(HealthModel.objects.prefetch_related("components", "segments"), pk=pk)


@login_required
@require_GET
def health_models(request: HttpRequest) -> HttpResponse:
    """All models by the order in which they are tried, the version that scores first; drafts; who changed what."""
    found: dict[str, list[HealthModel]] = {}
    for model in HealthModel.objects.prefetch_related("components", "segments").order_by("position", "key", "-number"):
        found.setdefault(model.key, []).append(model)
    log = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(HealthModel)).select_related("user").order_by("-action_time")[:LATEST]
    groups = [
        {
            "active": next((model for model in versions if model.activated_at and not model.retired_at), None), "versions": versions,
            "draft": next((model for model in versions if not model.activated_at and not has_scored(model)), None),
        }
        for versions in found.values()
    ]  # fmt: skip
    context = {"groups": groups, "log": log, "writes": _reader(request).role in WRITES_MODELS, "waiting": AccountDirty.objects.filter(reason="model")[:1001].count()}
    return render(request, "metrics/health_models.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def health_model(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: a draft can be changed by those who may, every other one is read."""
    model, user = _model(pk), _reader(request)
    may_write = user.role in WRITES_MODELS and not has_scored(model)
    sources, status, mark, conflict = sources_of(model), 200, mark_of(model), False
    form = HealthModelForm(initial=initial_of(model), sources=sources)
    if request.method == "POST":
        _writer(request)
        form = HealthModelForm(request.POST, sources=sources)
        if form.is_valid():
            try:
                _save(model, form, request, user)
            except Frozen as frozen:
                messages.error(request, str(frozen))
                return redirect("metrics:health_model", pk=model.pk)
            except StaleDraft:
                # what was typed stays; saving once more puts it over the other's
                conflict, status = True, 409
            else:
                messages.success(request, _("The draft is saved. It scores nobody until it is activated."))
                return redirect("metrics:health_model", pk=model.pk)
        else:
            status = 422
    context = {
        "model": model, "form": form, "mark": mark, "conflict": conflict, "may_write": may_write, "writes": user.role in WRITES_MODELS,
        "rule": rule_of(model), "is_active": bool(model.activated_at and not model.retired_at), "total": sum(part.weight for part in rule_of(model).parts),
    }  # fmt: skip
    return render(request, "metrics/health_model.html", context, status=status)


def _save(model: HealthModel, form: HealthModelForm, request: HttpRequest, user: User) -> HealthModel:
    data = form.cleaned_data
    return save_draft(
        model=model, mark=request.POST.get("mark", ""), name=data["name"], position=data["position"], segments=data["segments"], healthy_from=data["healthy_from"],
        watch_from=data["watch_from"], components=form.components(), actor=user, now=read_clock(),
    )  # fmt: skip


@login_required
@require_GET
def health_model_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What the form, saved or not, would change over the whole base. Reads alone."""
    user, model, now = _writer(request), _model(pk), read_clock()
    given = HealthModelForm(request.GET, sources=sources_of(model)) if "name" in request.GET else None
    if given is not None and not given.is_valid():
        return render(request, "metrics/_health_model_preview.html", {"faults": [fault for faults in given.errors.values() for fault in faults]})
    rule = given.rule() if given else rule_of(model)
    segments = [segment.pk for segment in (given.cleaned_data["segments"] if given else model.segments.all())]
    try:
        found = preview(models=contenders(draft=rule, model=model, segment_ids=segments, now=now), now=now)
    except LookupError:
        return render(request, "metrics/_health_model_preview.html", {"faults": [_("The weights sum to nothing: give at least one part a weight.")]})
    return render(request, "metrics/_health_model_preview.html", {"found": found, "table": _table(found), "movers": _movers(found, user), "at": now})


def _table(found: Preview) -> list[dict[str, Any]]:
    """A row a band: accounts and MRR now, under the draft, and where those who are in it now would go."""
    before, after = found.side(after=False), found.side(after=True)
    return [
        {
            "band": band, "accounts": before[band][0], "accounts_after": after[band][0], "mrr": before[band][1], "mrr_after": after[band][1],
            "change": after[band][0] - before[band][0],
        }
        for band in BANDS
        if band or before[band][0] or after[band][0]
    ]  # fmt: skip


def _movers(found: Preview, user: User) -> list[dict[str, Any]]:
    """Those with the most MRR, as far as the reader may see them."""
    accounts = Account.objects.visible_to(user).in_bulk([mover.account_id for mover in found.movers])
    return [{"account": accounts[mover.account_id], "mover": mover} for mover in found.movers if mover.account_id in accounts]


@login_required
@require_POST
def health_model_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """Opens the draft of a model's next version, making it where there is none."""
    draft = make_draft(model=_model(pk), actor=_writer(request), now=read_clock())
    return redirect("metrics:health_model", pk=draft.pk)


@login_required
@require_POST
def health_model_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throws a draft away."""
    model = _model(pk)
    try:
        discard_draft(model=model, actor=_writer(request), now=read_clock())
    except Frozen as frozen:
        messages.error(request, str(frozen))
    else:
        messages.success(request, _("The draft is gone. Nothing was scored by it."))
    return redirect("metrics:health_models")


@login_required
@require_POST
def health_model_activate(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets a saved draft score from now on; every account is computed anew, a few thousand a second."""
    user, model = _writer(request), _model(pk)
    now: dt.datetime = read_clock()
    if not any(part.weight for part in rule_of(model).parts):
        messages.error(request, _("The weights sum to nothing: give at least one part a weight."))
        return redirect("metrics:health_model", pk=model.pk)
    try:
        activate_draft(model=model, mark=request.POST.get("mark", ""), actor=user, now=now)
    except Frozen as frozen:
        messages.error(request, str(frozen))
    except StaleDraft:
        messages.error(request, _("Somebody changed the draft since you saw it: look at it again before you activate it."))
        return redirect("metrics:health_model", pk=model.pk)
    else:
        messages.success(request, _("%(model)s scores from now on. All accounts are being computed anew.") % {"model": model})
    return redirect("metrics:health_models")
