"""The inbox of the mail catcher: what left for nobody, for admins to look at."""

from __future__ import annotations

import re

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.roles import Role
from config.services import inbox

PAGE = 50
_HEAD = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)
# links of a mail open beside the page: inside its frame they could show nothing
_BASE = '<base target="_blank">'
# mails bring their own inline styles; this answer alone may have them, and it runs nothing
LETTER = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def framed(html: str) -> HttpResponse:
    """The HTML of a mail, as it was sent but for the target of its links. Raises Http404 where it has none."""
    if not html:
        raise Http404
    head = _HEAD.search(html)
    return HttpResponse(html[: head.end()] + _BASE + html[head.end() :] if head else _BASE + html)


def _only_admins(request: HttpRequest) -> None:
    """Raises Http404 for everybody else: mails hold what single people were told."""
    if not isinstance(request.user, User) or request.user.role != Role.ADMIN:
        raise Http404


def _mail(request: HttpRequest, key: str) -> inbox.OpenedMail:
    _only_admins(request)
    found = inbox.opened(settings.VEFA_DATA, key)
    if found is None:
        raise Http404
    return found


@require_safe
@login_required
@never_cache
def listing(request: HttpRequest) -> HttpResponse:
    """The newest mails, a page at a time."""
    _only_admins(request)
    mails = inbox.newest(settings.VEFA_DATA, before=request.GET.get("before", ""), limit=PAGE + 1)
    context = {
        "mails": mails[:PAGE],
        "older": mails[PAGE - 1].key if len(mails) > PAGE else "",
        "newer": "before" in request.GET,
        "real_server": settings.EMAIL_HOST if settings.EMAIL_CONFIGURED else "",
    }
    return render(request, "config/inbox.html", context)


@require_safe
@login_required
@never_cache
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """One mail: headers, text, and its HTML in a frame that may run nothing."""
    return render(request, "config/inbox_mail.html", {"mail": _mail(request, key)})


@require_safe
@login_required
@never_cache
@xframe_options_sameorigin  # type: ignore[arg-type]
@csp(LETTER)  # type: ignore[arg-type]
def html_part(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML of a mail, as it was sent but for the target of its links."""
    return framed(_mail(request, key).html)
