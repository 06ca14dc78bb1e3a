"""Moving one step of a playbook's run, and the others with it."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from types import SimpleNamespace

import pytest

from accounts.actions.work_dates import shift_run
from accounts.models import Playbook, PlaybookRun, WorkItem
from tests.accounts.test_work_pages import HTMX, _noon, enter, text_of  # noqa: F401 - the clock of these tests
from tests.accounts.work_builders import NOW

pytestmark = pytest.mark.django_db
ISTANBUL = zoneinfo.ZoneInfo("Europe/Istanbul")
DAY = dt.timedelta(days=1)


@pytest.fixture
def steps(cast: SimpleNamespace) -> list[WorkItem]:
    """Five steps of one run: due, three days later, asleep, done, and one of another run."""
    book = Playbook.objects.create(key="onboarding-6", name="Onboarding")
    run, other = (PlaybookRun.objects.create(playbook=book, account=cast.boga, started_at=NOW) for _ in range(2))

    def step(number: int, of: PlaybookRun = run, **values: object) -> WorkItem:
        return WorkItem.objects.create(account=cast.boga, type="lifecycle", reason=f"s{number}", due_at=NOW + number * DAY, owner=cast.elif_, playbook_run=of, **values)

    return [step(0), step(3), step(5, status="snoozed", snoozed_until=NOW + DAY), step(6, status="done", closed_at=NOW), step(7, other)]


def dues() -> dict[str, dt.timedelta]:
    return {row.reason: row.due_at - NOW for row in WorkItem.objects.all()}


def test_the_dialog_offers_it_and_the_open_steps_of_the_run_move_by_as_many_days(cast: SimpleNamespace, steps: list[WorkItem]) -> None:
    client, address = enter(cast.elif_), f"/work/{steps[0].pk}/due/"
    assert "Move the other 2 open steps of Onboarding by as many days" in text_of(client.get(address))
    assert "Move the other" not in text_of(client.get(f"/work/{steps[4].pk}/due/"))
    told = client.post(address, {"date": "2026-11-20", "shift": "on", "w": f"{steps[0].pk}.1"}, **HTMX)
    assert "2 other steps moved along." in told["HX-Trigger"]
    moved = dues()
    assert moved["s0"].days == 3
    assert (moved["s3"], moved["s5"], moved["s6"], moved["s7"]) == (6 * DAY, 8 * DAY, 6 * DAY, 7 * DAY)
    # and all of it goes back
    undo = json.loads(told["HX-Trigger"])["toast"]["undo"]
    assert "Taken back: 3 items" in client.post(undo, **HTMX)["HX-Trigger"]
    assert dues() == {"s0": 0 * DAY, "s3": 3 * DAY, "s5": 5 * DAY, "s6": 6 * DAY, "s7": 7 * DAY}


def test_without_the_tick_only_the_one_moves(cast: SimpleNamespace, steps: list[WorkItem]) -> None:
    assert enter(cast.elif_).post(f"/work/{steps[0].pk}/due/", {"date": "2026-11-20", "w": f"{steps[0].pk}.1"}).status_code == 302
    assert (dues()["s3"], dues()["s5"]) == (3 * DAY, 5 * DAY)


def test_what_somebody_else_changed_moves_nothing_and_other_runs_never_move(cast: SimpleNamespace, steps: list[WorkItem]) -> None:
    before = dues()
    stale = shift_run(item_id=steps[0].pk, version=9, at=NOW + DAY, others=[steps[1].pk], zone=ISTANBUL, now=NOW)
    assert (stale.ids, stale.stale, dues()) == ([], [steps[0].pk], before)
    moved = shift_run(item_id=steps[0].pk, version=1, at=NOW + DAY, others=[steps[1].pk, steps[3].pk, steps[4].pk], zone=ISTANBUL, now=NOW)
    assert moved.ids == [steps[0].pk, steps[1].pk]


def test_the_hour_stays_over_a_change_of_clocks(cast: SimpleNamespace, steps: list[WorkItem]) -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    late = dt.datetime(2027, 3, 27, 17, tzinfo=berlin)
    WorkItem.objects.filter(pk__in=[steps[0].pk, steps[1].pk]).update(due_at=late)
    shift_run(item_id=steps[0].pk, version=1, at=dt.datetime(2027, 3, 29, 17, tzinfo=berlin), others=[steps[1].pk], zone=berlin, now=NOW)
    assert WorkItem.objects.get(pk=steps[1].pk).due_at == dt.datetime(2027, 3, 29, 17, tzinfo=berlin)
