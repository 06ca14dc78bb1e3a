"""Addresses of metrics."""

from django.urls import path

from metrics.views import overview

app_name = "metrics"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("card/<slug:name>/", overview.kpi_card, name="card"),
    path("kpi/<slug:name>/", overview.kpi, name="kpi"),
]
