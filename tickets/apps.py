"""Tickets: what goes wrong for customers."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    """Tickets: what goes wrong for customers."""

    name = "tickets"
    verbose_name = _("Tickets")
