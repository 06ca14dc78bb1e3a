"""The language of rules: what is read, what is refused and where, who fits, and why."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from accounts.actions.usage import put_usage
from accounts.models import Account, AccountSnapshot, Contact, ExchangeRate, Segment
from accounts.queries.rule_matches import count_matching, explain, matching, read_rule
from accounts.rules import RuleFault, compile_where, fields_of, moves_with_time, parse, refuse_fields, sentence

NOW = dt.datetime(2027, 3, 10, 9, 0, tzinfo=dt.UTC)
TODAY = dt.date(2027, 3, 10)


def fits(rule, **limits):
    return set(matching(read_rule(rule), now=NOW, today=TODAY, **limits))


def one(field, op, value=None):
    return {"all": [{"field": field, "op": op} | ({} if value is None else {"value": value})]}


def snapshot(account, **columns):
    AccountSnapshot.objects.filter(account=account).update(**columns)


@pytest.mark.parametrize(
    ("json", "path"),
    [
        ([], ""),
        ({"all": "x"}, "all"),
        ({"all": [], "any": []}, ""),
        ({"any": []}, "any"),
        ({"all": [{"any": []}]}, "all.0.any"),
        ({"all": [{"field": "password", "op": "eq", "value": "x"}]}, "all.0.field"),
        ({"all": [{"any": [{"field": "mrr", "op": "gte", "value": "1"}, {"field": "owner_id; DROP TABLE", "op": "eq"}]}]}, "all.0.any.1.field"),
        (one("mrr", "contains", "1"), "all.0.op"),
        (one("mrr", "gte", "much"), "all.0.value"),
        (one("mrr", "gte", "NaN"), "all.0.value"),
        (one("mrr", "between", ["5", "1"]), "all.0.value.1"),
        (one("health", "gte", "101"), "all.0.value"),
        (one("churn_risk", "gte", "30"), "all.0.value"),
        (one("segment", "in", ["vip", "gone"]), "all.0.value.1"),
        (one("band", "eq", "green"), "all.0.value"),
        (one("renews_on", "in_next_days", "-1"), "all.0.value"),
        (one("renews_on", "lt", "2027-02-30"), "all.0.value"),
        (one("plan", "eq", "a\x00b"), "all.0.value"),
        (one("plan", "is_empty", "x"), "all.0.value"),
        (one("attributes.", "eq", "x"), "all.0.field"),
        (one("attributes.seats", "gte", "many"), "all.0.value"),
        ({"all": [{"field": "mrr", "op": "gte", "value": "1", "sql": "1"}]}, "all.0"),
        ({"all": [{"usage": {"measure": "clicks", "days": 7}, "op": "gte", "value": "1"}]}, "all.0.usage.measure"),
        ({"all": [{"usage": {"measure": "count", "days": 0}, "op": "gte", "value": "1"}]}, "all.0.usage.days"),
        ({"all": [{"contacts": {"share": "1.5"}, "where": {"all": []}}]}, "all.0.contacts.share"),
        ({"all": [{"contacts": "most", "where": {"all": []}}]}, "all.0.contacts"),
        ({"all": [{"contacts": "any", "where": {"all": [{"field": "mrr", "op": "gte", "value": "1"}]}}]}, "all.0.where.all.0.field"),
        ({"all": [{"not": {"not": {"not": {"all": [{"all": [{"field": "mrr", "op": "gte", "value": "1"}]}]}}}}]}, "all.0.not.not.not.all.0"),
        ({"all": [{"field": "mrr", "op": "gte", "value": "1"}] * 51}, "all.50"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_place(db, json, path):
    with pytest.raises(RuleFault) as fault:
        read_rule(json)
    assert fault.value.path == path
    assert fault.value.message


def test_numbers_are_compared_in_the_units_they_are_typed_in(cast):
    snapshot(cast.boga, mrr_micros=1_000_000_000, health=7449, churn_risk=Decimal("0.3"), usage_trend=Decimal("-0.25"))
    assert fits(one("mrr", "gte", "1000")) == {cast.boga.pk}
    assert fits(one("mrr", "gt", "1000")) == set()
    assert fits(one("health", "lt", "74.5")) == {cast.boga.pk}
    assert fits(one("churn_risk", "between", ["0.3", "1"])) == {cast.boga.pk}
    assert fits(one("usage_trend", "lte", "-0.25")) == {cast.boga.pk}


def test_a_missing_value_fits_no_comparison_and_every_negation(cast):
    assert fits(one("health", "gte", "0")) == set()
    assert fits(one("health", "is_empty")) == {cast.boga.pk, cast.north.pk}
    assert fits({"not": {"all": [{"field": "health", "op": "gte", "value": "0"}]}}) == {cast.boga.pk, cast.north.pk}
    assert fits(one("plan", "neq", "Pro")) == {cast.boga.pk, cast.north.pk}


def test_texts_are_compared_without_regard_to_case_and_turkish_accents(cast):
    Account.objects.filter(pk=cast.boga.pk).update(plan="İŞLETME Pro")
    assert fits(one("plan", "eq", "işletme pro")) == {cast.boga.pk}
    assert fits(one("plan", "contains", "ISLET")) == {cast.boga.pk}
    assert fits(one("plan", "starts_with", "pro")) == set()
    assert fits(one("country", "in", ["tr", "de"])) == {cast.boga.pk}


def test_potential_is_compared_in_the_reporting_currency(cast, settings):
    settings.REPORTING_CURRENCY = "EUR"
    Account.objects.filter(pk=cast.boga.pk).update(revenue_potential=500, currency="EUR")
    Account.objects.filter(pk=cast.north.pk).update(revenue_potential=500, currency="GBP")
    assert fits(one("revenue_potential", "gte", "500")) == {cast.boga.pk}
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2027, 1, 1), rate=Decimal("1.2"))
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2027, 4, 1), rate=Decimal("0.1"))
    assert fits(one("revenue_potential", "gte", "600")) == {cast.north.pk}


def test_days_are_counted_from_today_in_the_organisations_zone(cast, settings):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    snapshot(cast.boga, renews_on=dt.date(2027, 4, 9), last_touch_at=dt.datetime(2027, 2, 27, 22, 0, tzinfo=dt.UTC))
    assert fits(one("renews_on", "in_next_days", "30")) == {cast.boga.pk}
    assert fits(one("renews_on", "in_next_days", "29")) == set()
    assert fits(one("renews_on", "in_more_than_days", 29)) == {cast.boga.pk}
    # in Istanbul it was the 28th already
    assert fits(one("last_touch_at", "within_last_days", 10)) == {cast.boga.pk}
    assert fits(one("last_touch_at", "more_than_days_ago", 9)) == {cast.boga.pk}
    assert fits(one("last_touch_at", "eq", "2027-02-28")) == {cast.boga.pk}


def test_attributes_are_text_number_or_day_as_the_condition_asks(cast):
    Account.objects.filter(pk=cast.boga.pk).update(attributes={"seats": 40, "tier": "Gold", "signed": "2027-03-01", "beta": True})
    Account.objects.filter(pk=cast.north.pk).update(attributes={"seats": "many", "signed": "2027-02-31x", "tier": None})
    assert fits(one("attributes.seats", "gte", "9")) == {cast.boga.pk}
    assert fits(one("attributes.tier", "in", ["gold", "silver"])) == {cast.boga.pk}
    assert fits(one("attributes.beta", "eq", True)) == {cast.boga.pk}
    assert fits(one("attributes.signed", "within_last_days", 9)) == {cast.boga.pk}
    assert fits(one("attributes.signed", "lt", "2027-03-02")) == {cast.boga.pk, cast.north.pk}
    assert fits(one("attributes.tier", "is_empty")) == {cast.north.pk}


def test_contacts_count_any_every_none_and_a_share_without_the_forgotten(cast):
    Contact.objects.create(external_id="c2", account=cast.boga, job_title="Müdür", birth_year=1980)
    Contact.objects.create(external_id="erased-77", account=cast.boga, job_title="Müdür")
    where = {"all": [{"field": "job_title", "op": "contains", "value": "MÜDÜR"}]}
    assert fits({"all": [{"contacts": "any", "where": where}]}) == {cast.boga.pk}
    assert fits({"all": [{"contacts": {"share": "0.5"}, "where": where}]}) == {cast.boga.pk}
    assert fits({"all": [{"contacts": {"share": "0.51"}, "where": where}]}) == set()
    assert fits({"all": [{"contacts": "none", "where": where}]}) == {cast.north.pk}
    assert fits({"all": [{"contacts": "all", "where": {"any": [{"field": "role", "op": "eq", "value": "champion"}]}}]}) == {cast.north.pk}
    assert fits({"all": [{"contacts": "any", "where": {"all": [{"field": "age", "op": "eq", "value": "47"}]}}]}) == {cast.boga.pk}


def test_use_is_measured_over_the_days_before_today(cast):
    def usage(measure, op, value, days=7, **more):
        return fits({"all": [{"usage": {"measure": measure, "days": days, **more}, "op": op, "value": value}]})

    used(cast.boga, "", dt.date(2027, 3, 9), count=10, users=3)
    used(cast.boga, "reports", dt.date(2027, 3, 9), count=4, users=2)
    used(cast.boga, "", dt.date(2027, 3, 3), count=7, users=5)
    used(cast.boga, "", dt.date(2027, 3, 2), count=100, users=50)
    used(cast.boga, "", dt.date(2027, 3, 10), count=100, users=50)
    assert usage("count", "eq", "21") == {cast.boga.pk}
    assert usage("count", "eq", "3", per="day") == {cast.boga.pk}
    assert usage("count", "eq", "4", feature="reports") == {cast.boga.pk}
    assert usage("active_days", "eq", "2") == {cast.boga.pk}
    assert usage("users", "eq", "5") == {cast.boga.pk}
    assert usage("count", "lt", "1") == {cast.north.pk}
    assert usage("count", "gte", "1", feature="nothing of this name") == set()


def used(account, feature, day, *, count, users):
    put_usage([(account.pk, feature, day, count, users, None, None)])


def test_only_the_given_accounts_are_looked_at_and_counts_are_capped(cast):
    everybody = read_rule({"all": []})
    assert everybody.is_empty
    assert matching(everybody, now=NOW, today=TODAY, account_ids=[cast.north.pk]) == [cast.north.pk]
    assert count_matching(everybody, now=NOW, today=TODAY, limit=1) == 2


def test_a_segment_is_asked_by_key(cast):
    Account.objects.filter(pk=cast.boga.pk).update(segment=Segment.objects.get(key="vip"))
    assert fits(one("segment", "in", ["vip", "core"])) == {cast.boga.pk}
    assert fits(one("segment", "neq", "vip")) == {cast.north.pk}


def test_the_explanation_names_each_condition_with_the_accounts_own_value(cast, settings):
    settings.REPORTING_CURRENCY = "EUR"
    snapshot(cast.boga, mrr_micros=250_000_000, health=4000, band="at_risk")
    rule = read_rule(
        {
            "all": [
                {"field": "mrr", "op": "gte", "value": "1000"},
                {"any": [{"field": "band", "op": "in", "value": ["at_risk", "watch"]}, {"contacts": "any", "where": {"all": []}}]},
            ]
        }
    )
    told = explain(rule, cast.boga.pk, now=NOW, today=TODAY)
    assert [tuple(reason) for reason in told] == [
        ("MRR is at least €1,000", "€250", False, "all.0"),
        ("Band is one of At risk, Watch", "At risk", True, "all.1.any.0"),
        ("at least one contact: anybody", "1 of 1 contacts", True, "all.1.any.1"),
    ]
    assert sentence(rule) == "MRR is at least €1,000 and (Band is one of At risk, Watch or at least one contact: anybody)"


def test_a_rule_tells_what_it_reads_and_whether_days_change_it():
    rule = parse({"any": [{"field": "segment", "op": "eq", "value": "vip"}, {"contacts": "none", "where": {"any": [{"field": "age", "op": "gte", "value": "30"}]}}]})
    assert fields_of(rule) == {"segment", "contacts", "contacts.age"}
    assert moves_with_time(rule)
    assert not moves_with_time(parse(one("mrr", "gte", "1")))
    with pytest.raises(RuleFault) as fault:
        refuse_fields(rule, {"segment"})
    assert fault.value.path == "any.0.field"


def test_what_is_typed_reaches_the_database_only_as_a_parameter():
    typed = "x') OR 1=1; --"
    rule = parse(
        {"all": [{"field": f"attributes.{typed}", "op": "contains", "value": typed}, {"usage": {"measure": "count", "feature": typed, "days": 3}, "op": "gte", "value": "1"}]}
    )
    sql, params = compile_where(rule)
    assert typed not in sql
    assert "1=1" not in sql
    assert list(params.values()).count(typed) == 2
