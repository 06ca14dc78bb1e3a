"""The forms of the sandbox's page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Segment
from accounts.wording import segment_name
from config.sandbox.copying import MOST_ACCOUNTS
from config.sandbox.working import LONGEST_DAYS


class ChoiceForm(forms.Form):
    """Which accounts are copied."""

    segment = forms.ChoiceField(label=_("Segment"), required=False)
    order = forms.ChoiceField(label=_("Which come first"), choices=[("stake", _("most at stake")), ("mrr", _("most MRR")), ("newest", _("newest"))])
    most = forms.IntegerField(label=_("How many at most"), min_value=1, max_value=MOST_ACCOUNTS, initial=200)

    def __init__(self, *args: Any, **rest: Any):
        super().__init__(*args, **rest)
        segments: Any = self.fields["segment"]
        segments.choices = [("", _("All segments")), *((each.key, segment_name(each)) for each in Segment.objects.all())]


class DaysForm(forms.Form):
    """How far the clock moves on."""

    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=LONGEST_DAYS)
