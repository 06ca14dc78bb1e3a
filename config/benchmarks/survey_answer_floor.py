"""What the answering pages are measured against: one row inserted and committed, one row looked up. Nothing is checked, kept or shown."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from surveys.models import Touchpoint

TABLE = "CREATE TABLE bench_answer (id bigserial PRIMARY KEY, link bigint NOT NULL, score smallint NOT NULL, at timestamptz NOT NULL DEFAULT now())"


@csrf_exempt
@require_POST
def insert(request: HttpRequest) -> HttpResponse:
    """One row, committed."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_answer (link, score) VALUES (%s, %s)", [int(request.POST["link"]), int(request.POST["score"])])
    return HttpResponse("kept")


@require_GET
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """One row by its key, as Django finds it."""
    return HttpResponse(Touchpoint.objects.get(pk=pk).name)


urlpatterns = [path("bench/insert/", insert), path("bench/look/<int:pk>/", look), path("", include("config.urls"))]
