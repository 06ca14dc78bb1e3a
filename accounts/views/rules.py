"""The rule builder's own address: the inputs come in, a change is made to the tree, the builder goes out again."""

from __future__ import annotations

import re

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.views.decorators.http import require_POST

from accounts.forms.rules import render_builder
from accounts.rules.catalogue import ACCOUNT_FIELDS
from accounts.rules.draft import CONTACTS, EVENT, USAGE, edit, from_inputs
from accounts.signed_in import SignedInRequest

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")


@require_POST
@login_required
def rule_builder(request: SignedInRequest) -> HttpResponse:
    """A builder after one of its buttons or lists was used. Stores nothing."""
    name = request.GET.get("name", "rule")
    if not _NAME.fullmatch(name):
        return HttpResponseBadRequest()
    root = from_inputs(request.POST.getlist, name)
    wish = request.POST.getlist(f"{name}.do")
    focus = edit(root, wish[-1]) if wish else ""
    without = [key for key in request.GET.getlist("without") if key in ACCOUNT_FIELDS or key in (USAGE, EVENT, CONTACTS)]
    return HttpResponse(render_builder(root, name=name, without=without, focus=focus))
