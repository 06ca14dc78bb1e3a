"""Addresses of pages that belong to the installation: health of the process, the inbox."""

import datetime as dt

from django.urls import path, register_converter

from config.views import health, hooks, import_batches, imports, inbox, mail_hooks, sandbox


class DayConverter:
    """A day as `2026-11-22`."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> dt.date:
        """Raises ValueError, which is a 404, for a day that no calendar has."""
        return dt.date.fromisoformat(value)

    def to_url(self, value: dt.date) -> str:
        """The same text."""
        return value.isoformat()


register_converter(DayConverter, "isodate")

urlpatterns = [
    # answered by config.probes before they get here; named so that they can be found
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("hooks/in/email/<slug:provider>/", mail_hooks.email_hook, name="email_hook"),
    path("hooks/in/email/<slug:provider>/inbound/", mail_hooks.inbound_hook, name="inbound_hook"),
    path("hooks/in/generic/", hooks.generic_hook, name="generic_hook"),
    path("hooks/in/generic/<slug:name>/", hooks.generic_hook, name="named_hook"),
    path("hooks/in/stripe/", hooks.stripe_hook, name="stripe_hook"),
    path("hooks/in/stripe/<slug:name>/", hooks.stripe_hook, name="stripe_named_hook"),
    path("sandbox/", sandbox.page, name="sandbox"),
    path("sandbox/advance/", sandbox.advance, name="sandbox_advance"),
    path("sandbox/stop/", sandbox.stop, name="sandbox_stop"),
    path("sandbox/end/", sandbox.end, name="sandbox_end"),
    path("sandbox/mails/<uuid:mail>/", sandbox.mail, name="sandbox_mail"),
    path("sandbox/mails/<uuid:mail>/html/", sandbox.mail_html, name="sandbox_mail_html"),
    path("sandbox/<isodate:day>/", sandbox.day, name="sandbox_day"),
    path("imports/", imports.page, name="imports"),
    path("imports/runs/<uuid:pk>/", imports.run, name="import_run"),
    path("imports/runs/<uuid:pk>/columns/", imports.columns, name="import_columns"),
    path("imports/runs/<uuid:pk>/check/", imports.check, name="import_check"),
    path("imports/runs/<uuid:pk>/carry-out/", imports.carry_out, name="import_carry_out"),
    path("imports/runs/<uuid:pk>/discard/", imports.discard, name="import_discard"),
    path("imports/runs/<uuid:pk>/faults.csv", imports.faults, name="import_faults"),
    path("imports/profiles/<int:pk>/forget/", import_batches.forget_profile, name="import_profile_forget"),
    path("imports/empty/<slug:kind>.csv", import_batches.template, name="import_template"),
    path("imports/<uuid:pk>/", import_batches.batch, name="import_batch"),
    path("imports/<uuid:pk>/take-back/", import_batches.take_back, name="import_take_back"),
    path("inbox/", inbox.listing, name="inbox"),
    path("inbox/<str:key>/", inbox.mail, name="inbox_mail"),
    path("inbox/<str:key>/html/", inbox.html_part, name="inbox_html"),
]
