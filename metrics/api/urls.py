"""Addresses of health and figures, below `/api/v1/`."""

from django.urls import path

from metrics.api.figures import Figure, KpiList
from metrics.api.health import Health
from metrics.api.rows import Rows

urlpatterns = [
    path("accounts/<int:pk>/health/", Health.as_view(), name="api-health"),
    path("metrics/", KpiList.as_view(), name="api-metrics"),
    path("metrics/<slug:kpi>/", Figure.as_view(), name="api-figure"),
    path("metrics/<slug:kpi>/rows/", Rows.as_view(), name="api-figure-rows"),
]
