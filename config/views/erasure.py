"""The wish to be forgotten, behind the link in a mail: what it means, asked once more, then done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.queries.clock import read_clock
from config.erasing import erase_contact
from surveys.forms import new_nonce, read_nonce
from surveys.queries.links import refusal_link
from surveys.queries.preferences import preferences_of
from surveys.views import pages
from surveys.views.preferences import METHODS, erased_page, frame_of, text_of
from surveys.views.public import public_page


@public_page
@require_http_methods(METHODS)
def erase_me(request: HttpRequest, token: str) -> HttpResponse:
    """Explains; a POST of the form that was shown, with its box ticked, erases.

    The box is what keeps a mail scanner that presses every button from erasing people.
    """
    link = refusal_link(token)
    if link is None:
        return pages.unknown()
    if link.revoked_at is not None or link.invitation.contact_id is None:
        return erased_page(request, link, token, preferences_of(link.invitation))
    missing = False
    if request.method == "POST":
        nonce = read_nonce(request.POST.get("form_nonce", ""), link.pk)
        if nonce is not None and request.POST.get("understood") == "1":
            text = text_of(request, link)
            erase_contact(contact_id=link.invitation.contact_id, source="link", now=read_clock())
            context = {**frame_of(link, text, token, "survey-refuse"), "state": preferences_of(link.invitation), "initials": "", "account": ""}
            return pages.page("erased", context, text.language, 200)
        missing = True
    text = text_of(request, link)
    context = {**frame_of(link, text, token, "survey-erase"), "nonce": new_nonce(link.pk), "missing": missing}
    return pages.page("erase", context, text.language, 400 if missing else 200)
