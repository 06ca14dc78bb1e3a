"""Accounts: the ground: who they are, what happened, what we owe them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Accounts: the ground: who they are, what happened, what we owe them."""

    name = "accounts"
    verbose_name = _("Accounts")
