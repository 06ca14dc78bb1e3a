"""Addresses of pages that belong to the installation: health of the process, the inbox."""

from django.urls import path

from config.views import health, hooks, inbox, mail_hooks

urlpatterns = [
    # answered by config.probes before they get here; named so that they can be found
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("hooks/in/email/<slug:provider>/", mail_hooks.email_hook, name="email_hook"),
    path("hooks/in/email/<slug:provider>/inbound/", mail_hooks.inbound_hook, name="inbound_hook"),
    path("hooks/in/generic/", hooks.generic_hook, name="generic_hook"),
    path("hooks/in/generic/<slug:name>/", hooks.generic_hook, name="named_hook"),
    path("inbox/", inbox.listing, name="inbox"),
    path("inbox/<str:key>/", inbox.mail, name="inbox_mail"),
    path("inbox/<str:key>/html/", inbox.html_part, name="inbox_html"),
]
