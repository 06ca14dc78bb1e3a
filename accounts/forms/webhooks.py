"""What people type in on the pages of webhooks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.event_kinds import EVENT_KINDS
from accounts.models import WebhookEndpoint


class EndpointForm(forms.ModelForm):
    """An address and what it is told."""

    kinds = forms.MultipleChoiceField(
        label=_("Events"), required=False, choices=[(kind, kind) for kind in sorted(EVENT_KINDS)], widget=forms.CheckboxSelectMultiple, help_text=_("None chosen: every kind.")
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "description", "kinds")
        widgets = {"url": forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off", "spellcheck": "false"})}
        labels = {"url": _("Address")}
        help_texts = {"url": _("https, on port 443 or 8443. Redirects are not followed.")}

    def terms(self) -> dict[str, Any]:
        """What the action takes."""
        return {name: self.cleaned_data[name] for name in ("url", "description", "kinds")}


class ReplayForm(forms.Form):
    """Which stretch of time is sent again."""

    since = forms.DateTimeField(label=_("Recorded since"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), help_text=_("At most 30 days back."))
    delivered_too = forms.BooleanField(label=_("Also what arrived"), required=False)
