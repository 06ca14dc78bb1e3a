"""What people fill in: an initiative, a line of the budget, the parts that costs are spent from."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, CostEntry, Segment, User
from accounts.roles import WRITES_ACCOUNTS
from accounts.wording import segment_name
from metrics import words
from metrics.actions import budgets as budget_actions
from metrics.actions import initiatives as initiative_actions
from metrics.decisions.measuring import goals
from metrics.kpis.catalogue import CATALOGUE
from metrics.models import BudgetLine, BudgetPart, Initiative


def read_number(text: str) -> Decimal | None:
    """A number as people type it: a comma or a point, “3 %” is 0.03. None for nothing. Raises ValueError."""
    plain = text.replace("\u00a0", "").replace(" ", "").replace("−", "-").replace(",", ".")
    if not plain:
        return None
    percent = plain.startswith("%") or plain.endswith("%")
    try:
        number = Decimal(plain.strip("%"))
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite() or abs(number) >= 10**13:
        raise ValueError(text)
    return number / 100 if percent else number


class SegmentChoice(forms.ModelChoiceField):
    """Segments by the names that readers know."""

    def label_from_instance(self, obj: Segment) -> str:
        """The segment's name in the reader's language."""
        return segment_name(obj)


class CurrencyIn(forms.CharField):
    """A currency code, in capitals however it is typed."""

    def clean(self, value: Any) -> Any:
        """The code in capitals."""
        return super().clean(str(value or "").strip().upper())


class InitiativeForm(forms.ModelForm):
    """All of an initiative; the figure and its variant are one choice."""

    measure = forms.ChoiceField(label=_("Measured by"), help_text=_("Its figure before the first day and since, inside and outside the audience."))
    target_text = forms.CharField(label=_("Target"), required=False, max_length=30, help_text=_("In the figure’s unit; a share as percent, such as 92 %."))
    segment = SegmentChoice(label=_("Segment"), queryset=Segment.objects.all(), required=False, empty_label=_("any"))
    currency = CurrencyIn(label=_("Currency of the plan"), max_length=3)

    class Meta:
        model = Initiative
        fields = (
            "name", "goal", "direction", "owner", "status", "starts_on", "ends_on", "plan_technology", "plan_people", "plan_tools", "currency", "segment", "plan",
            "country", "tag", "learned",
        )  # fmt: skip
        widgets = {
            "goal": forms.Textarea(attrs={"rows": 3}),
            "learned": forms.Textarea(attrs={"rows": 4}),
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "plan": forms.TextInput(attrs={"list": "plans", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        named = sorted(((str(CATALOGUE[name].title), name) for name in goals()), key=lambda pair: pair[0])
        measure: Any = self.fields["measure"]
        measure.choices = [(title, [(f"{name}:{variant}", f"{title}: {words.variant(variant)}") for variant in CATALOGUE[name].variants]) for title, name in named]
        owner: Any = self.fields["owner"]
        owner.queryset = User.objects.filter(is_active=True, role__in=WRITES_ACCOUNTS).order_by("name", "pk")
        row = self.instance
        if row.pk:
            self.initial.setdefault("measure", f"{row.kpi}:{row.variant or CATALOGUE[row.kpi].variants[0]}" if row.kpi in CATALOGUE else "")
            self.initial.setdefault("target_text", self._target_text(row))
        else:
            self.initial.setdefault("measure", "nrr:cohort")
            self.initial.setdefault("currency", settings.REPORTING_CURRENCY)
        for name in ("plan_technology", "plan_people", "plan_tools"):
            self.initial[name] = f"{Decimal(self.initial.get(name) or 0):.2f}"
        self.plans = list(Account.objects.exclude(plan="").order_by("plan").values_list("plan", flat=True).distinct()[:100])

    @staticmethod
    def _target_text(row: Initiative) -> str:
        if row.target is None:
            return ""
        fraction = row.kpi in CATALOGUE and CATALOGUE[row.kpi].unit_of(row.variant or CATALOGUE[row.kpi].variants[0]) == "fraction"
        return f"{(row.target * 100).normalize():f} %" if fraction else f"{row.target.normalize():f}"

    def clean_target_text(self) -> Decimal | None:
        """The target as a number."""
        try:
            return read_number(self.cleaned_data["target_text"])
        except ValueError:
            raise forms.ValidationError(_now("A number, or a share such as 92 %.")) from None

    def clean_country(self) -> str:
        """Two letters, in capitals."""
        code = self.cleaned_data["country"].strip().upper()
        if code and (len(code) != 2 or not code.isascii() or not code.isalpha()):
            raise forms.ValidationError(_now("A country’s code of two letters, such as TR."))
        return code

    def clean(self) -> dict[str, Any]:
        """The days in order; the field itself says so, not only the database."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("starts_on"), cleaned.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", _now("It ends before it starts."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """What the actions take."""
        cleaned = self.cleaned_data
        kpi, _colon, variant = cleaned["measure"].partition(":")
        found = {"kpi": kpi, "variant": variant, "target": cleaned["target_text"]}
        return {name: found[name] if name in found else cleaned[name] for name in initiative_actions.FIELDS}


class BudgetLineForm(forms.ModelForm):
    """One line of the budget."""

    segment = SegmentChoice(label=_("Segment"), queryset=Segment.objects.all(), required=False, empty_label=_("for everybody"))
    quarter = forms.TypedChoiceField(
        label=_("Quarter"), required=False, coerce=int, empty_value=None, choices=[("", _("whole year")), *((str(number), f"Q{number}") for number in range(1, 5))]
    )
    currency = CurrencyIn(label=_("Currency"), max_length=3)

    class Meta:
        model = BudgetLine
        fields = ("year", "quarter", "part", "segment", "amount", "currency", "note")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["amount"] = f"{self.instance.amount:.2f}"
        else:
            self.initial.setdefault("currency", settings.REPORTING_CURRENCY)

    def values(self) -> dict[str, Any]:
        """What the actions take."""
        return {name: self.cleaned_data[name] for name in budget_actions.FIELDS}


class PartsForm(forms.Form):
    """For each category of costs the part of the budget it is spent from."""

    def __init__(self, *args: Any, parts: dict[str, str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        for category, word in CostEntry.Category.choices:
            self.fields[category] = forms.ChoiceField(label=str(word).capitalize(), choices=BudgetPart.choices, initial=parts[category])
