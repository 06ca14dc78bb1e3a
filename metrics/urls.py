"""Addresses of metrics."""

from django.urls import path

from metrics.views import health, kpi, lifetime, overview, restatements, sparks, support

app_name = "metrics"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("card/<slug:name>/", overview.kpi_card, name="card"),
    path("kpi/<slug:name>/", kpi.kpi, name="kpi"),
    path("support/", support.support, name="support"),
    path("support/panel/<slug:name>/", support.support_panel, name="support_panel"),
    path("support/tickets/", support.support_tickets, name="support_tickets"),
    path("support/customers.csv", support.support_customers_csv, name="support_customers_csv"),
    path("cohorts/", lifetime.cohorts, name="cohorts"),
    path("cohorts/tenure/", lifetime.tenure, name="tenure"),
    path("cohorts/value/", lifetime.value, name="lifetime_value"),
    path("cohorts/accounts/", lifetime.accounts, name="cohort_accounts"),
    path("restatements/", restatements.restatements, name="restatements"),
    path("restatements/csv/", restatements.restatements_csv, name="restatements_csv"),
    path("sparks/", sparks.sparks, name="sparks"),
    path("panel/<int:account_id>/", health.account_panel, name="account_panel"),
]
