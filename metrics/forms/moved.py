"""The form of how far a score moved, and in how long."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

POINTS, DAYS = 10, 28


class MovedForm(forms.Form):
    """At least so many points in so many days, down, up or either way."""

    points = forms.IntegerField(label=_("Points, at least"), min_value=1, max_value=100, required=False, widget=forms.NumberInput(attrs={"inputmode": "numeric"}))
    days = forms.IntegerField(label=_("Within days"), min_value=1, max_value=365, required=False, widget=forms.NumberInput(attrs={"inputmode": "numeric"}))
    direction = forms.ChoiceField(label=_("Direction"), choices=(("", _("Down or up")), ("down", _("Down")), ("up", _("Up"))), required=False)

    @property
    def values(self) -> dict[str, object]:
        """What the query takes; what is empty is 10 points and 28 days."""
        data = self.cleaned_data
        return {"points": data["points"] or POINTS, "days": data["days"] or DAYS, "direction": data["direction"]}
