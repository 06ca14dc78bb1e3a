"""The logo of a survey, for mail programs: public, unchanging under its own digest, and nothing but a picture."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from surveys.models import SurveyLogo


@require_safe
def logo(request: HttpRequest, key: str, file: str) -> HttpResponse:
    """The picture that mails of a survey show; also one that newer mails no longer show."""
    found = SurveyLogo.objects.filter(survey__key=key, file=file).first()
    if found is None:
        raise Http404
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(bytes(found.content), content_type=found.media_type, headers=headers)
