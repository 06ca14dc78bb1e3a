"""Shapes of health and figures, for answers that no model makes."""

from __future__ import annotations

from rest_framework import serializers


class HealthPart(serializers.Serializer):
    """One component of a score."""

    component = serializers.CharField()
    raw = serializers.FloatField(allow_null=True, help_text="The input as it was measured; null without data.")
    weight = serializers.IntegerField()
    points = serializers.FloatField(allow_null=True, help_text="0 to 100; null where the component was left out.")
    contribution = serializers.FloatField(allow_null=True, help_text="Its share of the score; all of them sum to it.")


class HealthDay(serializers.Serializer):
    """The score of one day."""

    day = serializers.DateField()
    score = serializers.FloatField()
    band = serializers.CharField()


class ChurnRiskPart(serializers.Serializer):
    """How likely the account is to leave."""

    probability = serializers.FloatField(help_text="0 to 1, of leaving within the horizon.")
    horizon_days = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="At most three, the strongest first, in the language of the request.")
    model_version = serializers.IntegerField()
    as_of = serializers.DateTimeField()
    told_better_than_chance = serializers.BooleanField(help_text="Whether the model did on rows it had not seen; if not, read it with care.")


class HealthShape(serializers.Serializer):
    """The latest score of an account with its parts, and its history."""

    account = serializers.CharField()
    score = serializers.FloatField(allow_null=True, help_text="0 to 100, two decimals; null before the first score.")
    band = serializers.ChoiceField(choices=["healthy", "watch", "at_risk"], allow_null=True)
    confidence = serializers.IntegerField(allow_null=True, help_text="Share of the weight that rests on fresh data, percent.")
    scored_on = serializers.DateField(allow_null=True)
    score_28_days_before = serializers.FloatField(allow_null=True)
    model = serializers.CharField(allow_null=True)
    model_version = serializers.IntegerField(allow_null=True)
    why = serializers.CharField(allow_blank=True)
    parts = HealthPart(many=True)
    churn_risk = ChurnRiskPart(allow_null=True, help_text="Null where no model was trained, or the account is no customer.")
    history = HealthDay(many=True)


class KpiWay(serializers.Serializer):
    """One variant in words."""

    variant = serializers.CharField()
    formula = serializers.CharField()
    line = serializers.CharField(help_text="When it is the one to take.")
    numerator = serializers.CharField(allow_blank=True)
    denominator = serializers.CharField(allow_blank=True, help_text="Empty where there is none.")


class KpiTarget(serializers.Serializer):
    """What the organisation wants of a variant, in its unit; of a segment or, null, of all customers."""

    variant = serializers.CharField()
    segment = serializers.CharField(allow_null=True)
    target = serializers.CharField(allow_null=True)
    warn = serializers.CharField(allow_null=True)
    owner = serializers.CharField(allow_null=True, help_text="E-mail of who answers for it.")
    valid_from = serializers.DateField()


class KpiEntry(serializers.Serializer):
    """One entry of the catalogue."""

    name = serializers.CharField()
    title = serializers.CharField()
    meaning = serializers.CharField()
    unit = serializers.CharField()
    units = serializers.DictField(child=serializers.CharField(), help_text="Variants of another unit.")
    good = serializers.CharField()
    variants = serializers.ListField(child=serializers.CharField())
    params = serializers.ListField(child=serializers.CharField())
    dimensions = serializers.ListField(child=serializers.CharField())
    group = serializers.CharField()
    timing = serializers.ChoiceField(choices=["leading", "lagging"])
    population = serializers.CharField(help_text="Who is counted.")
    sources = serializers.ListField(child=serializers.CharField())
    default_variant = serializers.CharField()
    ecommerce_variant = serializers.CharField(allow_null=True, help_text="The default where all accounts asked for are e-commerce.")
    ways = KpiWay(many=True)
    rows = serializers.BooleanField(help_text="Whether the default variant has rows that sum to it.")
    targets = KpiTarget(many=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Beside the fields above the class, whose name is a word of the language."""
        return {**super().get_fields(), "class": serializers.ChoiceField(choices=["strategic", "operational", "functional"])}


class Catalogue(serializers.Serializer):
    """Every KPI that can be asked."""

    results = KpiEntry(many=True)


class FigureShape(serializers.Serializer):
    """A figure; decimals are texts of up to 12 significant digits. A figure over nothing is null."""

    kpi = serializers.CharField()
    variant = serializers.CharField()
    params = serializers.DictField()
    start = serializers.CharField()
    end = serializers.CharField()
    segment = serializers.CharField(allow_null=True)
    filters = serializers.DictField()
    as_of = serializers.CharField(allow_null=True)
    value = serializers.CharField(allow_null=True)
    unit = serializers.CharField()
    currency = serializers.CharField(required=False)
    numerator = serializers.CharField(allow_null=True)
    denominator = serializers.CharField(allow_null=True)
    parts = serializers.DictField()
    interval_95 = serializers.ListField(child=serializers.CharField(), allow_null=True)
    partial = serializers.BooleanField()  # type: ignore[assignment]
    flags = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField())
    groups = serializers.ListField(child=serializers.DictField(), required=False, help_text="With `by`: the same answer a value, under `key`.")


class SeriesShape(serializers.Serializer):
    """With `interval`: one figure a piece of the period."""

    series = FigureShape(many=True)


class CountedRowShape(serializers.Serializer):
    """One thing behind a figure."""

    kind = serializers.ChoiceField(choices=["account", "answer", "cost", "interaction", "tenure", "ticket"])
    id = serializers.CharField()
    external_id = serializers.CharField()
    account = serializers.CharField(allow_null=True, help_text="External id of its account.")
    occurred_at = serializers.DateTimeField(allow_null=True, help_text="When it counts; null for accounts. Of a tenure its beginning, of a cost line its first day.")
    numerator = serializers.CharField(allow_null=True, help_text="What it adds to the numerator.")
    denominator = serializers.CharField(allow_null=True, help_text="What it adds to the denominator.")
    parts = serializers.DictField(help_text="Of an account its own parts, of an answer its score, of a cost line its whole amount, of a tenure its end.")


class RowsShape(serializers.Serializer):
    """A page of the rows behind a figure."""

    kpi = serializers.CharField()
    variant = serializers.CharField()
    start = serializers.CharField()
    end = serializers.CharField()
    as_of = serializers.CharField(allow_null=True)
    results = CountedRowShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page; a page may be empty and have one.")
