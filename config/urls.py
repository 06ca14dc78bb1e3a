"""All addresses; every app brings its own."""

from django.contrib import admin
from django.urls import include, path

from config.views.erasure import erase_me
from metrics.views.moved import moved

urlpatterns = [
    path("admin/", admin.site.urls),
    path("tickets/", include("tickets.urls")),
    path("surveys/", include("surveys.urls")),
    path("metrics/", include("metrics.urls")),
    path("moved/", moved, name="moved"),
    path("segments/", include("metrics.views.segment_urls")),
    path("", include("metrics.views.lifecycle_urls")),
    # before the public pages of surveys, which answer whatever else begins like theirs
    path("u/<str:token>/erase", erase_me, name="survey-erase"),
    path("", include("surveys.public_urls")),
    path("", include("accounts.public_urls")),
    path("", include("config.pages_urls")),
    path("", include("accounts.session_urls")),
    path("", include("accounts.urls")),
    path("api/v1/", include("config.api")),
]
