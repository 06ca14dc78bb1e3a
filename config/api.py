"""The API's addresses: every app brings its own endpoints; its description stands beside them."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.api.problems import no_such_address

# the description names no row of anybody, so it needs no key
_open: dict[str, list[Any]] = {"authentication_classes": [], "permission_classes": [], "throttle_classes": []}

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("tickets.api.urls")),
    path("", include("surveys.api.urls")),
    path("", include("metrics.api.urls")),
    path("schema/", SpectacularAPIView.as_view(**_open), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema", template_name="api/docs.html", **_open), name="api-docs"),
    re_path(r"^.*$", no_such_address, name="api-nowhere"),
]
