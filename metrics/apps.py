"""Metrics: what it adds up to."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MetricsConfig(AppConfig):
    """Metrics: what it adds up to."""

    name = "metrics"
    verbose_name = _("Metrics")
