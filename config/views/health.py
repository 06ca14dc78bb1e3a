"""The two addresses a monitor asks: does the process answer, is the installation fit to work."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import condition


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 whenever this process answers; asks nothing else."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every part works, else 503; the answer names each part."""
    found = condition.parts()
    ready = all(part.ok for part in found)
    return JsonResponse(
        {"ready": ready, "parts": {part.name: {key: value for key, value in part.as_dict().items() if key != "name"} for part in found}}, status=200 if ready else 503
    )
