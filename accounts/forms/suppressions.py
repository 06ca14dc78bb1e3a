"""Looking for an address that gets no mail, stopping one by hand, and letting one get mail again."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

_MAILBOX = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class AddressForm(forms.Form):
    """An address to look for."""

    address = forms.EmailField(label=_("Address"), max_length=320, widget=forms.EmailInput(attrs=_MAILBOX))


class StopForm(AddressForm):
    """An address to stop, with a word on why."""

    note = forms.CharField(label=_("Why"), max_length=100, help_text=_("A word for those who look later, a request by phone say. Without the person's name or address."))


class LiftForm(forms.Form):
    """Why an address may get mail again; a complaint and an erasure need a second look."""

    address = forms.EmailField(required=False, max_length=320, widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Why may it get mail again?"), max_length=300)
    confirmed = forms.BooleanField(label=_("I know what the person asked for, and that they now want mail again."), required=False)
