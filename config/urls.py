"""All addresses; every app brings its own."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("tickets/", include("tickets.urls")),
    path("surveys/", include("surveys.urls")),
    path("metrics/", include("metrics.urls")),
    path("", include("surveys.public_urls")),
    path("", include("config.pages_urls")),
    path("", include("accounts.session_urls")),
    path("", include("accounts.urls")),
    path("api/v1/", include("config.api")),
]
