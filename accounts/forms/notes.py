"""Writing a note."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class NoteForm(forms.Form):
    """Plain text that people should know about an account."""

    body = forms.CharField(label=_("Note"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}))
    pinned = forms.BooleanField(label=_("Keep on top"), required=False)
