"""A canned reply, filled in for a ticket. The page's script puts it where the reader types."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tickets.queries.canned import take
from tickets.views.access import changeable_ticket, reader


@login_required
@require_GET
def canned(request: HttpRequest, pk: int, reply_id: int) -> HttpResponse:
    """The text as a fragment, with the names that had no value."""
    user = reader(request)
    taken = take(reply_id=reply_id, ticket=changeable_ticket(user, pk), agent=user)
    if taken is None:
        raise Http404
    return render(request, "tickets/_canned_text.html", {"taken": taken, "missing": ", ".join(f"{{{name}}}" for name in taken.missing)})
