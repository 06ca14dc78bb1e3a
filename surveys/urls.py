"""Addresses of surveys."""

from django.urls import path

from surveys.views import cases, classifier, editor, forecast, planning, preview, programme_editor, programmes, results, results_export, staff, survey_settings

app_name = "surveys"
urlpatterns = [
    path("", programmes.overview, name="overview"),
    path("programmes/new/", programme_editor.programme_new, name="programme_new"),
    path("programmes/<slug:key>/", programme_editor.programme, name="programme"),
    path("programmes/<slug:key>/change/<slug:answer>/", programmes.decide_change, name="programme_change"),
    path("programmes/<slug:key>/<slug:step>/", programmes.step, name="programme_step"),
    path("settings/", survey_settings.survey_settings, name="survey_settings"),
    path("decisions/", planning.decisions, name="decisions"),
    path("dry-run/", planning.dry_run, name="dry_run"),
    path("dry-run/<slug:key>/", planning.dry_run, name="dry_run"),
    path("forecast/", forecast.forecast_page, name="forecast"),
    path("unknown/", staff.unknown, name="unknown"),
    path("unknown/<uuid:pk>/resend/", staff.resend, name="resend"),
    path("unknown/<uuid:pk>/drop/", staff.drop, name="drop"),
    path("answers/<uuid:pk>/confirm/", staff.confirm, name="confirm"),
    path("cases/", cases.cases, name="cases"),
    path("cases/<int:pk>/", cases.case, name="case"),
    path("cases/<int:pk>/reopen/", cases.case_reopen, name="case_reopen"),
    path("classifiers/", classifier.classifiers, name="classifiers"),
    path("classifiers/train/", classifier.classifier_train, name="classifier_train"),
    path("classifiers/<int:pk>/use/", classifier.classifier_use, name="classifier_use"),
    path("news/", cases.announcements, name="announcements"),
    path("sending/", staff.sending, name="sending"),
    path("panel/<int:account_id>/", staff.account_panel, name="account_panel"),
    path("editor/", editor.surveys, name="editor"),
    path("editor/new/", editor.new, name="editor_new"),
    path("editor/of/<slug:key>/", editor.survey, name="editor_survey"),
    path("editor/of/<slug:key>/draft/", editor.draft, name="editor_draft"),
    path("versions/<int:pk>/", editor.version, name="version"),
    path("versions/<int:pk>/letters/", editor.letters, name="version_letters"),
    path("versions/<int:pk>/publish/", editor.publish_version, name="version_publish"),
    path("versions/<int:pk>/discard/", editor.discard, name="version_discard"),
    path("versions/<int:pk>/sketch/", preview.sketch, name="version_sketch"),
    path("versions/<int:pk>/test/", preview.send_test, name="version_test"),
    path("preview/<int:pk>/<str:language>/<str:part>/", preview.preview, name="preview"),
    path("results/", results.overview, name="results_overview"),
    path("of/<slug:key>/", results.results, name="results"),
    path("of/<slug:key>/reach/", results.reach, name="reach"),
    path("of/<slug:key>/rows/", results.rows, name="results_rows"),
    path("of/<slug:key>/rows.csv", results_export.rows, name="export_rows"),
    path("of/<slug:key>/figures.csv", results_export.figures, name="export_figures"),
]
