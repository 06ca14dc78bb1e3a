"""What imports are called on pages. Pure but for translation."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

KINDS: dict[str, Any] = {
    "accounts": _("Accounts"), "contacts": _("Contacts"), "subscriptions": _("Subscriptions"), "transactions": _("Transactions"), "usage": _("Usage"), "events": _("Events"),
    "costs": _("Costs"), "exchange_rates": _("Exchange rates"), "tickets": _("Tickets"), "ticket_events": _("Moves of tickets"), "interactions": _("Interactions"),
    "service_levels": _("Service levels"), "business_hours": _("Business hours"), "holidays": _("Holidays"), "responses": _("Answers to surveys"),
}  # fmt: skip
WARNINGS: dict[str, Any] = {
    "combined_rows": _("rows of one key were added up"), "contacts_created": _("contacts were made for unknown addresses"), "costs_below_zero": _("costs are below zero"),
    "empty_spans": _("spans end when they begin"), "spans_below_zero": _("spans have an amount below zero"), "over_before_start": _("spans were over before they began"),
    "events_before_opening": _("moves lie before the opening of their ticket"), "instants_before_opening": _("instants lie before the opening of their ticket"),
    "scores_outside_scale": _("scores lie outside of their scale"), "last_row_without_newline": _("the last line has no end: the file may have been cut off"),
}  # fmt: skip
# the titles of the shipped profiles, as their files say them; a test holds the two together
PROFILES: dict[str, Any] = {
    "cdnow": _("Orders of a web shop"),
    "it_incidents": _("Incident management log: incidents with the history of their states and priorities"),
    "mrr_playbook": _("Subscription periods with a monthly amount"),
    "ravenstack": _("RavenStack SaaS: accounts, subscriptions, feature usage, tickets with CSAT, churn events"),
    "sim_crm": _("Simulated CRM: accounts, plans and add-ons, daily use"),
    "stripe": _("Stripe: customers, subscriptions, charges with refunds"),
    "support_tickets_consumer": _("Consumer support tickets: states, priorities, channels, replies and ratings"),
    "telco_churn": _("Telephone customers with tenure, monthly charge and churn label"),
    "telco_status": _("Telephone customers in four tables, with satisfaction and churn reasons"),
    "vefa": _("Files in our own layout: one file a kind, named after it"),
    "zendesk": _("Zendesk Support: organisations, end users, tickets, field history, comments"),
}
ENCODINGS = {
    "utf-8": "UTF-8", "cp1254": _("Turkish (Windows-1254)"), "iso-8859-9": _("Turkish (ISO 8859-9)"), "cp1252": _("Western European (Windows-1252)"), "utf-16": "UTF-16",
}  # fmt: skip
DELIMITERS = {",": _("comma"), ";": _("semicolon"), "tab": _("tab"), "|": _("vertical bar")}
# by decimal sign and thousands separator; the same number in each
NUMBERS = {".": "1234.56", ".,": "1,234.56", ",": "1234,56", ",.": "1.234,56", ", ": "1 234,56", ". ": "1 234.56"}
OWN = {"=text": _("own field: text"), "=number": _("own field: number"), "=boolean": _("own field: yes or no")}
# what the parts of a format stand for, as a reader would write the fourth of May
_PARTS = {"%d": "04", "%m": "05", "%Y": "2026"}


def kind_name(kind: str) -> str:
    """A kind in words."""
    return str(KINDS.get(kind, kind))


def profile_name(name: str) -> str:
    """A shipped profile in words; one of the installation's own is called what it is called."""
    return str(PROFILES.get(name, name))


def day_example(form: str) -> str:
    """The fourth of May 2026 as a format writes it; the reader sees which number is the month."""
    if form == "iso":
        return "2026-05-04"
    for part, value in _PARTS.items():
        form = form.replace(part, value)
    return form


def warnings_in_words(found: dict[str, int]) -> list[tuple[int, str]]:
    """What was accepted but should be known: how often, and what."""
    return [(count, str(WARNINGS.get(name, name.replace("_", " ")))) for name, count in found.items()]
