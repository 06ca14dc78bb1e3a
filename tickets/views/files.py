"""Files of messages: handed out as downloads, never shown."""

from __future__ import annotations

from csp.constants import NONE
from csp.decorators import csp
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tickets.downloads import download
from tickets.models import Attachment
from tickets.views.access import reader


@login_required
@require_safe
@csp({"default-src": [NONE], "base-uri": [NONE], "form-action": [NONE], "frame-ancestors": [NONE], "sandbox": True})  # type: ignore[arg-type]
def attachment(request: HttpRequest, pk: int) -> HttpResponse:
    """One file, for those who see its ticket."""
    found = Attachment.objects.visible_to(reader(request)).select_related("content").filter(pk=pk, message__ticket__deleted_at__isnull=True).first()
    if found is None:
        raise Http404
    return download(name=found.name, media_type=found.media_type, data=bytes(found.content.data))
