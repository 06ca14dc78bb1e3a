"""Forms of the ticket pages. What they check of a ticket is the model's own `clean` and the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from tickets.models import Ticket
from tickets.models.tickets import Channel, Severity
from tickets.queries import VIEWS, Filters, assignable, parse_after

_ANY = ("", _("Any"))


class QueueForm(forms.Form):
    """The filters of the queue; what makes no sense is left out instead of refused."""

    view = forms.ChoiceField(choices=[(name, name) for name in VIEWS], required=False)
    status = forms.ChoiceField(label=_("Status"), choices=[_ANY, *Ticket.Status.choices], required=False)
    severity = forms.TypedChoiceField(label=_("Severity"), choices=[_ANY, *Severity.choices], coerce=int, empty_value=None, required=False)
    q = forms.CharField(label=_("Account, subject or number"), max_length=100, required=False)

    def filters(self, raw_after: str = "") -> Filters:
        """What was chosen, as the queries take it."""
        self.full_clean()
        chosen = self.cleaned_data
        return Filters(
            view=chosen.get("view") or "open", status=chosen.get("status") or "", severity=chosen.get("severity"), text=chosen.get("q") or "", after=parse_after(raw_after)
        )


class Versioned(forms.Form):
    """A change of a ticket as somebody saw it: the version guards against another's change in between."""

    version = forms.IntegerField(min_value=1, required=False)


class ReplyForm(Versioned):
    """A reply to the customer or a note among us."""

    body = forms.CharField(label=_("Text"), max_length=50_000, widget=forms.Textarea(attrs={"rows": 5}), error_messages={"required": _("Write something first.")})
    kind = forms.ChoiceField(choices=[("public", _("Reply to the customer")), ("internal", _("Internal note"))], initial="public")
    solve = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """A note solves nothing."""
        data = super().clean() or {}
        if data.get("kind") == "internal":
            data["solve"] = False
        return data


class MoveForm(Versioned):
    """Another state."""

    status = forms.ChoiceField(choices=Ticket.Status.choices)


class AssignForm(Versioned):
    """Another person, or nobody."""

    assignee = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.people = {person.pk: person for person in assignable()}
        self.fields["assignee"].choices = [("", "–"), *[(pk, person.name) for pk, person in self.people.items()]]  # type: ignore[attr-defined]


class SeverityForm(Versioned):
    """How bad it is."""

    severity = forms.TypedChoiceField(choices=[("", "–"), *Severity.choices], coerce=int, empty_value=None, required=False)


class CategoryForm(Versioned):
    """What it is about."""

    category = forms.CharField(max_length=120, required=False)


class FlagForm(Versioned):
    """A mark to set or to take back."""

    on = forms.BooleanField(required=False)


class OtherTicketForm(Versioned):
    """The number of another ticket."""

    other = forms.IntegerField(label=_("Number of the other ticket"), min_value=1, max_value=2**62)


class NewTicketForm(forms.Form):
    """A ticket opened by one of us."""

    subject = forms.CharField(label=_("Subject"), max_length=500)
    contact = forms.ModelChoiceField(label=_("Person at the customer"), queryset=Contact.objects.none(), required=False, empty_label="–")
    created_by_kind = forms.ChoiceField(label=_("Who opened it"), choices=[("customer", _("The customer told us")), ("agent", _("We noticed it"))], initial="customer")
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.PHONE)
    severity = forms.TypedChoiceField(label=_("Severity"), choices=[("", "–"), *Severity.choices], coerce=int, empty_value=None, required=False)
    category = forms.CharField(label=_("Category"), max_length=120, required=False)
    assignee = forms.TypedChoiceField(label=_("Assignee"), required=False, coerce=int, empty_value=None)
    body = forms.CharField(label=_("What happened"), max_length=50_000, widget=forms.Textarea(attrs={"rows": 6}), required=False)

    def __init__(self, *args: Any, account: Account, **kwargs: Any):
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["contact"].queryset = Contact.objects.filter(account=account).order_by("name_sort", "pk")  # type: ignore[attr-defined]
        self.people = {person.pk: person for person in assignable()}
        self.fields["assignee"].choices = [("", "–"), *[(pk, person.name) for pk, person in self.people.items()]]  # type: ignore[attr-defined]
