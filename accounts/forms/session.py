"""Signing in and the reader's own preferences."""

from __future__ import annotations

import zoneinfo
from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SignInForm(forms.Form):
    """An address of mail and a password; says nothing about which of the two was wrong."""

    email = forms.CharField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false", "autocapitalize": "none"})
    )
    password = forms.CharField(label=_("Password"), max_length=128, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))


class PreferencesForm(forms.ModelForm):
    """A person's own settings. Role, team and address are the admin's to change."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "language", "time_zone", "theme", "density"]
        widgets: ClassVar[dict[str, forms.Widget]] = {"time_zone": forms.TextInput(attrs={"list": "zones", "placeholder": "Europe/Istanbul", "autocomplete": "off"})}


def zones() -> list[str]:
    """Names of time zones to choose from: those with a place in them."""
    return sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/")))
