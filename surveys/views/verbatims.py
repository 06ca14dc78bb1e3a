"""What customers wrote: one search over every source, and what people say of a reading."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.topics import correct_sentiment, judge_tag, tag_by_hand, untag_by_hand
from accounts.models import Segment, Topic, TopicTag, Verbatim
from accounts.models.snapshots import Band
from accounts.queries import accounts as listing
from accounts.queries import verbatims as voice
from accounts.queries.clock import read_clock
from accounts.queries.verbatims import VerbatimFilter
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from accounts.wording import language_name
from surveys.views.tabs import tabs_for


@require_GET
@login_required
def verbatims(request: SignedInRequest) -> HttpResponse:
    """The search; further rows as a fragment. Analysts see figures of topics only."""
    if request.user.role == Role.ANALYST:
        raise Http404
    chosen = VerbatimFilter.read(request.GET)
    page = voice.page(request.user, chosen, request.GET.get("after", ""))
    topics = voice.topics()
    context: dict[str, Any] = {
        "chosen": chosen, "cards": [_card(row, chosen) for row in page.rows], "after": page.after, "more": _address(chosen, page.after) if page.after else "",
        "topics": topics, "may_review": _may_review(request),
    }  # fmt: skip
    if request.htmx and "after" in request.GET:
        return render(request, "surveys/_verbatim_rows.html", context)
    context |= {
        "count": voice.count(request.user, chosen),
        "sources": Verbatim.Source.choices,
        "sentiments": Verbatim.Sentiment.choices,
        "tongues": [(code, language_name(code)) for code in ("en", "tr")],
        "segments": list(Segment.objects.all()),
        "bands": [*Band.choices],
        "owners": list(listing.owners(request.user)),
        "continued": bool(request.GET.get("after")),
        "tabs": tabs_for(request.user, "surveys:topics"),
    }
    response = render(request, "surveys/verbatims.html", context)
    if request.htmx:
        response["HX-Push-Url"] = _address(chosen)
    return response


@require_POST
@login_required
def review(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """A reviewer corrects a reading: its sentiment, a query's tag (right or wrong), an own tag; answers with the card."""
    if not _may_review(request):
        raise PermissionDenied
    row = get_object_or_404(Verbatim.objects.visible_to(request.user), pk=pk)
    now = read_clock()
    if "sentiment" in request.POST:
        if request.POST["sentiment"] not in {"", *Verbatim.Sentiment.values}:
            return HttpResponseBadRequest()
        correct_sentiment(verbatim=row, sentiment=request.POST["sentiment"], actor=request.user)
    elif request.POST.get("tag", "").isdecimal():
        tag = get_object_or_404(TopicTag, pk=int(request.POST["tag"]), verbatim=row, by=TopicTag.By.QUERY)
        judge_tag(tag=tag, right=request.POST.get("right") == "1", actor=request.user, now=now)
    else:
        topic = get_object_or_404(Topic, key=request.POST.get("topic", ""))
        if "remove" in request.POST:
            untag_by_hand(verbatim=row, topic=topic)
        else:
            tag_by_hand(verbatim=row, topic=topic, actor=request.user, now=now)
    if not request.htmx:
        return HttpResponse(status=303, headers={"Location": f"{reverse('surveys:verbatims')}#v-{row.pk}"})
    fresh = Verbatim.objects.select_related("account__segment", "contact").prefetch_related("tags__topic").get(pk=row.pk)
    return render(request, "surveys/_verbatim.html", {"card": _card(fresh, VerbatimFilter()), "topics": voice.topics(), "may_review": True})


def _may_review(request: SignedInRequest) -> bool:
    return request.user.role in {Role.ADMIN, Role.MANAGER, Role.CSM}


def _address(chosen: VerbatimFilter, after: str = "") -> str:
    query = chosen.query()
    if after:
        query = f"{query}&{listing.urlencode({'after': after})}" if query else listing.urlencode({"after": after})
    return reverse("surveys:verbatims") + (f"?{query}" if query else "")


def _card(row: Verbatim, chosen: VerbatimFilter) -> dict[str, Any]:
    """A verbatim as it is shown: its pieces marked, its tags, where it stands."""
    tags = list(row.tags.all())
    spans = [span for tag in tags if tag.topic.key == chosen.topic for span in tag.evidence]
    return {
        "row": row,
        "pieces": voice.pieces(row.text, [] if row.sentiment_corrected else row.evidence, spans),
        "sentiment": row.sentiment_corrected or row.sentiment,
        "sentiment_word": Verbatim.Sentiment(row.sentiment_corrected or row.sentiment).label,
        "tags": [tag for tag in tags if tag.verdict != TopicTag.Verdict.WRONG],
        "wrong": [tag for tag in tags if tag.verdict == TopicTag.Verdict.WRONG],
    }
