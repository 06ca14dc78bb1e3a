"""Forms of the ticket pages. What they check of a ticket is the model's own `clean` and the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from tickets.actions.attachments import check_files
from tickets.models import Ticket
from tickets.models.tickets import Channel, Severity
from tickets.queries import VIEWS, Filters, assignable, parse_after

_ANY = ("", _("Any"))


class QueueForm(forms.Form):
    """The filters of the queue; what makes no sense is left out instead of refused."""

    view = forms.ChoiceField(choices=[(name, name) for name in VIEWS], required=False)
    status = forms.ChoiceField(label=_("Status"), choices=[_ANY, *Ticket.Status.choices], required=False)
    severity = forms.TypedChoiceField(label=_("Severity"), choices=[_ANY, *Severity.choices], coerce=int, empty_value=None, required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=[_ANY, *Channel.choices], required=False)
    group = forms.CharField(max_length=120, required=False)
    account = forms.IntegerField(min_value=1, max_value=2**62, required=False)
    q = forms.CharField(label=_("Account, subject or number"), max_length=100, required=False)

    def filters(self, raw_after: str = "") -> Filters:
        """What was chosen, as the queries take it."""
        self.full_clean()
        chosen = self.cleaned_data
        return Filters(
            view=chosen.get("view") or "open", status=chosen.get("status") or "", severity=chosen.get("severity"), channel=chosen.get("channel") or "",
            group=chosen.get("group") or "", account=chosen.get("account"), text=chosen.get("q") or "", after=parse_after(raw_after),
        )  # fmt: skip


class Versioned(forms.Form):
    """A change of a ticket as somebody saw it: the version guards against another's change in between."""

    version = forms.IntegerField(min_value=1, required=False)


class ManyFiles(forms.FileInput):
    """A field for files, several at once."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; empty ones are taken, since an empty file may be what the customer asks about."""

    widget = ManyFiles

    def __init__(self, **kwargs: Any):
        super().__init__(**{"required": False, "allow_empty_file": True, **kwargs})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """The files one by one, by Django's own rules."""
        given = data if isinstance(data, list) else [data] if data else []
        return [super(FilesField, self).clean(one, initial) for one in given]


# letters of one message; longer things are better sent as a file
LONGEST_MESSAGE = 100_000


class ReplyForm(Versioned):
    """A reply to the customer or a note among us."""

    body = forms.CharField(
        label=_("Text"),
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "required": _("Write something first."),
            "max_length": _("A message has at most %(limit_value)s letters, this one has %(show_value)s. Send it in parts, or as a file."),
        },
    )
    kind = forms.ChoiceField(choices=[("public", _("Reply to the customer")), ("internal", _("Internal note"))], initial="public")
    solve = forms.BooleanField(required=False)
    attachments = FilesField(label=_("Files"))

    def clean(self) -> dict[str, Any]:
        """A note solves nothing; files keep to the limits."""
        data = super().clean() or {}
        if data.get("kind") == "internal":
            data["solve"] = False
        try:
            check_files([(file.name, file.size) for file in data.get("attachments") or []])
        except ValidationError as refusal:
            self.add_error("attachments", refusal.messages)
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


class CopyForm(Versioned):
    """A person to put in copy, or to take out."""

    contact = forms.IntegerField(label=_("Person"), min_value=1, max_value=2**62)


class ContactForm(Versioned):
    """Whose ticket it is, or nobody's."""

    contact = forms.IntegerField(label=_("Person at the customer"), min_value=1, max_value=2**62, required=False)


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

    @property
    def fields_of_ticket(self) -> dict[str, Any]:
        """What the action takes of it."""
        data = self.cleaned_data
        return {
            **{name: data[name] for name in ("subject", "body", "category", "channel", "severity", "created_by_kind")},
            "contact_id": data["contact"].pk if data["contact"] else None,
            "assignee": self.people.get(data["assignee"]),
        }
