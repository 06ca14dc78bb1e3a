"""The catalogue: every entry complete and as defined, its page, targets with their history, the API."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse

from accounts.models import Segment, Subscription
from metrics.catalogue import overview, targets
from metrics.kpis.catalogue import CATALOGUE, told
from metrics.kpis.entry import Choice, Number, Whole, Wholes
from metrics.kpis.told import GROUPS, sources
from metrics.models import KpiSetting
from tests.api_client import ApiClient

LAW = Path(__file__).resolve().parents[3] / "shared" / "metrics" / "catalogue.md"
TODAY = dt.date(2026, 6, 1)


def law():
    """name -> (title, class, timing, good, variants) as the written catalogue has it."""
    if not LAW.exists():
        pytest.skip(f"the written catalogue is not here: {LAW}")
    found = {}
    for block in re.split(r"^### ", LAW.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head = re.match(r"`(\w+)`\n\n(.+?) · .+? · unit: .+? · good: (\w+).*? · class: (\w+), (\w+) · seed: (.+)\n", block)
        if head:
            variants = re.search(r"- variants: (.+)", block).group(1).split(";")[0]
            name, title, good, kind, timing, seeds = head.groups()
            found[name] = (title, good, kind, timing, re.findall(r"`(\w+)`", variants), re.findall(r"\d{3}", seeds))
    return found


def test_every_entry_is_as_the_written_catalogue_has_it():
    written = law()
    assert set(written) == set(CATALOGUE)
    for name, (title, good, kind, timing, variants, seeds) in written.items():
        kpi = CATALOGUE[name]
        assert (str(kpi.title), kpi.good, kpi.kind, kpi.timing, list(kpi.variants)) == (title, good, kind, timing, variants), name
        assert [f"{number:03}" for number in told(name).articles] == seeds, name


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_kpi_is_told_in_words(name):
    kpi, said = CATALOGUE[name], told(name)
    assert list(said.ways) == list(kpi.variants), "each variant, the default first"
    for variant, way in said.ways.items():
        assert str(way.formula)
        assert str(way.line)
        assert str(way.numerator), variant
    assert str(said.population)
    assert str(kpi.meaning)
    assert said.group in GROUPS
    assert sources(said)
    assert set(said.inputs) <= set(CATALOGUE)


def test_parameters_know_what_they_take():
    for kpi in CATALOGUE.values():
        for name, param in kpi.params.items():
            assert isinstance(param.parse, (Choice, Whole, Wholes, Number)) or param.parse.__name__ in {"key", "seconds"}, (kpi.name, name)


@pytest.mark.parametrize(
    ("unit", "typed", "stored"),
    [
        ("fraction", "5", "0.05"),
        ("fraction", "5,5 %", "0.055"),
        ("seconds", "1.5", "5400"),
        ("money", "1200", "1200"),
        ("points", "−3".replace("−", "-"), "-3"),
        ("count", "", None),
    ],
)
def test_targets_are_typed_as_people_write_them(unit, typed, stored):
    value = targets.read_typed(unit, typed)
    assert value == (None if stored is None else Decimal(stored))
    assert targets.read_typed(unit, targets.typed(unit, value)) == value


@pytest.mark.parametrize("typed", ["many", "1e99", "NaN", "1.2.3"])
def test_what_is_no_number_is_no_target(typed):
    with pytest.raises(ValueError, match="number"):
        targets.read_typed("count", typed)


@pytest.mark.parametrize(
    ("value", "good", "band"),
    [("0.02", "down", "healthy"), ("0.03", "down", "healthy"), ("0.04", "down", "watch"), ("0.06", "down", "at_risk"), ("0.02", "up", "at_risk"), ("0.05", "up", "healthy")],
)
def test_a_figure_stands_to_its_target_in_its_good_direction(value, good, band):
    wanted = targets.InForce(Decimal("0.03"), Decimal("0.05") if good == "down" else Decimal("0.025"), None, "", None)
    assert wanted.band(Decimal(value), good) == band
    assert wanted.band(None, good) == ""
    assert targets.NOTHING.band(Decimal(value), good) == ""


@pytest.mark.django_db
class TestInForce:
    def row(self, **more):
        return KpiSetting.objects.create(**{"kpi": "logo_churn", "target": Decimal("0.03"), "valid_from": TODAY, **more})

    def test_the_latest_by_the_day_counts_and_what_is_to_come_does_not(self, cast):
        self.row(valid_from=TODAY - dt.timedelta(days=90), target=Decimal("0.05"))
        self.row()
        self.row(valid_from=TODAY + dt.timedelta(days=1), target=Decimal("0.01"))
        kpi = CATALOGUE["logo_churn"]
        assert targets.of(targets.in_force(TODAY), kpi, "start_of_period").target == Decimal("0.03")
        assert targets.of(targets.in_force(TODAY - dt.timedelta(days=1)), kpi, "start_of_period").target == Decimal("0.05")

    def test_a_variant_and_a_segment_have_their_own_and_the_owner_is_that_of_the_whole(self, cast):
        vip = Segment.objects.get(key="vip")
        self.row(owner=cast.mert)
        self.row(segment=vip, target=Decimal("0.01"), owner=cast.elif_)
        self.row(variant="lost_over_gained", target=Decimal("0.8"))
        found, kpi = targets.in_force(TODAY), CATALOGUE["logo_churn"]
        assert targets.of(found, kpi, "start_of_period", "vip").target == Decimal("0.01")
        assert targets.of(found, kpi, "lost_over_gained").target == Decimal("0.8")
        core = targets.of(found, kpi, "start_of_period", "core")
        assert (core.target, core.owner) == (None, cast.mert)
        daily = targets.of(found, kpi, "daily_sum")
        assert (daily.target, daily.owner) == (None, cast.mert)


@pytest.mark.django_db
class TestPage:
    def test_every_role_opens_it_and_all_kpis_stand_in_their_group(self, client, cast):
        for who in ("ada", "mert", "elif_", "deniz", "ana", "vera"):
            client.force_login(getattr(cast, who))
            page = client.get(reverse("metrics:catalogue"))
            assert page.status_code == 200
            assert sum(len(group.entries) for group in page.context["groups"]) == len(CATALOGUE)
        client.logout()
        for name, args in (("catalogue", []), ("catalogue_values", ["voice"]), ("catalogue_contradictions", [])):
            assert "/login/" in client.get(reverse(f"metrics:{name}", args=args)).headers["Location"]

    @pytest.mark.parametrize(
        ("text", "names"),
        [("quick", {"quick_ratio"}), ("CHURN rate", {"logo_churn", "gross_mrr_churn", "net_mrr_churn"}), ("promoters", {"nps"}), ("ticket_backlog", {"ticket_backlog"})],
    )
    def test_search_looks_at_names_meanings_and_formulas(self, text, names):
        assert names <= {entry.kpi.name for group in overview.groups(text) for entry in group.entries}
        assert len([entry for group in overview.groups(text) for entry in group.entries]) < 12
        assert overview.groups("zebra") == []

    def test_typing_swaps_the_list_alone(self, client, cast):
        client.force_login(cast.ada)
        part = client.get(reverse("metrics:catalogue"), {"q": "quick"}, headers={"HX-Request": "true", "HX-Target": "catalogue"}).content.decode()
        assert "<html" not in part
        assert "Quick ratio" in part
        assert "No KPI has these words" in client.get(reverse("metrics:catalogue"), {"q": "zebra"}).content.decode()

    def test_values_come_by_group_with_target_owner_and_what_they_rest_on(self, client, cast):
        Subscription.objects.create(account=cast.boga, start="2024-01-01T00:00Z", amount=Decimal(100), currency="EUR")
        KpiSetting.objects.create(kpi="mrr", target=Decimal(90), owner=cast.mert, valid_from=dt.date(2024, 1, 1))
        client.force_login(cast.ada)
        part = client.get(reverse("metrics:catalogue_values", args=["revenue"]))
        mrr = next(entry for entry in part.context["entries"] if entry.kpi.name == "mrr")
        assert (mrr.value, mrr.target, mrr.owner, mrr.size, mrr.band) == ("€100", "€90", "Mert Lider", "Customers: 1", "healthy")
        # a book is not judged by what the whole is to bring
        client.force_login(cast.elif_)
        own = client.get(reverse("metrics:catalogue_values", args=["revenue"]))
        assert next(entry for entry in own.context["entries"] if entry.kpi.name == "mrr").band == ""
        assert client.get(reverse("metrics:catalogue_values", args=["moon"])).status_code == 404

    def test_contradictions_stand_side_by_side(self, client, cast):
        client.force_login(cast.ana)
        page = client.get(reverse("metrics:catalogue_contradictions"))
        assert page.status_code == 200
        shown = {kpi.name: [one.name for one in found] for _text, kpis in page.context["contradictions"] for kpi, found in kpis}
        assert shown["csat"] == ["top2_share", "mean"]
        assert shown["logo_churn"] == ["start_of_period", "stripe_start_plus_new", "lost_over_gained", "daily_sum"]


@pytest.mark.django_db
def test_the_api_tells_words_class_and_targets_beside_what_it_told(cast):
    KpiSetting.objects.create(kpi="nps", target=Decimal(40), owner=cast.mert, valid_from=dt.date(2024, 1, 1))
    rows = {row["name"]: row for row in ApiClient(cast.ana, "metrics:read").get("/metrics/").json()["results"]}
    nps = rows["nps"]
    assert (nps["class"], nps["timing"], nps["group"], nps["rows"]) == ("strategic", "leading", "voice", True)
    assert nps["targets"] == [{"variant": "nps_0_10", "segment": None, "target": "40", "warn": None, "owner": "mert@vefa.test", "valid_from": "2024-01-01"}]
    assert [way["variant"] for way in nps["ways"]] == nps["variants"]
    assert rows["clv"]["rows"] is False
    assert rows["clv"]["ecommerce_variant"] == "value_x_lifespan"
