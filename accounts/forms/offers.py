"""What people type in on the pages of offers and advocates."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.rules import RuleField
from accounts.models import AdvocateAsk, Contact
from accounts.models.plans import LANGUAGES

MOST_LETTERS = 4000


class OfferForm(forms.Form):
    """An offer: rules, and a draft message a language."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(label=_("What it is"), max_length=300, required=False)
    active = forms.BooleanField(label=_("Active: look for accounts it fits"), required=False)
    eligible = RuleField(label=_("Who may have it"))
    signal = RuleField(label=_("What shows that they need it"))
    subject_en = forms.CharField(label=_("Subject, English"), max_length=200, required=False)
    body_en = forms.CharField(label=_("Message, English"), max_length=MOST_LETTERS, required=False, widget=forms.Textarea(attrs={"rows": 7}))
    subject_tr = forms.CharField(label=_("Subject, Turkish"), max_length=200, required=False)
    body_tr = forms.CharField(label=_("Message, Turkish"), max_length=MOST_LETTERS, required=False, widget=forms.Textarea(attrs={"rows": 7}))

    def terms(self) -> dict[str, Any]:
        """What the action takes."""
        data = self.cleaned_data
        texts = {code: {"subject": data[f"subject_{code}"], "body": data[f"body_{code}"]} for code, _name in LANGUAGES}
        return {**{name: data[name] for name in ("name", "description", "active", "eligible", "signal")}, "texts": texts}


class SentForm(forms.Form):
    """To whom the offer was made."""

    contact = forms.ModelChoiceField(label=_("To"), queryset=Contact.objects.none(), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, people: list[Contact], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["contact"].queryset = Contact.objects.filter(pk__in=[person.pk for person in people])  # type: ignore[attr-defined]


class MessageForm(forms.Form):
    """The message of an offer as it leaves: to whom, in whose words."""

    contact = forms.ModelChoiceField(queryset=Contact.objects.none(), widget=forms.HiddenInput)
    subject = forms.CharField(label=_("Subject"), max_length=200)
    body = forms.CharField(label=_("Text"), max_length=MOST_LETTERS, widget=forms.Textarea(attrs={"rows": 10}))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, people: list[Contact], **kwargs: Any):
        # beside the form of who sent it from a mailbox of their own
        super().__init__(*args, **{"auto_id": "message_%s", **kwargs})
        self.fields["contact"].queryset = Contact.objects.filter(pk__in=[person.pk for person in people])  # type: ignore[attr-defined]


class OutcomeForm(forms.Form):
    """What came of an offer."""

    outcome = forms.ChoiceField(label=_("What came of it?"), choices=[("won", _("won")), ("lost", _("lost"))], widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Why not?"), max_length=300, required=False, help_text=_("Needed for a loss: it makes the next offer better."))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """A loss has a reason."""
        data = super().clean() or {}
        if data.get("outcome") == "lost" and not (data.get("reason") or "").strip():
            self.add_error("reason", _("Say why not."))
        return data


class AskForm(forms.Form):
    """For what a customer is asked to speak."""

    kind = forms.ChoiceField(label=_("Asked for"), choices=AdvocateAsk.Kind.choices)
    all_the_same = forms.BooleanField(label=_("Ask although they were asked within 90 days"), required=False)
