"""Addresses of segments."""

from django.urls import path

from metrics.views import segment_place, segments

app_name = "segments"
urlpatterns = [
    path("", segments.segments, name="list"),
    path("new/", segments.segment_edit, name="new"),
    path("progress/", segments.segment_progress, name="progress"),
    path("overrides/", segments.segment_overrides, name="overrides"),
    path("account/<int:account_id>/", segment_place.place, name="place"),
    path("account/<int:account_id>/override/", segment_place.override, name="override"),
    path("account/<int:account_id>/clear/", segment_place.clear, name="clear"),
    path("<slug:key>/", segments.segment, name="segment"),
    path("<slug:key>/edit/", segments.segment_edit, name="edit"),
    path("<slug:key>/move/", segments.segment_move, name="move"),
    path("<slug:key>/delete/", segments.segment_delete, name="delete"),
]
