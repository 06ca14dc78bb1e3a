"""Health and figures by the API."""

import datetime as dt

import pytest
from django.utils import timezone

from metrics.actions.recompute import recompute_accounts
from metrics.kpis.catalogue import CATALOGUE
from tests.api_client import ApiClient
from tests.metrics.health_facts import answer, subscription, usage

pytestmark = pytest.mark.django_db
JANUARY = "start=2026-01-01&end=2026-02-01"


def test_health_is_told_with_parts_that_sum_to_the_score(cast):
    now = timezone.now()
    usage(cast.boga, before=100, after=100, now=now)
    answer(cast.boga, 9, at=now - dt.timedelta(days=3))
    recompute_accounts(account_ids=[cast.boga.pk], as_of=now, now=now)
    client = ApiClient(cast.elif_, "accounts:read")
    told = client.get(f"/accounts/{cast.boga.pk}/health/").json()
    assert (told["account"], told["band"] in {"healthy", "watch", "at_risk"}, len(told["history"])) == ("boga", True, 1)
    assert round(sum(part["contribution"] or 0 for part in told["parts"]), 2) == told["score"] == told["history"][0]["score"]
    assert next(part for part in told["parts"] if part["component"] == "last_nps")["raw"] == 9
    assert client.get(f"/accounts/{cast.north.pk}/health/").status_code == 404
    for days in ("0", "x", "5000"):
        assert client.get(f"/accounts/{cast.boga.pk}/health/?days={days}").status_code == 400


def test_an_account_without_a_score_has_none(cast):
    told = ApiClient(cast.ada).get(f"/accounts/{cast.boga.pk}/health/").json()
    assert (told["score"], told["band"], told["parts"], told["history"]) == (None, None, [], [])


def test_the_catalogue_lists_every_kpi(cast):
    rows = ApiClient(cast.ana, "metrics:read").get("/metrics/").json()["results"]
    assert [row["name"] for row in rows] == list(CATALOGUE)
    nps = next(row for row in rows if row["name"] == "nps")
    assert (nps["variants"], nps["unit"]) == (["nps_0_10", "nps_1_10"], "points")


def test_a_figure_is_over_what_the_user_may_see(cast):
    start = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
    subscription(cast.boga, start=start, amount=1200)
    subscription(cast.north, start=start, amount=600)
    # 1200 and 600 a year are 100 and 50 a month; a csm sees the own book, an analyst figures of all
    for user, value in ((cast.ada, "150"), (cast.ana, "150"), (cast.vera, "150"), (cast.elif_, "100"), (cast.can, "50"), (cast.mert, "100")):
        told = ApiClient(user, "metrics:read").get(f"/metrics/mrr/?{JANUARY}").json()
        assert (told["kpi"], told["value"], told["currency"]) == ("mrr", value, "EUR"), user
    series = ApiClient(cast.ada).get("/metrics/mrr/?start=2026-01-01&end=2026-03-01&interval=month").json()["series"]
    assert [one["value"] for one in series] == ["150", "150"]
    groups = ApiClient(cast.ada).get(f"/metrics/mrr/?{JANUARY}&by=owner").json()["groups"]
    assert {one["key"]: one["value"] for one in groups} == {"elif@vefa.test": "100", "can@vefa.test": "50"}
    narrowed = ApiClient(cast.ada).get(f"/metrics/mrr/?{JANUARY}&filter.country=GB&param.pause=keeps").json()
    assert (narrowed["value"], narrowed["params"]) == ("50", {"pause": "keeps"})


def test_analysts_see_the_sums_of_the_log_and_not_whose_they_are(cast):
    subscription(cast.boga, start=dt.datetime(2026, 1, 10, tzinfo=dt.UTC), amount=1200)
    log = f"/metrics/mrr_movements/?{JANUARY}&variant=event_log&by=country"
    whole = ApiClient(cast.ada, "metrics:read").get(log).json()
    assert ([row["account"] for row in whole["rows"]], whole["groups"][0]["rows"]) == (["boga"], whole["rows"])
    told = ApiClient(cast.ana, "metrics:read").get(log).json()
    assert (told["parts"]["new"], "rows" in told, "rows" in told["groups"][0]) == ("100", False, False)


@pytest.mark.parametrize("name", ["aov", "acv", "arpu", "conversion_rate", "crc", "cx_roi", "logo_churn", "mrr_movements"])
def test_periods_at_the_ends_of_the_calendar_are_answered_or_refused(cast, name):
    client = ApiClient(cast.ada, "metrics:read")
    for period in ("start=0001-01-02&end=0001-02-01", "start=9999-11-01&end=9999-12-31", "start=0001-01-02&end=9999-12-31"):
        for more in [
            "",
            *(f"&variant={variant}" for variant in CATALOGUE[name].variants if variant != "funnel"),
            *(["&param.within_days=1000000"] if name == "conversion_rate" else []),
        ]:
            told = client.get(f"/metrics/{name}/?{period}{more}")
            assert told.status_code in {200, 400}, (period, more, told.content)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"happiness/?{JANUARY}", 404),
        ("mrr/", 400),
        ("mrr/?start=2026-01-01", 400),
        ("mrr/?start=2026-02-01&end=2026-01-01", 400),
        ("mrr/?start=soon&end=2026-01-01", 400),
        ("mrr/?start=0001-01-01&end=9999-12-31", 200),
        ("mrr/?start=0001-01-01T00:00:00%2B14:00&end=2026-01-01", 400),
        (f"mrr/?{JANUARY}&variant=lucky", 400),
        (f"mrr/?{JANUARY}&segment=gold", 400),
        (f"mrr/?{JANUARY}&interval=decade", 400),
        (f"mrr/?{JANUARY}&by=mood", 400),
        (f"mrr/?{JANUARY}&colour=red", 400),
        (f"mrr/?{JANUARY}&start=2025-01-01", 400),
        (f"mrr/?{JANUARY}&filter.mood=x", 400),
        (f"mrr/?{JANUARY}&param.delinquency_days=-1", 400),
        (f"mrr/?{JANUARY}&param.delinquency_days=99999999999", 400),
        (f"mrr/?{JANUARY}&as_of=soon", 400),
        (f"mrr/?{JANUARY}&segment=%00", 400),
        (f"nps/?{JANUARY}&by=agent", 400),
    ],
)
def test_a_wrong_question_is_a_problem_that_names_what_is_allowed(cast, query, status):
    told = ApiClient(cast.ada, "metrics:read").get(f"/metrics/{query}")
    assert told.status_code == status, told.content
    if status != 200:
        assert told["Content-Type"] == "application/problem+json"
        assert told.json()["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=2026-02-01&end=2026-01-01", "end"), ("start=x&end=2026-01-01", "start"), (f"{JANUARY}&variant=x", "variant"), (f"{JANUARY}&segment=x", "segment"),
        (f"{JANUARY}&as_of=soon", "as_of"), (f"{JANUARY}&by=mood", "by"), (f"{JANUARY}&interval=age", "interval"), (f"{JANUARY}&filter.mood=x", "filter.mood"),
        (f"{JANUARY}&param.pause=x", "param.pause"), (f"{JANUARY}&param.mood=x", "param.mood"), (f"{JANUARY}&filter.kind=x", "filter.kind"),
    ],
)  # fmt: skip
def test_the_word_at_fault_is_named(cast, query, field):
    told = ApiClient(cast.ada, "metrics:read").get(f"/metrics/mrr/?{query}")
    assert (told.status_code, [error["field"] for error in told.json()["errors"]]) == (400, [field])


def test_figures_are_a_scope_of_their_own(cast):
    assert ApiClient(cast.ada, "accounts:read").get("/metrics/").status_code == 403
    assert ApiClient(cast.ada, "metrics:read").get(f"/accounts/{cast.boga.pk}/health/").status_code == 403
