"""Forms of what is done beside a ticket: work that comes of it, and how long it took."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User, WorkItem
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS
from tickets.handling import ALL, parse_length
from tickets.models.tickets import Channel

# work falls due at this hour of the reader's day, as it does on the worklist
DUE_HOUR = 17


class WorkForm(forms.Form):
    """Customer success work that comes of a ticket."""

    title = forms.CharField(label=_("Next step"), max_length=200)
    type = forms.ChoiceField(label=_("Type"), choices=WorkItem.Type.choices, initial=WorkItem.Type.RISK)
    owner = forms.ModelChoiceField(label=_("Person"), queryset=User.objects.none(), required=False, empty_label=_("The account's owner"))
    date = forms.DateField(label=_("Due on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args: Any, account: Account, user: User, **kwargs: Any):
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        # those who look after accounts: the owner's team, and whoever asks
        near = Q(pk=user.pk) | Q(pk=account.owner_id)
        if account.owner and account.owner.team_id:
            near |= Q(team_id=account.owner.team_id)
        self.fields["owner"].queryset = User.objects.filter(near, is_active=True, role__in=WRITES_ACCOUNTS).order_by("name", "pk")  # type: ignore[attr-defined]

    def clean_date(self) -> dt.date:
        """A day that is not over."""
        day = self.cleaned_data["date"]
        if day < timezone.localdate(read_clock()):
            raise ValidationError(_("This day is over."))
        return day

    @property
    def due_at(self) -> dt.datetime:
        """When it falls due."""
        return timezone.make_aware(dt.datetime.combine(self.cleaned_data["date"], dt.time(DUE_HOUR)))


class LengthField(forms.CharField):
    """A length of time as people write it: 12, 12:30 or 1:02:30. Its value is seconds, None for nothing."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 7, "placeholder": "0:00"})

    def __init__(self, **kwargs: Any):
        super().__init__(**{"required": False, "max_length": 12, **kwargs})

    def clean(self, value: Any) -> Any:
        """Seconds. Raises ValidationError."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_length(text)
        except ValueError as fault:
            raise ValidationError(_("Write it as minutes (12), as 12:30, or with hours as 1:02:30.")) from fault


class HandlingForm(forms.Form):
    """How long one contact was handled; only the times of its channel are asked for."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    talk_seconds = LengthField(label=_("Talk"))
    hold_seconds = LengthField(label=_("On hold"))
    wrap_seconds = LengthField(label=_("Wrap-up"))
    session_seconds = LengthField(label=_("Session"))
    follow_up_seconds = LengthField(label=_("Follow-up"))
    work_seconds = LengthField(label=_("Work time"))

    @property
    def seconds(self) -> dict[str, int | None]:
        """Seconds by column."""
        return {name: self.cleaned_data.get(name) for name in ALL}
