"""Addresses of surveys."""

from django.urls import path

from surveys.views import cases, programme_editor, programmes, staff, survey_settings

app_name = "surveys"
urlpatterns = [
    path("", programmes.overview, name="overview"),
    path("programmes/new/", programme_editor.programme_new, name="programme_new"),
    path("programmes/<slug:key>/", programme_editor.programme, name="programme"),
    path("programmes/<slug:key>/change/<slug:answer>/", programmes.decide_change, name="programme_change"),
    path("programmes/<slug:key>/<slug:step>/", programmes.step, name="programme_step"),
    path("settings/", survey_settings.survey_settings, name="survey_settings"),
    path("decisions/", staff.decisions, name="decisions"),
    path("unknown/", staff.unknown, name="unknown"),
    path("unknown/<uuid:pk>/resend/", staff.resend, name="resend"),
    path("unknown/<uuid:pk>/drop/", staff.drop, name="drop"),
    path("answers/<uuid:pk>/confirm/", staff.confirm, name="confirm"),
    path("cases/", cases.cases, name="cases"),
    path("cases/<int:pk>/", cases.case, name="case"),
    path("cases/<int:pk>/reopen/", cases.case_reopen, name="case_reopen"),
    path("news/", cases.announcements, name="announcements"),
    path("sending/", staff.sending, name="sending"),
    path("panel/<int:account_id>/", staff.account_panel, name="account_panel"),
    path("of/<slug:key>/", staff.results, name="results"),
]
