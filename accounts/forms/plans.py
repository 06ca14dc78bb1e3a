"""What people type in on the pages of plans."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.actions.plan_links import LIVES_DAYS, LONGEST_DAYS
from accounts.forms.rules import RuleField
from accounts.models import Account, Contact, PlanTemplate, SuccessPlan, User
from accounts.models.plans import LANGUAGES
from accounts.queries.work_people import assignable_by

USE_MEASURES = frozenset({SuccessPlan.Measure.ACTIVE_DAYS, SuccessPlan.Measure.USERS, SuccessPlan.Measure.USAGE})
MOST_REVIEWS = 12
# a year to either side is a plan; more is a slip of the finger
_FARTHEST_DAYS = 366


def _date(**attrs: Any) -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date", **attrs}, format="%Y-%m-%d")


class NewPlanForm(forms.Form):
    """An onboarding plan from a template."""

    template = forms.ModelChoiceField(label=_("Template"), queryset=PlanTemplate.objects.none(), empty_label=None)
    name = forms.CharField(label=_("Name"), max_length=120, required=False, help_text=_("The customer sees it. Empty: that of the template."))
    starts_on = forms.DateField(label=_("Starts on"), widget=_date())
    owner = forms.ModelChoiceField(label=_("Person"), queryset=User.objects.none(), required=False, empty_label=_("The account's owner"))

    def __init__(self, *args: Any, user: User, today: dt.date, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["template"].queryset = PlanTemplate.objects.filter(active=True).order_by("name", "pk")  # type: ignore[attr-defined]
        self.fields["owner"].queryset = assignable_by(user)  # type: ignore[attr-defined]

    def clean_starts_on(self) -> dt.date:
        """A day not more than a year away."""
        day: dt.date = self.cleaned_data["starts_on"]
        if abs((day - self.today).days) > _FARTHEST_DAYS:
            raise forms.ValidationError(_now("Choose a day within a year."))
        return day


class LinkForm(forms.Form):
    """A link for the customer."""

    contact = forms.ModelChoiceField(label=_("For"), queryset=Contact.objects.none(), required=False, empty_label=_("Anybody there"))
    days = forms.IntegerField(label=_("Days it lives"), min_value=1, max_value=LONGEST_DAYS, initial=LIVES_DAYS)

    def __init__(self, *args: Any, account: Account, user: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        people = Contact.objects.visible_to(user).filter(account=account).order_by("name_sort", "pk")
        self.fields["contact"].queryset = people  # type: ignore[attr-defined]


class StopForm(forms.Form):
    """Why a plan ends before it is done."""

    reason = forms.CharField(label=_("Why does it end?"), max_length=300)


class StepDayForm(forms.Form):
    """Another day for a step."""

    due_on = forms.DateField(label=_("Due on"), widget=_date())


class TemplateForm(forms.Form):
    """The head of a template; its milestones are read by `accounts.plan_outline`."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("The customer sees it as the plan's name."))
    description = forms.CharField(label=_("What it is for"), max_length=300, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, help_text=_("Of its words, and of the page that the customer sees."))
    active = forms.BooleanField(label=_("Offered for new plans"), required=False, initial=True)


class StepRuleForm(forms.Form):
    """The rule that does a step."""

    rule = RuleField(label=_("Done as soon as the account meets this"), required=False)


class ObjectiveForm(forms.Form):
    """The terms of a success plan."""

    objective = forms.CharField(label=_("Objective"), max_length=200, help_text=_("In the customer's words: what is better for them when it is reached."))
    measure = forms.ChoiceField(label=_("Measure"), choices=SuccessPlan.Measure.choices, required=False)
    feature = forms.CharField(label=_("Feature"), max_length=120, required=False, help_text=_("Of the measures of use; empty: all use."))
    measure_words = forms.CharField(label=_("Measure in words"), max_length=120, required=False, help_text=_("What is counted, and in which unit."))
    start_value = forms.DecimalField(label=_("Start value"), max_digits=18, decimal_places=2, localize=True)
    target_value = forms.DecimalField(label=_("Target"), max_digits=18, decimal_places=2, localize=True)
    started_on = forms.DateField(label=_("Begins on"), widget=_date())
    target_on = forms.DateField(label=_("Target date"), widget=_date())
    owner = forms.ModelChoiceField(label=_("Person"), queryset=User.objects.none(), required=False, empty_label=_("The account's owner"))
    review_every = forms.TypedChoiceField(
        label=_("Reviewed"), choices=[(0, _("not by plan")), (14, _("every two weeks")), (30, _("every month")), (91, _("every three months"))],
        coerce=int, initial=30, required=False, empty_value="",
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, changes: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = assignable_by(user)  # type: ignore[attr-defined]
        if changes:
            del self.fields["review_every"]

    def clean(self) -> dict[str, Any]:
        """What contradicts each other, at the field."""
        data = super().clean() or {}
        if data.get("feature") and data.get("measure") not in USE_MEASURES:
            self.add_error("feature", _now("Only measures of use look at one feature."))
        if not data.get("measure") and not data.get("measure_words") and "measure_words" not in self.errors:
            self.add_error("measure_words", _now("Say what is counted."))
        start, target = data.get("start_value"), data.get("target_value")
        if start is not None and start == target:
            self.add_error("target_value", _now("The target differs from the start value."))
        begins, ends = data.get("started_on"), data.get("target_on")
        if begins and ends and ends <= begins:
            self.add_error("target_on", _now("The target date lies after the beginning."))
        return data

    def terms(self) -> dict[str, Any]:
        """What the action takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "review_every"}

    def review_days(self) -> list[dt.date]:
        """The days of the reviews up to the target date, at most twelve."""
        every, day, until = self.cleaned_data.get("review_every") or 0, self.cleaned_data["started_on"], self.cleaned_data["target_on"]
        found: list[dt.date] = []
        while every and len(found) < MOST_REVIEWS and (day := day + dt.timedelta(days=every)) < until:
            found.append(day)
        return found


class ValueForm(forms.Form):
    """Today's value of what is measured by hand."""

    value = forms.DecimalField(label=_("Value today"), max_digits=18, decimal_places=2, localize=True)


class JudgeForm(forms.Form):
    """A person's word on the course."""

    course = forms.ChoiceField(label=_("How does it go?"), choices=[("on_track", _("on track")), ("behind", _("behind"))], widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Why?"), max_length=300)


class ReviewForm(forms.Form):
    """What came of a review."""

    note = forms.CharField(label=_("What came of it"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    value = forms.DecimalField(label=_("Value today"), max_digits=18, decimal_places=2, required=False, localize=True)
    next_on = forms.DateField(label=_("Next review"), required=False, widget=_date())

    def __init__(self, *args: Any, today: dt.date, by_hand: bool, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.today = today
        if not by_hand:
            del self.fields["value"]

    def clean_next_on(self) -> dt.date | None:
        """A day to come."""
        day: dt.date | None = self.cleaned_data["next_on"]
        if day is not None and day <= self.today:
            raise forms.ValidationError(_now("Choose a day after today."))
        return day

    @property
    def value_given(self) -> Decimal | None:
        """The value, where one was typed."""
        given: Decimal | None = self.cleaned_data.get("value")
        return given


class PlanReviewForm(forms.Form):
    """Another day on which a success plan is reviewed."""

    due_on = forms.DateField(label=_("Next review"), widget=_date())


class CloseForm(forms.Form):
    """What came of a success plan."""

    outcome = forms.CharField(label=_("What came of it"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
