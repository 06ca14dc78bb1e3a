"""The fields of the ROI studio, read from its address, and what a saved scenario is called."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Segment
from metrics.formulas.roi import INPUTS, VARIANTS
from metrics.roi.choices import KS, LARGEST_K, LARGEST_SEED, LENGTHS, LONGEST, MOST_KS, MOST_LENGTHS, SEED, SPREAD, Choices, whole_numbers
from metrics.roi.live import SPANS, Basis

SHARES = frozenset({"margin", "churn", "spread"})


class Amount(forms.DecimalField):
    """Money or a count, 0 or more."""

    def __init__(self) -> None:
        super().__init__(
            required=False, min_value=Decimal(0), max_value=Decimal("1000000000000"), max_digits=22, decimal_places=9,
            error_messages={"min_value": _("0 or more."), "invalid": _("A number, with a point before its decimals.")},
        )  # fmt: skip


class Share(forms.DecimalField):
    """A share from 0 to 1."""

    def __init__(self) -> None:
        super().__init__(
            required=False, min_value=Decimal(0), max_value=Decimal(1), max_digits=31, decimal_places=30,
            error_messages={
                "min_value": _("A share between 0 and 1: 0.8, not 80."), "max_value": _("A share between 0 and 1: 0.8, not 80."),
                "invalid": _("A number from 0 to 1, with a point before its decimals."),
            },
        )  # fmt: skip


class Numbers(forms.CharField):
    """A list of whole numbers; an empty one is the usual one."""

    def __init__(self, usual: tuple[int, ...], *, most: int, largest: int, told: Any, too_many: Any) -> None:
        super().__init__(required=False, max_length=200)
        self.usual, self.most, self.largest, self.told, self.too_many = usual, most, largest, told, too_many

    def clean(self, value: Any) -> tuple[int, ...]:
        """The numbers in order, each once. Raises ValidationError."""
        text = super().clean(value)
        try:
            return whole_numbers(text, most=self.most, largest=self.largest) or self.usual
        except ValueError as fault:
            raise forms.ValidationError(self.too_many if str(fault) == "many" else self.told) from None


class StudioForm(forms.Form):
    """Everything the address of the studio may say. A field that is refused leaves all others as they are; `choices` takes what was fine."""

    k = Numbers(KS, most=MOST_KS, largest=LARGEST_K, told=_("Whole numbers from 1, with commas between."), too_many=_("At most six numbers."))
    months = Numbers(LENGTHS, most=MOST_LENGTHS, largest=LONGEST, told=_("Whole months from 1 to 600, with commas between."), too_many=_("At most twelve lengths."))
    variant = forms.ChoiceField(required=False, choices=[(name, name) for name in VARIANTS])
    focus = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_K)
    horizon = forms.IntegerField(required=False, min_value=1, max_value=LONGEST)
    spread = Share()
    seed = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_SEED, error_messages={"invalid": _("A whole number.")})
    span = forms.TypedChoiceField(required=False, choices=[(span, span) for span in SPANS], coerce=int)
    segment = forms.CharField(required=False, max_length=60)
    scenario = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    edited = forms.IntegerField(required=False, min_value=0, max_value=2**31)
    fresh = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in INPUTS:
            self.fields[name] = Share() if name in SHARES else Amount()

    def clean_segment(self) -> str:
        """A segment that exists."""
        key = self.cleaned_data["segment"]
        if key and not Segment.objects.filter(key=key).exists():
            raise forms.ValidationError(_("There is no such segment."))
        return key

    def choices(self) -> Choices:
        """What was chosen; a refused field counts as not given."""
        self.is_valid()
        read = self.cleaned_data
        return Choices(
            own={name: read[name] for name in INPUTS if read.get(name) is not None}, ks=read.get("k") or KS, months=read.get("months") or LENGTHS,
            variant=read.get("variant") or VARIANTS[0], focus=read.get("focus") or 0, horizon=read.get("horizon") or 0,
            spread=SPREAD if read.get("spread") is None else read["spread"], seed=SEED if read.get("seed") is None else read["seed"],
            basis=Basis(read.get("span") or 12, read.get("segment") or ""), scenario=read.get("scenario"), fresh=bool(read.get("fresh")), seen=read.get("edited") or 0,
        )  # fmt: skip


class ScenarioForm(forms.Form):
    """What a scenario is called, and who may read it."""

    name = forms.CharField(label=_("Name"), max_length=120)
    note = forms.CharField(label=_("Note"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    shared = forms.BooleanField(label=_("Everybody who is signed in may read it"), required=False)
