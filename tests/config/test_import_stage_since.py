"""Since when an account is in its stage: told by an import or the API, kept without overlaps, taken back with its import."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.actions.customers import change_account, create_account
from accounts.models import Account, AccountEvent, LifecycleStage, StageStay
from accounts.models.events import Origin
from config.imports import load_rows
from tests.api_client import ApiClient, fields_of
from tests.config.test_import_undo import NOW, dump, put, undo

pytestmark = pytest.mark.django_db
SPRING, WINTER = dt.datetime(2026, 3, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 10, tzinfo=dt.UTC)


def stays(key="a"):
    rows = StageStay.objects.filter(account__external_id=key).order_by("valid_from", "id")
    return [(stay.stage_id, stay.valid_from, stay.valid_to, stay.reason) for stay in rows]


def row(stage, since="", **more):
    return {"external_id": "a", "name": "A", "lifecycle_stage": stage, "stage_since": since} | more


def test_an_imported_stage_begins_when_the_file_says_and_stays_open():
    put("accounts", [row("onboarding", "2026-01-10")])
    assert stays() == [("onboarding", WINTER, None, "import")]
    put("accounts", [row("adoption", "2026-03-01")])
    assert stays() == [("onboarding", WINTER, SPRING, "import"), ("adoption", SPRING, None, "import")]
    assert list(AccountEvent.objects.filter(kind="stage.changed").values_list("occurred_at", flat=True)) == [SPRING]
    # without an instant it begins now, and no stage begins before the one it follows
    put("accounts", [row("established")])
    put("accounts", [row("renewal", "2026-02-01")])
    assert stays()[2:] == [("established", NOW, NOW, "import"), ("renewal", NOW, None, "import")]


def test_the_beginning_of_a_stage_that_the_account_is_in_is_put_right_and_taken_back():
    put("accounts", [row("onboarding", "2026-01-10")])
    put("accounts", [row("adoption")], now=NOW - dt.timedelta(days=1))
    before = dump()
    report = put("accounts", [row("adoption", "2026-03-01")])
    assert (report.changed, report.unchanged) == (1, 0)
    assert stays()[1] == ("adoption", SPRING, None, "import")
    assert put("accounts", [row("adoption", "2026-03-01")]).unchanged == 1
    undo(report)
    assert dump() == before


@pytest.mark.parametrize(("cells", "said"), [(row("", "2026-01-10"), "name the stage"), (row("onboarding", "2026-06-01"), "future"), (row("onboarding", "soon"), "soon")])
def test_a_beginning_without_a_stage_or_in_the_future_is_refused_with_its_column(cells, said):
    faults: list = []
    load_rows("accounts", [cells], now=NOW, listener=faults.append)
    assert [(fault.column, said in fault.reason) for fault in faults] == [("stage_since", True)]
    assert not Account.objects.exists()


def test_the_api_tells_it_too(cast):
    stage = LifecycleStage.objects.get(key="onboarding")
    made = create_account(fields={"external_id": "b", "name": "B", "lifecycle_stage": stage, "stage_since": WINTER}, actor=cast.ada, now=NOW, origin=Origin.API)
    assert stays("b") == [("onboarding", WINTER, None, "api")]
    change_account(account_id=made.pk, fields={"stage_since": SPRING}, actor=cast.ada, now=NOW, origin=Origin.API)
    assert stays("b") == [("onboarding", SPRING, None, "api")]
    change_account(account_id=made.pk, fields={"lifecycle_stage": LifecycleStage.objects.get(key="adoption"), "stage_since": NOW}, actor=cast.ada, now=NOW, origin=Origin.API)
    assert stays("b") == [("onboarding", SPRING, NOW, "api"), ("adoption", NOW, None, "api")]


def test_a_request_tells_it_and_is_refused_by_its_field(cast):
    client = ApiClient(cast.ada)
    answer = client.post("/accounts/", {"external_id": "b", "name": "B", "lifecycle_stage": "onboarding", "stage_since": WINTER.isoformat()})
    assert (answer.status_code, "stage_since" in answer.json()) == (201, False)
    assert stays("b") == [("onboarding", WINTER, None, "api")]
    for body in ({"lifecycle_stage": None, "stage_since": SPRING.isoformat()}, {"stage_since": "2199-01-01T00:00:00Z"}):
        refused = client.post("/accounts/", {"external_id": "c", "name": "C", "lifecycle_stage": "onboarding"} | body)
        assert (refused.status_code, fields_of(refused)) == (400, {"stage_since": "invalid"})
    assert not Account.objects.filter(external_id="c").exists()
