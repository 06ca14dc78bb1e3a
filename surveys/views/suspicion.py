"""Signs that a machine pressed the button, or one of us. None of them refuses anything: a suspect answer is kept and marked."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from surveys.forms import Nonce
from surveys.queries.links import Opened
from surveys.views.sessions import signed_in_user
from surveys.views.traces import HIDDEN, fetched

TOO_FAST_MS = 1500
BURST_SECONDS = 30
HIDDEN_SECONDS = 60
# nobody opens, reads and answers so soon after the mail server took the mail; a scanner in between does
DELIVERY_SECONDS = 30
# the name of the field that people do not see
TRAP = "website"


def suspicions(request: HttpRequest, nonce: Nonce, link: Opened, token: str, now: dt.datetime) -> list[str]:
    """The signs found in a submission, by name; usually none."""
    found = []
    if now.timestamp() * 1000 - nonce.rendered_ms < TOO_FAST_MS:
        found.append("too_fast")
    if request.POST.get(TRAP):
        found.append("trap_filled")
    if link.kind != "test" and now - max(link.issued_at, link.sent_at or link.issued_at) < dt.timedelta(seconds=DELIVERY_SECONDS):
        found.append("just_delivered")
    found += _of_origin(request)
    found += _of_fetches(token, now)
    found += _of_staff(request, link)
    return found


def _of_origin(request: HttpRequest) -> list[str]:
    """Where the form was sent from. Browsers say `null` here, since the page keeps its address to itself (`no-referrer`)."""
    site, origin = request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", "")
    if site == "cross-site":
        return ["cross_site"]
    if not origin:
        return [] if site == "same-origin" else ["no_origin"]
    ours = {request.get_host(), urlsplit(settings.PUBLIC_BASE_URL).netloc}
    return [] if origin == "null" or urlsplit(origin).netloc in ours else ["foreign_origin"]


def _of_fetches(token: str, now: dt.datetime) -> list[str]:
    seen = {what: now.timestamp() - at for what, at in fetched(token).items()}
    found = []
    if seen.pop(HIDDEN, HIDDEN_SECONDS) < HIDDEN_SECONDS:
        found.append("hidden_link_fetched")
    if sum(age <= BURST_SECONDS for age in seen.values()) > 1:
        found.append("several_scores_fetched")
    return found


def _of_staff(request: HttpRequest, link: Opened) -> list[str]:
    """One of us answers: the contact has a user's address, or the browser is signed in here. Nobody rates the own work."""
    ours = {pk for pk in (link.staff_id, signed_in_user(request)) if pk is not None}
    if not ours:
        return []
    return ["own_ticket" if link.agent_id in ours else "by_staff"]
