"""The small form of a KPI page: one field a parameter, by its type, and the filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from accounts import wording
from accounts.event_kinds import EVENT_KINDS
from accounts.models import Account, LifecycleStage, Segment, User
from metrics import words
from metrics.catalogue.asked import EVENTS, FILTER, FUNNEL, NONE, PARAM, Asked, expected
from metrics.funnels.page import for_conversion_rate, kind_words
from metrics.kpis.entry import Choice, Kpi, Number, Whole
from metrics.kpis.told import names

MOST = 200


@dataclass(frozen=True)
class Field:
    """One field: how it is drawn, what stands in it, what is wrong with it."""

    name: str
    label: str
    kind: str  # choice, number, text
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    usual: str = ""
    hint: str = ""
    fault: str = ""
    step: str = "any"

    @property
    def key(self) -> str:
        """The id of the field."""
        return self.name.replace(".", "-")


def params(asked: Asked) -> list[Field]:
    """The parameters of a KPI as fields, in the order of the catalogue; those of no KPI that were given anyway come with their fault."""
    found = [_param(asked, name) for name in asked.kpi.params]
    strange = [name for name in asked.params if name not in asked.kpi.params]
    return found + [Field(f"{PARAM}{name}", name, "text", asked.params[name], fault=asked.faults.get(f"{PARAM}{name}", "")) for name in strange]


def _param(asked: Asked, name: str) -> Field:
    param, key = asked.kpi.params[name], f"{PARAM}{name}"
    value, fault = asked.params.get(name, ""), asked.faults.get(key, "")
    label = names.param(name, asked.kpi.name)
    parse = param.parse
    default = "" if param.default is None else ",".join(str(one) for one in param.default) if isinstance(param.default, tuple) else str(param.default)
    if isinstance(parse, Choice):
        choices = tuple((one, names.choice(one)) for one in parse.allowed)
        return Field(key, label, "choice", value, choices, names.choice(default) if default else "", fault=fault)
    if name in EVENTS:
        kinds = sorted(((kind, kind_words(kind) or kind) for kind in EVENT_KINDS), key=lambda choice: choice[1])
        return Field(key, label, "choice", value, tuple(kinds), fault=fault)
    if isinstance(parse, (Whole, Number)):
        return Field(key, label, "number", value, usual=default, hint=expected(parse), fault=fault, step="1" if isinstance(parse, Whole) else "any")
    return Field(key, label, "text", value, usual=default, hint=expected(parse), fault=fault)


def funnel(asked: Asked) -> Field | None:
    """The funnels whose numbers a KPI gives, the one that is asked for chosen; None for other KPIs."""
    if FUNNEL not in asked.kpi.variants:
        return None
    offers = for_conversion_rate()
    given = {name: value for name, value in asked.params.items() if name in (*EVENTS, "within_days")}
    chosen = next((str(offer.pk) for offer in offers if asked.variant == FUNNEL and offer.params == given), "")
    return Field(FUNNEL, _("Funnel"), "choice", chosen, tuple((str(offer.pk), offer.name) for offer in offers), fault=asked.faults.get(FUNNEL, ""))


def with_funnel(asked: Asked, chosen: str, shown: str) -> Asked:
    """The question for the funnel that was chosen, with its events and days; as it is where the form showed that one already.

    So who leaves the funnel as it stands and changes its events asks for these. One that does not exist is a fault.
    """
    if FUNNEL not in asked.kpi.variants or not chosen or chosen == shown:
        return asked
    offer = next((offer for offer in for_conversion_rate() if str(offer.pk) == chosen), None)
    if offer is None:
        return replace(asked, faults={**asked.faults, FUNNEL: _("There is no such funnel.")})
    others = {name: value for name, value in asked.params.items() if name not in (*EVENTS, "within_days")}
    faults = {name: text for name, text in asked.faults.items() if name not in {f"{PARAM}{param}" for param in (*EVENTS, "within_days")} | {"variant"}}
    return replace(asked, variant=FUNNEL, params={**others, **offer.params}, faults=faults)


def filters(asked: Asked) -> list[Field]:
    """The dimensions that a KPI can be narrowed by; choices where the values are known."""
    found = []
    for name in asked.kpi.dimensions:
        # the segment has a field of its own
        if name == "segment":
            continue
        value = next(iter(asked.filters.get(name, ())), None)
        chosen = "" if value is None else value or NONE
        choices = _values(name)
        if chosen and choices and chosen not in {key for key, _word in choices}:
            choices = ((chosen, chosen), *choices)
        found.append(Field(f"{FILTER}{name}", words.dimension(name), "choice" if choices else "text", chosen, choices, fault=asked.faults.get(f"{FILTER}{name}", "")))
    return found


def _values(name: str) -> tuple[tuple[str, str], ...]:
    """The values of a dimension with their words; nothing where they have to be typed."""
    if name in {"owner", "agent"}:
        people = User.objects.filter(is_active=True).order_by("name", "pk").values_list("email", "name")[:MOST]
        return tuple((email, word or email) for email, word in people)
    if name == "lifecycle_stage":
        return tuple((stage.key, wording.stage_name(stage)) for stage in LifecycleStage.objects.all())
    if name == "business_model":
        return tuple((key, str(words.BUSINESS_MODELS[key])) for key in Account.BusinessModel.values)
    if name == "severity":
        return tuple((key, f"{key} {word}") for key, word in words.SEVERITIES.items())
    if name in {"plan", "country", "industry"}:
        say = wording.country_name if name == "country" else str
        return tuple((value, say(value)) for value in Account.objects.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()[:MOST])
    return ()


def segments() -> list[tuple[str, str]]:
    """The segments with their names."""
    return [(row.key, wording.segment_name(row)) for row in Segment.objects.all()]


def dimensions(kpi: Kpi) -> list[tuple[str, str]]:
    """What a KPI can be broken down by."""
    return [(name, words.dimension(name)) for name in kpi.dimensions]


def narrowed_by(asked: Asked) -> list[tuple[str, str]]:
    """What is chosen beside the period, in words: for pages that show it without a form."""
    found = [(_("Segment"), dict(segments()).get(asked.segment, asked.segment))] if asked.segment else []
    found += [(field.label, dict(field.choices).get(field.value, field.value)) for field in filters(asked) if field.value]
    found += [(field.label, dict(field.choices).get(field.value, field.value)) for field in params(asked) if field.value]
    if asked.as_of:
        found.append((_("As of"), asked.as_of))
    return found


def named(dimension: str, keys: Iterable[str]) -> dict[str, str]:
    """The words of groups by key; what has no word stays as it is."""
    known = dict(segments()) if dimension == "segment" else dict(_values(dimension))
    if dimension == "language":
        return {key: wording.language_name(key) for key in keys}
    return {key: known.get(key, key) for key in keys}
