"""Surveys: what they tell us."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    """Surveys: what they tell us."""

    name = "surveys"
    verbose_name = _("Surveys")
