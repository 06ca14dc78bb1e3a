"""What people type in on the worklist: its filters, and the small forms of its dialogs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions.touches import MOST_MINUTES, Channel
from accounts.models import User, WorkItem
from accounts.models.snapshots import Band
from accounts.queries.work_filter import SCOPES, SORTS, VIEWS, WorkFilter
from accounts.queries.work_people import assignable_by

# hours of the reader's day at which work falls due and sleepers wake
DUE_HOUR, WAKE_HOUR = 17, 8


def read_filter(params: Mapping[str, str], user: User) -> WorkFilter:
    """The view that a query string asks for; what is unknown or not the reader's falls back to the plain view."""
    scopes = SCOPES.get(user.role) or ("mine",)
    view = params.get("view", "")
    scope = params.get("scope", "")
    kind, band, sort, owner = params.get("type", ""), params.get("band", ""), params.get("sort", ""), params.get("owner", "")
    view = view if view in VIEWS else "items"
    scope = scope if scope in scopes and not (view == "risk" and scope in {"snoozed", "done"}) else scopes[0]
    return WorkFilter(
        view=view,
        scope=scope,
        segment=params.get("segment", "")[:60].replace("\x00", ""),
        type=kind if kind in WorkItem.Type.values and view == "items" else "",
        owner=int(owner) if owner.isascii() and owner.isdigit() and len(owner) < 10 else None,
        band=band if band in Band.values or (band == "any" and view == "risk") else "",
        text=" ".join(params.get("q", "")[:100].replace("\x00", "").split()),
        sort=sort if sort in SORTS and view == "items" else "rank",
        after=_cursor(params.get("after", "")),
    )


def _cursor(text: str) -> tuple[int, ...]:
    parts = text.split("~") if text else []
    try:
        numbers = tuple(int(part) for part in parts)
    except ValueError:
        return ()
    fits = 2 <= len(numbers) <= 4 and all(-(2**62) < number < 2**62 for number in numbers)
    return numbers if fits else ()


def at_hour(day: dt.date, hour: int) -> dt.datetime:
    """An hour of a day in the reader's zone."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time(hour)))


class DoneForm(forms.Form):
    """What came of the work."""

    OUTCOMES = (("", _("No remark")), ("agreed", _("Reached, next step agreed")), ("reached", _("Reached, no result")), ("missed", _("Not reached")))

    outcome = forms.ChoiceField(label=_("Outcome"), choices=OUTCOMES, required=False)
    note = forms.CharField(label=_("Note"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        words = str(dict(self.OUTCOMES)[self.cleaned_data["outcome"]]) if self.cleaned_data["outcome"] else ""
        return {"text": ": ".join(part for part in (words, self.cleaned_data["note"].strip()) if part)}


class DropForm(forms.Form):
    """Why the work will not be done."""

    reason = forms.CharField(label=_("Why will it not be done?"), max_length=300, widget=forms.TextInput(attrs={"autofocus": True}))

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        return {"text": self.cleaned_data["reason"]}


class SupportForm(forms.Form):
    """What support should do; the work sleeps until they are done."""

    reason = forms.CharField(label=_("What should support do?"), max_length=200, widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}))

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        return {"text": self.cleaned_data["reason"]}


class SnoozeForm(forms.Form):
    """Until when the work sleeps, and why."""

    WHEN = (("tomorrow", _("Tomorrow")), ("week", _("Next week")), ("month", _("Next month")), ("date", _("On a date")))

    when = forms.ChoiceField(label=_("Until"), choices=WHEN, initial="week", widget=forms.RadioSelect)
    date = forms.DateField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(label=_("Reason"), max_length=200, widget=forms.TextInput(attrs={"autofocus": True}))

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["date"].widget.attrs["min"] = (today + dt.timedelta(days=1)).isoformat()

    def clean(self) -> dict[str, Any]:
        """The day that the choice means."""
        data = super().clean() or {}
        presets = {"tomorrow": self.today + dt.timedelta(days=1), "week": self.today + dt.timedelta(days=7 - self.today.weekday()), "month": _next_month(self.today)}
        day = presets.get(data.get("when", ""), data.get("date"))
        if data.get("when") == "date" and day is None and "date" not in self.errors:
            self.add_error("date", _now("Choose the day on which it comes back."))
        elif day is not None and day <= self.today:
            self.add_error("date", _now("Choose a day after today."))
        data["until"] = day
        return data

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        return {"at": at_hour(self.cleaned_data["until"], WAKE_HOUR), "text": self.cleaned_data["reason"]}


def _next_month(today: dt.date) -> dt.date:
    """The first Monday to Friday of the next month."""
    day = (today.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return day + dt.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def choose_among(form: forms.Form, user: User) -> None:
    """Lets a form's owner be one of those the user may give work to; who has left since the form was opened is named."""
    field: Any = form.fields["owner"]
    field.queryset = assignable_by(user)
    sent = form.data.get(form.add_prefix("owner"), "") if form.is_bound else ""
    if sent and sent.isascii() and sent.isdigit() and len(sent) < 10:
        left = User.objects.filter(pk=int(sent), is_active=False).values_list("name", flat=True).first()
        if left:
            field.error_messages = {**field.error_messages, "invalid_choice": _now("%(name)s has left. Choose somebody who is here.") % {"name": left.replace("%", "%%")}}


class AssignForm(forms.Form):
    """Who takes over."""

    owner = forms.ModelChoiceField(label=_("Person"), queryset=User.objects.none(), empty_label=None, widget=forms.Select(attrs={"autofocus": True}))

    def __init__(self, *args: Any, user: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        choose_among(self, user)

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        return {"owner_id": self.cleaned_data["owner"].pk}


class DueForm(forms.Form):
    """The new day on which the work is due."""

    date = forms.DateField(label=_("Due on"), widget=forms.DateInput(attrs={"type": "date", "autofocus": True}, format="%Y-%m-%d"))
    shift = forms.BooleanField(required=False)

    def __init__(self, *args: Any, others: int = 0, playbook: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not others:
            del self.fields["shift"]
            return
        words = ngettext("Move the other open step of %(playbook)s by as many days", "Move the other %(count)s open steps of %(playbook)s by as many days", others)
        self.fields["shift"].label = words % {"count": others, "playbook": playbook}

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        return {"at": at_hour(self.cleaned_data["date"], DUE_HOUR)}

    @property
    def shifts(self) -> bool:
        """Whether the other open steps of the run go along."""
        return bool(self.cleaned_data.get("shift"))


class TouchForm(forms.Form):
    """A call, a meeting or a mail with its minutes. Sent as it opens it logs a call of a quarter of an hour."""

    channel = forms.ChoiceField(label=_("What"), choices=Channel.choices, initial=Channel.CALL, widget=forms.RadioSelect)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=0, max_value=MOST_MINUTES, initial=15, widget=forms.NumberInput(attrs={"inputmode": "numeric"}))
    note = forms.CharField(label=_("Note"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


class NewWorkForm(forms.Form):
    """Work that a person opens by hand."""

    type = forms.ChoiceField(label=_("Type"), choices=WorkItem.Type.choices, initial=WorkItem.Type.ACTIVITY)
    title = forms.CharField(label=_("Next step"), max_length=200)
    why = forms.CharField(label=_("Why now"), max_length=300, required=False)
    date = forms.DateField(label=_("Due on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    priority = forms.TypedChoiceField(label=_("Priority"), choices=WorkItem.Priority.choices, coerce=int, initial=WorkItem.Priority.NORMAL)
    owner = forms.ModelChoiceField(label=_("Person"), queryset=User.objects.none(), required=False, empty_label=_("The account's owner"))

    def __init__(self, *args: Any, user: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        choose_among(self, user)
