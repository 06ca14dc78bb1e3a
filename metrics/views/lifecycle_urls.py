"""Addresses of the lifecycle and of the map of the journey."""

from django.urls import path

from metrics.views import lifecycle

app_name = "lifecycle"
urlpatterns = [
    path("lifecycle/", lifecycle.lifecycle, name="stages"),
    path("lifecycle/new/", lifecycle.stage_edit, name="new"),
    path("lifecycle/preview/", lifecycle.stage_preview, name="new_preview"),
    path("lifecycle/panel/<int:account_id>/", lifecycle.panel, name="panel"),
    path("lifecycle/panel/<int:account_id>/move/", lifecycle.move, name="move"),
    path("lifecycle/<slug:key>/", lifecycle.stage, name="stage"),
    path("lifecycle/<slug:key>/edit/", lifecycle.stage_edit, name="edit"),
    path("lifecycle/<slug:key>/preview/", lifecycle.stage_preview, name="preview"),
    path("lifecycle/<slug:key>/delete/", lifecycle.stage_delete, name="delete"),
    path("journey/", lifecycle.journey_map, name="journey"),
]
