"""Addresses of metrics."""

from django.urls import path

from metrics.views import health, overview, sparks

app_name = "metrics"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("card/<slug:name>/", overview.kpi_card, name="card"),
    path("kpi/<slug:name>/", overview.kpi, name="kpi"),
    path("sparks/", sparks.sparks, name="sparks"),
    path("panel/<int:account_id>/", health.account_panel, name="account_panel"),
]
