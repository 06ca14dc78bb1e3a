"""The form of an absence and who covers it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actions.covers import CoverRefused
from accounts.models import User
from accounts.queries.work_people import assignable_by
from accounts.roles import WRITES_ACCOUNTS

REFUSALS = {
    "no_book": _("This person has no book to cover."),
    "oneself": _("Nobody can cover for themselves."),
    "left": _("This person has left."),
    "not_seen": _("This person could not see the book: choose a CSM, the lead of the team, or an admin."),
    "ends_first": _("The last day comes before the first."),
    "over": _("This absence is over already."),
    "too_long": _("A cover lasts at most a year."),
    "covered": _("Another cover of this absence falls into these days."),
}


class CoverForm(forms.Form):
    """Who is away, who covers, the first and the last day."""

    absent = forms.ModelChoiceField(label=_("Away"), queryset=User.objects.none(), empty_label=None)
    substitute = forms.ModelChoiceField(label=_("Covered by"), queryset=User.objects.none(), empty_label=_("Choose"))
    first = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args: Any, user: User, **kwargs: Any):
        super().__init__(*args, **{"initial": {"absent": user.pk}, **kwargs})
        absent, substitute = self.fields["absent"], self.fields["substitute"]
        # a CSM tells of the own absence; leads and admins of those whose books they see
        absent.queryset = assignable_by(user) if user.role != "csm" else User.objects.filter(pk=user.pk)  # type: ignore[attr-defined]
        substitute.queryset = User.objects.filter(is_active=True, role__in=WRITES_ACCOUNTS).order_by("name", "pk")  # type: ignore[attr-defined]

    def refuse(self, fault: CoverRefused) -> None:
        """Says a refusal of the action at its field."""
        self.add_error(fault.field, REFUSALS[fault.why])

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes; days begin and end at the reader's midnights."""
        data = self.cleaned_data

        def midnight(day: dt.date) -> dt.datetime:
            return timezone.make_aware(dt.datetime.combine(day, dt.time()))

        return {"absent": data["absent"], "substitute": data["substitute"], "starts_at": midnight(data["first"]), "ends_at": midnight(data["last"] + dt.timedelta(days=1))}
