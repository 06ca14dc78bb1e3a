"""Addresses of metrics."""

from django.urls import path

from metrics.views import funnels, health, health_models, kpi, lifetime, overview, restatements, sparks, support

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
    path("health-models/", health_models.health_models, name="health_models"),
    path("health-models/<int:pk>/", health_models.health_model, name="health_model"),
    path("health-models/<int:pk>/preview/", health_models.health_model_preview, name="health_model_preview"),
    path("health-models/<int:pk>/draft/", health_models.health_model_draft, name="health_model_draft"),
    path("health-models/<int:pk>/discard/", health_models.health_model_discard, name="health_model_discard"),
    path("health-models/<int:pk>/activate/", health_models.health_model_activate, name="health_model_activate"),
    path("funnels/", funnels.funnels, name="funnels"),
    path("funnels/new/", funnels.funnel_edit, name="funnel_new"),
    path("funnels/<int:pk>/", funnels.funnel, name="funnel"),
    path("funnels/<int:pk>/edit/", funnels.funnel_edit, name="funnel_edit"),
    path("funnels/<int:pk>/remove/", funnels.funnel_remove, name="funnel_remove"),
    path("funnels/<int:pk>/accounts/", funnels.funnel_accounts, name="funnel_accounts"),
    path("sparks/", sparks.sparks, name="sparks"),
    path("panel/<int:account_id>/", health.account_panel, name="account_panel"),
]
