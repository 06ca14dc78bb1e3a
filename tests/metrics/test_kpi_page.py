"""The page of a KPI: address in, figure out; faults at their fields; variants, comparison, replay; its target and who may set it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.http import QueryDict
from django.urls import reverse

from accounts.models import Segment, Subscription
from metrics.catalogue.asked import Asked
from metrics.kpis.catalogue import CATALOGUE
from metrics.models import KpiSetting

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
FEBRUARY = {"start": "2024-02-01", "end": "2024-03-01"}


@pytest.fixture
def paying(cast):
    """Boğaziçi pays 100 and from the middle of February 150; Northgate 80, and leaves then."""
    Subscription.objects.create(account=cast.boga, start="2024-01-01T00:00Z", end="2024-02-15T00:00Z", amount=Decimal(100), currency="EUR")
    Subscription.objects.create(account=cast.boga, start="2024-02-15T00:00Z", amount=Decimal(150), currency="EUR")
    Subscription.objects.create(account=cast.north, start="2024-01-01T00:00Z", end="2024-02-15T00:00Z", amount=Decimal(80), currency="EUR")
    return cast


def page(client, name, user, **query):
    client.force_login(user)
    return client.get(reverse("metrics:kpi", args=[name]), {**FEBRUARY, **query})


def read(name="logo_churn", **query):
    given = QueryDict(mutable=True)
    for key, value in query.items():
        given[key.replace("__", ".")] = value
    return Asked.read(name, given, now=NOW)


class TestAddress:
    def test_without_a_period_it_is_the_last_closed_month(self):
        asked = read()
        assert (asked.start, asked.end, asked.faults) == ("2026-05-01", "2026-06-01", {})

    def test_an_address_reproduces_what_was_asked(self):
        asked = read(
            start="2026-01-01",
            end="2026-04-01",
            variant="daily_sum",
            segment="vip",
            by="owner",
            interval="week",
            as_of="2026-03-01",
            compare="year",
            param__pause="keeps",
            filter__plan="pro",
        )
        again = Asked.read("logo_churn", QueryDict(asked.query()), now=NOW)
        assert again == asked
        assert asked.arguments()["params"] == {"pause": "keeps"}
        assert read(filter__plan="none").filters == {"plan": ("",)}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"start": "yesterday"}, "start"),
            ({"start": "2026-05-01", "end": "2026-05-01"}, "end"),
            ({"as_of": "31.12.2025"}, "as_of"),
            ({"variant": "moon"}, "variant"),
            ({"segment": "moon"}, "segment"),
            ({"by": "moon"}, "by"),
            ({"interval": "moon"}, "interval"),
            ({"param__pause": "moon"}, "param.pause"),
            ({"param__delinquency_days": "-1"}, "param.delinquency_days"),
            ({"param__moon": "1"}, "param.moon"),
            ({"filter__moon": "1"}, "filter.moon"),
        ],
    )
    def test_what_cannot_be_used_is_a_fault_at_its_field(self, client, cast, query, field):
        assert set(read(**query).faults) == {field}
        client.force_login(cast.ada)
        wrong = client.get(reverse("metrics:kpi", args=["logo_churn"]), {key.replace("__", "."): value for key, value in query.items()})
        assert wrong.status_code == 400
        assert wrong.context["page"] is None
        assert read(**query).faults[field] in wrong.content.decode().replace("&#x27;", "'")

    @pytest.mark.parametrize(
        ("query", "days"),
        [
            ({"start": "2026-05-01", "end": "2026-06-01", "compare": "before"}, ("2026-04-01", "2026-05-01")),
            ({"start": "2026-01-01", "end": "2026-04-01", "compare": "before"}, ("2025-10-01", "2026-01-01")),
            ({"start": "2026-05-11", "end": "2026-05-18", "compare": "before"}, ("2026-05-04", "2026-05-11")),
            ({"start": "2024-02-01", "end": "2024-03-01", "compare": "year"}, ("2023-02-01", "2023-03-01")),
            ({"start": "2026-05-01", "end": "2026-06-01"}, None),
        ],
    )
    def test_it_is_compared_with_as_much_before(self, query, days):
        assert read(**query).compared() == days

    def test_the_line_over_months_has_thirteen_at_least(self):
        assert read(start="2026-05-01", end="2026-06-01").series_start() == "2025-05-01"
        assert read(start="2024-01-01", end="2026-06-01").series_start() == "2024-01-01"
        assert read(start="2026-05-01", end="2026-06-01", interval="day").series_start() == "2026-05-01"


class TestFigure:
    def test_sides_stand_in_words_with_amounts_and_open_their_rows(self, client, paying):
        shown = page(client, "nrr", paying.ada).context["page"]
        assert [(side.words, side.amount) for side in shown.sides] == [("MRR at the end of the same customers", "€150"), ("MRR at the start", "€180")]
        assert all("/metrics/kpi/nrr/rows/" in side.href and "side=" in side.href for side in shown.sides)
        assert shown.value == "83.3%"
        assert [line.value for line in shown.months][-2:] == ["–", "83.3%"]
        assert page(client, "nrr", paying.ana).context["page"].sides[0].href == "", "figures, no rows"

    def test_groups_narrow_and_compare_with_the_month_before(self, client, paying):
        response = page(client, "mrr", paying.ada, by="owner", compare="before")
        shown = response.context["page"]
        assert {line.name: line.value for line in shown.groups} == {"elif@vefa.test": "€150"}
        assert shown.compared[2:] == ("€180", "−€30")
        assert "Elif Yıldız" in response.content.decode()
        assert page(client, "mrr", paying.ada, **{"filter.owner": "can@vefa.test"}).context["page"].value == "€0"

    def test_replay_leaves_out_what_came_later(self, client, paying):
        shown = page(client, "mrr", paying.ada, as_of="2024-02-10").context["page"]
        assert (shown.value, shown.figure["partial"]) == ("€180", True)
        assert "period not over" in page(client, "mrr", paying.ada, as_of="2024-02-10").content.decode()

    def test_flags_and_missing_rates_are_told_in_plain_words(self, client, paying):
        Subscription.objects.create(account=paying.boga, start="2024-01-01T00:00Z", amount=Decimal(10), currency="JPY")
        text = page(client, "mrr", paying.ada).content.decode()
        assert "Without a rate of exchange, so there is no figure: JPY" in text
        assert "Revenue, not profit: no margin is known." in page(client, "clv", paying.ada).content.decode()

    def test_a_calculation_says_why_it_has_no_rows_and_leads_to_its_parts(self, client, paying):
        response = page(client, "clv", paying.ada)
        assert response.context["page"].href == ""
        assert [title for title, _href in response.context["page"].inputs] == ["Average revenue per account", "Customer churn rate"]
        assert "A calculation from ARPA, margin and churn" in response.content.decode()

    def test_variants_stand_side_by_side(self, client, paying):
        client.force_login(paying.ada)
        found = client.get(reverse("metrics:kpi_variants", args=["logo_churn"]), FEBRUARY).context["variants"]
        assert {one.name: (one.value, one.count) for one in found if one.name != "daily_sum"} == {
            "start_of_period": ("50%", "1 / 2"),
            "stripe_start_plus_new": ("50%", "1 / 2"),
            "lost_over_gained": ("–", "1 / 0"),
        }

    def test_the_line_comes_as_a_file(self, client, paying):
        csv = page(client, "mrr", paying.ada, export="csv", chart="kpi-mrr")
        assert csv["Content-Type"].startswith("text/csv")
        assert b'"Feb 24",150' in b"".join(csv.streaming_content)

    @pytest.mark.parametrize("name", ["nps", "ticket_backlog", "team_performance", "conversion_rate", "cohort_retention", "crc"])
    def test_every_parameter_has_its_field_by_type(self, client, cast, name):
        fields = page(client, name, cast.ada).context["params"]
        assert [field.name for field in fields] == [f"param.{one}" for one in CATALOGUE[name].params]
        assert all(field.kind in {"choice", "number", "text"} and field.label for field in fields)


class TestTarget:
    ADDRESS = "/metrics/kpi/logo_churn/target/"
    TYPED = {"variant": "", "segment": "", "target": "3", "warn": "5", "owner": "", "note": "as agreed", "valid_from": "2024-01-01"}

    def test_a_lead_sets_it_and_the_figure_is_held_against_it(self, client, paying):
        client.force_login(paying.mert)
        assert client.post(self.ADDRESS, self.TYPED | {"owner": paying.elif_.pk}).status_code == 302
        row = KpiSetting.objects.get()
        assert (row.target, row.warn, row.owner, row.changed_by, row.note) == (Decimal("0.03"), Decimal("0.05"), paying.elif_, paying.mert, "as agreed")
        response = page(client, "logo_churn", paying.ada)
        shown = response.context["page"]
        assert (shown.band, shown.wanted_target, shown.wanted_warn) == ("at_risk", "3%", "5%")
        assert "as agreed" in response.content.decode()
        # half of the customers left; a plan under which that is well makes it well
        client.post(self.ADDRESS, self.TYPED | {"target": "60", "warn": ""})
        assert page(client, "logo_churn", paying.ada).context["page"].band == "healthy"
        assert KpiSetting.objects.count() == 2, "what held before stays"

    def test_a_segment_has_its_own(self, client, paying):
        client.force_login(paying.ada)
        client.post(self.ADDRESS, self.TYPED | {"segment": "vip", "target": "1", "warn": ""})
        assert KpiSetting.objects.get().segment == Segment.objects.get(key="vip")
        assert page(client, "logo_churn", paying.ada, segment="vip").context["page"].wanted_target == "1%"
        assert page(client, "logo_churn", paying.ada).context["page"].wanted_target == ""

    @pytest.mark.parametrize(
        ("typed", "field"),
        [({"target": "lots"}, "target"), ({"target": "", "warn": "5"}, "warn"), ({"variant": "moon"}, "variant"), ({"segment": "moon"}, "segment"), ({"owner": "0"}, "owner"), ({"valid_from": ""}, "valid_from")],
    )  # fmt: skip
    def test_faults_come_back_at_their_field_with_what_was_typed(self, client, paying, typed, field):
        client.force_login(paying.ada)
        wrong = client.post(self.ADDRESS, self.TYPED | typed)
        assert wrong.status_code == 422
        assert set(wrong.context["target"]["faults"]) == {field}
        assert wrong.context["target"]["note"] == "as agreed"
        assert not KpiSetting.objects.exists()

    def test_nobody_else_sets_one(self, client, paying):
        for who in ("elif_", "deniz", "ana", "vera"):
            client.force_login(getattr(paying, who))
            assert client.post(self.ADDRESS, self.TYPED).status_code == 403
            assert client.get("/metrics/kpi/logo_churn/").context["target"] is None
        client.force_login(paying.ada)
        assert client.get(self.ADDRESS).status_code == 405
        assert client.post("/metrics/kpi/moon/target/", self.TYPED).status_code == 404
        client.logout()
        assert "/login/" in client.post(self.ADDRESS, self.TYPED).headers["Location"]
        assert not KpiSetting.objects.exists()

    def test_the_admin_adds_rows_and_changes_none(self, client, paying):
        client.force_login(paying.ada)
        added = client.post(reverse("admin:metrics_kpisetting_add"), {"kpi": "nps", "variant": "", "target": "40", "valid_from": "2024-01-01"})
        assert added.status_code == 302
        row = KpiSetting.objects.get()
        assert (row.kpi, row.changed_by) == ("nps", paying.ada)
        assert client.post(reverse("admin:metrics_kpisetting_change", args=[row.pk]), {"target": "1"}).status_code == 403
        assert client.post(reverse("admin:metrics_kpisetting_add"), {"kpi": "nps", "variant": "moon", "target": "40", "valid_from": "2024-01-01"}).status_code == 200
        assert KpiSetting.objects.get() == row
