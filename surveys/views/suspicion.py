"""Signs that a machine pressed the button. None of them refuses anything: a suspect answer is kept and marked."""

from __future__ import annotations

import datetime as dt

from django.core.cache import cache
from django.http import HttpRequest

from surveys.forms import Nonce
from surveys.models import SurveyLink

TOO_FAST_MS = 1500
BURST_SECONDS = 30
# the name of the field that people do not see
TRAP = "website"


def preselection_key(link: SurveyLink) -> str:
    """Where the scores that a link was fetched with are remembered."""
    return f"surveys:preselected:{bytes(link.token_hash).hex()}"


def note_preselection(link: SurveyLink, score: int, now: dt.datetime) -> None:
    """Remembers for a moment that a link was fetched with this score; a scanner fetches several. No row is written.

    A cache that does not answer costs the sign, not the page.
    """
    key = preselection_key(link)
    try:
        seen = [entry for entry in cache.get(key) or [] if now.timestamp() - entry[0] <= BURST_SECONDS]
        cache.set(key, [*seen, (now.timestamp(), score)][-20:], BURST_SECONDS)
    except Exception:  # the cache's own kinds of failure differ by back end
        return


def suspicions(request: HttpRequest, nonce: Nonce, link: SurveyLink, now: dt.datetime) -> list[str]:
    """The signs found in a submission, by name; usually none."""
    found = []
    if now.timestamp() * 1000 - nonce.rendered_ms < TOO_FAST_MS:
        found.append("too_fast")
    if request.POST.get(TRAP):
        found.append("trap_filled")
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        found.append("cross_site")
    if _several_scores_fetched(link, now):
        found.append("several_scores_fetched")
    return found


def _several_scores_fetched(link: SurveyLink, now: dt.datetime) -> bool:
    try:
        seen = cache.get(preselection_key(link)) or []
    except Exception:  # as above
        return False
    return len({score for at, score in seen if now.timestamp() - at <= BURST_SECONDS}) > 1
