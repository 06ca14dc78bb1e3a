"""The benchmark command: its answers, its refusals, and that it leaves nothing behind."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account
from config.benchmarks import worklist
from config.benchmarks.measure import Result, interleave

FIELDS = {"name", "size", "seconds_median", "seconds_min", "seconds_max", "rows_per_second", "peak_memory_mb", "ratio_to_floor", "ratio_to_duckdb"}


def scratch_databases():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'vefa\\_bench\\_%%'")
        return cursor.fetchone()[0]


@pytest.fixture
def bench(transactional_db):
    """Runs the command; the connection is the test database's again afterwards."""

    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        call_command("bench", *arguments, stdout=out, stderr=err)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    return run


def test_an_unknown_name_ends_with_two(db):
    with pytest.raises(CommandError) as refused:
        call_command("bench", "nothing")
    assert refused.value.returncode == 2


@pytest.mark.parametrize("arguments", [["health-full", "--accounts", "5"], ["health-full", "--rounds", "0"]])
def test_sizes_that_measure_nothing_are_refused(db, arguments):
    with pytest.raises(CommandError) as refused:
        call_command("bench", *arguments)
    assert refused.value.returncode == 2


def test_health_by_hand_and_by_the_product_write_the_same_rows(bench):
    name, before = connection.settings_dict["NAME"], scratch_databases()
    [answered] = bench("health-full", "--accounts", "600", "--rounds", "1", "--json")
    assert answered.keys() >= FIELDS
    assert (answered["name"], answered["size"], answered["rows_differing_from_floor"]) == ("health-full", 600, 0)
    assert answered["ratio_to_floor"] > 0
    # the live database was not touched and the scratch one is gone
    assert connection.settings_dict["NAME"] == name
    assert not Account.objects.exists()
    assert scratch_databases() <= before


def test_revenue_of_months_is_that_of_the_ledger_by_hand(bench):
    [movements] = bench("mrr-movements", "--accounts", "600", "--rounds", "1", "--json")
    assert movements["rows_differing_from_floor"] == 0
    assert movements.keys() >= FIELDS | {"rate_to_48_pairs"}


@pytest.mark.soak
def test_retention_and_cohorts_are_those_by_hand_and_of_the_handbook(bench):
    retention, cohorts = bench("net-retention", "cohorts", "--accounts", "600", "--rounds", "1", "--json")
    assert [told["rows_differing_from_floor"] for told in (retention, cohorts)] == [0, 0]
    assert retention.keys() >= FIELDS | {"rate_of_the_book", "months_by_segment_to_a_pair"}
    assert 0 < float(retention["nrr"]) < 2


def test_the_worklist_and_its_floors_show_the_same_rows(bench, monkeypatch):
    monkeypatch.setattr(worklist, "REQUESTS", 3)
    monkeypatch.setattr(worklist, "STATEMENTS", 3)
    [answered] = bench("worklist", "--accounts", "600", "--rounds", "2", "--json")
    assert answered.keys() >= FIELDS | {"p95_ratio_to_floor", "p95_ratio_of_fragment", "sql_items_by_key", "sql_risk_by_key"}
    assert answered["same_rows"] is True
    assert answered["rows_shown"] > 10
    assert answered["queries"] <= 8


def test_the_first_to_go_changes_and_the_warm_up_does_not_count():
    order = []
    seconds, _peak = interleave({"product": lambda number: order.append(("product", number)), "floor": lambda number: order.append(("floor", number)) or 2.0}, rounds=2)
    assert order == [("product", 0), ("floor", 0), ("floor", 1), ("product", 1), ("product", 2), ("floor", 2)]
    assert seconds["floor"] == [2.0, 2.0]
    assert len(seconds["product"]) == 2


def test_ratios_are_taken_within_a_round():
    result = Result(name="x", size=1, rows=10, seconds={"product": [1.0, 4.0, 3.0], "floor": [1.0, 2.0, 1.0]}, peak_memory_mb=1)
    fields = result.fields()
    assert (fields["ratio_to_floor"], fields["ratio_to_duckdb"], fields["seconds_median"], fields["rows_per_second"]) == (2.0, None, 3.0, 3.3)
