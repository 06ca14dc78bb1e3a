"""Search from the frame: results as you type, and as a page of their own."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.queries.search import SHORTEST, search
from accounts.signed_in import SignedInRequest


@require_GET
@login_required
def results(request: SignedInRequest) -> HttpResponse:
    """Accounts and contacts whose folded name holds the text; tickets are loaded from their own address."""
    text = " ".join(request.GET.get("q", "").split())[:100]
    context = {"search_query": text, "found": search(request.user, text), "shortest": SHORTEST}
    if request.htmx:
        return render(request, "accounts/_account_hits.html", context)
    return render(request, "accounts/account_search.html", context)
