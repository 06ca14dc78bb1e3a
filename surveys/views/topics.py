"""Topics: their figures, where they stand out, and writing their queries with a look at what they find."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.topics import remove_topic, save_topic
from accounts.actions.work_items import StaleVersion
from accounts.models import Topic
from accounts.models.snapshots import Band
from accounts.queries import topics as figures
from accounts.queries.clock import read_clock
from accounts.queries.verbatims import pieces
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from accounts.wording import segment_name, topic_name
from surveys.topic_form import TopicForm
from surveys.views.tabs import tabs_for


@require_GET
@login_required
def topics(request: SignedInRequest) -> HttpResponse:
    """All topics with their figures, and the groups of customers in which they stand out."""
    if request.user.role == Role.AGENT:
        raise Http404
    page = figures.topic_page(request.user, now=read_clock())
    segments = {segment.key: segment_name(segment) for segment in figures.segments()}
    return render(
        request,
        "surveys/topics.html",
        {
            "tabs": tabs_for(request.user, "surveys:topics"), "page": page, "may_write": _may_write(request), "sees_rows": request.user.role != Role.ANALYST,
            "over": [_stands_out(entry, segments) for entry in page.over], "under": [_stands_out(entry, segments) for entry in page.under],
        },
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@login_required
def topic(request: SignedInRequest, key: str = "") -> HttpResponse:
    """Writes a topic, with a look at what its queries find among the newest texts."""
    if not _may_write(request):
        raise PermissionDenied
    row = get_object_or_404(Topic, key=key) if key else Topic()
    form = TopicForm(request.POST or None, instance=row)
    conflict = False
    if request.method == "POST" and "try" not in request.POST and form.is_valid():
        number = request.POST.get("number", "")
        try:
            saved = save_topic(
                topic=get_object_or_404(Topic, key=key) if key else Topic(),
                values={**form.cleaned_data, "key": key or form.key()},
                actor=request.user,
                number=int(number) if number.isdecimal() and key else None,
            )
        except StaleVersion:
            conflict = True
        else:
            messages.success(request, _("Saved. Everything customers wrote is read again with it, the newest first."))
            return redirect("surveys:topic", saved.key)
    context: dict[str, Any] = {"form": form, "topic": row if key else None, "conflict": conflict, "number": Topic.objects.filter(key=key).values_list("number", flat=True).first()}
    form.is_valid() if request.method == "POST" else None
    values = form.cleaned_data if request.method == "POST" and hasattr(form, "cleaned_data") else {"query_en": row.query_en, "query_tr": row.query_tr}
    context |= {"samples": _samples(request, values), "tried": bool(key) or request.method == "POST"}
    if request.htmx and "try" in request.POST:
        return render(request, "surveys/_topic_samples.html", context)
    return render(request, "surveys/topic.html", context, status=409 if conflict else 200)


@require_POST
@login_required
def topic_remove(request: SignedInRequest, key: str) -> HttpResponse:
    """Takes a topic away, with its tags."""
    if not _may_write(request):
        raise PermissionDenied
    remove_topic(topic=get_object_or_404(Topic, key=key))
    messages.success(request, _("The topic is gone, with its tags."))
    return redirect("surveys:topics")


def _may_write(request: SignedInRequest) -> bool:
    return request.user.role in {Role.ADMIN, Role.MANAGER}


def _samples(request: SignedInRequest, values: dict[str, Any]) -> dict[str, Any]:
    found = figures.try_queries(request.user, {"en": values.get("query_en") or "", "tr": values.get("query_tr") or ""})
    return {"texts": found.texts, "matches": found.matches, "rows": [{"row": row, "pieces": pieces(row.text, [], spans, limit=400)} for row, spans in found.samples]}


def _stands_out(entry: figures.Represented, segments: dict[str, str]) -> dict[str, Any]:
    bands: dict[str, Any] = dict(Band.choices)
    group = _("those who left") if entry.dimension == "outcome" else bands.get(entry.group, entry.group) if entry.dimension == "band" else segments.get(entry.group, entry.group)
    query = "band=lost" if entry.dimension == "outcome" else f"{entry.dimension}={entry.group}"
    return {"entry": entry, "name": topic_name(entry.topic), "group": group, "query": f"topic={entry.topic.key}&{query}"}
