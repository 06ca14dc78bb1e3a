"""Addresses of surveys."""

from django.urls import path

from surveys.views import staff

app_name = "surveys"
urlpatterns = [
    path("", staff.overview, name="overview"),
    path("decisions/", staff.decisions, name="decisions"),
    path("unknown/", staff.unknown, name="unknown"),
    path("unknown/<uuid:pk>/resend/", staff.resend, name="resend"),
    path("unknown/<uuid:pk>/drop/", staff.drop, name="drop"),
    path("answers/<uuid:pk>/confirm/", staff.confirm, name="confirm"),
    path("sending/", staff.sending, name="sending"),
    path("panel/<int:account_id>/", staff.account_panel, name="account_panel"),
    path("of/<slug:key>/", staff.results, name="results"),
]
