"""The installation's own reader of sentiment: trained on its scored answers, measured, taken into use by a person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import TextClassifier
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from accounts.text.classifier import SMALLEST, SMALLEST_CLASS
from accounts.text.language import LANGUAGES
from accounts.wording import language_name
from surveys.actions.verbatims import scored_counts, use_classifier
from surveys.tasks import train_text_classifier
from surveys.views.tabs import tabs_for


@require_GET
@login_required
def classifiers(request: SignedInRequest) -> HttpResponse:
    """What could be learnt from, what was trained, and how well it did on answers it had not seen."""
    _only_admins(request)
    entries: list[dict[str, Any]] = []
    for language in LANGUAGES:
        good, bad = scored_counts(language)
        entries.append(
            {
                "language": language, "name": language_name(language), "good": good, "bad": bad,
                "enough": good + bad >= SMALLEST and min(good, bad) >= SMALLEST_CLASS,
                "trained": list(TextClassifier.objects.filter(language=language).defer("weights").select_related("trained_by").order_by("-trained_at", "-pk")[:5]),
            }
        )  # fmt: skip
    context = {"entries": entries, "smallest": SMALLEST, "smallest_class": SMALLEST_CLASS, "tabs": tabs_for(request.user, "surveys:topics")}
    return render(request, "surveys/classifiers.html", context)


@require_POST
@login_required
def classifier_train(request: SignedInRequest) -> HttpResponse:
    """Asks the worker to train; the result appears on the page."""
    _only_admins(request)
    language = request.POST.get("language", "")
    if language not in LANGUAGES:
        return HttpResponseBadRequest()
    if train_text_classifier.delay(language, request.user.pk) is None:
        messages.error(request, _("The worker cannot be reached at the moment. Try again in a minute."))
    else:
        messages.success(request, _("Training began; it takes from seconds to a few minutes. Load the page again to see the result."))
    return redirect("surveys:classifiers")


@require_POST
@login_required
def classifier_use(request: SignedInRequest, pk: int) -> HttpResponse:
    """Takes a trained classifier into use, or out of it; everything is then read again."""
    _only_admins(request)
    row = get_object_or_404(TextClassifier.objects.defer("weights"), pk=pk)
    use_classifier(pk=row.pk, use=request.POST.get("use") == "1")
    messages.success(request, _("Everything customers wrote is read again, the newest first."))
    return redirect("surveys:classifiers")


def _only_admins(request: SignedInRequest) -> None:
    if request.user.role != Role.ADMIN:
        raise PermissionDenied
