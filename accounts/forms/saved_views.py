"""The form of a saved view."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class SavedViewForm(forms.Form):
    """A name, and whether colleagues see the view; only those who write may share."""

    name = forms.CharField(label=_("Name of the view"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    shared = forms.BooleanField(label=_("Shared with everybody"), required=False)

    def __init__(self, *args: Any, may_share: bool, **rest: Any) -> None:
        super().__init__(*args, **rest)
        if not may_share:
            del self.fields["shared"]
