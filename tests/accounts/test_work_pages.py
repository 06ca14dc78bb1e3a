"""My work as a page: what it says, what each role may do, what a refusal leaves untouched."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User, WorkItem
from accounts.models.people import Cover
from tests.accounts.work_builders import account, item

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/?scope=mine"}
TODAY = dt.date(2026, 11, 17)
NOON = dt.datetime(2026, 11, 17, 12, 0, tzinfo=dt.UTC)
FORMS = {
    "done": {"outcome": "agreed", "note": "fine"},
    "drop": {"reason": "no use"},
    "snooze": {"when": "date", "date": "2026-11-24", "reason": "holiday"},
    "assign": {"owner": "mert"},
    "due": {"date": "2026-11-30"},
}


@pytest.fixture(autouse=True)
def _noon() -> object:
    with time_machine.travel(NOON, tick=False):
        yield


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def form(cast: SimpleNamespace, do: str) -> dict[str, object]:
    return {key: getattr(cast, value).pk if value == "mert" else value for key, value in FORMS[do].items()}


def sent_away(answer: HttpResponse) -> bool:
    """To the login: a page by redirect, a fragment by header."""
    return (answer.headers.get("Location") or answer.headers.get("HX-Redirect") or "").startswith("/login/")


def states() -> list[dict[str, object]]:
    return list(WorkItem.objects.order_by("pk").values())


def text_of(response: object) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())))  # type: ignore[attr-defined]


def test_the_page_shows_each_line_with_its_sentence_and_its_worth(cast: SimpleNamespace) -> None:
    vip = account("Çınar <Gıda>", cast.elif_, segment="vip", stake=84_000, health=38, band="at_risk")
    item(vip, due=NOON - dt.timedelta(days=4), stake=84_000, title="Call Selin")
    page = text_of(enter(cast.elif_).get("/"))
    for words in ("Çınar <Gıda>", "Use fell by 34 % in four weeks.", "€84,000", "At risk", "Call Selin", "due Fri 13 Nov, 4 days late", "Overdue", "1 item", "VIP"):
        assert words in page, words


def test_the_page_needs_a_login_and_shows_no_other_book(cast: SimpleNamespace) -> None:
    item(cast.north, title="Secret step")
    answer = Client().get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/")
    page = text_of(enter(cast.elif_).get("/"))
    assert "Secret step" not in page
    assert "Nothing to do" in page


def test_a_reader_in_istanbul_is_in_the_next_day_at_half_past_eleven_utc(cast: SimpleNamespace) -> None:
    item(cast.boga, due=dt.datetime(2026, 11, 17, 20, 0, tzinfo=dt.UTC))
    User.objects.filter(pk=cast.elif_.pk).update(time_zone="Europe/Istanbul")
    with time_machine.travel(dt.datetime(2026, 11, 17, 23, 30, tzinfo=dt.UTC), tick=False):
        page = text_of(enter(cast.elif_).get("/"))
        assert "due Tue 17 Nov, 1 day late" in page
        assert "Wednesday 18 November 2026" in page
        assert "Overdue" not in text_of(enter(cast.ada).get("/?scope=all"))


@pytest.mark.parametrize(("name", "query", "statements"), [
    ("elif_", "", 7), ("elif_", "?view=risk", 7), ("elif_", "?scope=snoozed", 7), ("mert", "", 7), ("mert", "?scope=team", 8), ("mert", "?view=risk&scope=team", 8),
    ("ada", "", 7), ("ada", "?scope=all&view=risk", 7), ("vera", "", 7), ("deniz", "", 5), ("ana", "", 3),
])  # fmt: skip
def test_the_page_takes_at_most_eight_statements_for_every_role(cast: SimpleNamespace, name: str, query: str, statements: int) -> None:
    for n in range(60):
        item(cast.boga, reason=f"{n}")
        account(f"Risk {n}", cast.elif_, stake=n, health=30, band="at_risk")
    client = enter(getattr(cast, name))
    client.get("/" + query)
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/" + query).status_code == 200
    assert len(asked.captured_queries) <= statements


@pytest.mark.parametrize("do", FORMS)
def test_an_action_on_the_own_book_works_in_place_and_can_be_taken_back(cast: SimpleNamespace, do: str) -> None:
    work, rest = item(cast.boga), item(cast.boga, reason="rest")
    before = states()
    client = enter(cast.elif_)
    assert client.get(f"/work/{work.pk}/{do}/", **HTMX).status_code == 200
    answer = client.post(f"/work/{work.pk}/{do}/", {**form(cast, do), "w": f"{work.pk}.1"}, **HTMX)
    assert answer.status_code == 200
    work.refresh_from_db()
    expected = {
        "done": ("done", "Reached, next step agreed: fine"), "drop": ("dropped", "no use"), "snooze": ("snoozed", "holiday"),
        "assign": ("open", cast.mert), "due": ("open", dt.datetime(2026, 11, 30, 17, 0, tzinfo=dt.UTC)),
    }[do]  # fmt: skip
    assert (work.status, {"done": work.outcome, "drop": work.outcome, "snooze": work.snooze_reason, "assign": work.owner, "due": work.due_at}[do]) == expected
    events = json.loads(answer["HX-Trigger"])
    assert events["close-dialog"] is True
    if do in {"done", "drop", "snooze"}:
        assert f'id="w-{work.pk}" hx-swap-oob="delete"' in answer.content.decode()
        assert "1 item" in text_of(answer)
    else:
        assert events["work-changed"] is True
    undone = client.post(events["toast"]["undo"], **HTMX)
    assert undone.status_code == 200
    now = states()
    assert [{**row, "version": 0, "updated_at": 0} for row in now] == [{**row, "version": 0, "updated_at": 0} for row in before]
    assert client.post(events["toast"]["undo"], **HTMX).status_code == 404  # once
    assert rest.pk == now[1]["id"]


@pytest.mark.parametrize("do", FORMS)
@pytest.mark.parametrize(("name", "status"), [("can", 404), ("ana", 404), ("deniz", 404), ("vera", 403), ("nobody", 302), ("ada", 200), ("mert", 200)])
def test_every_role_may_do_what_is_its_own(cast: SimpleNamespace, do: str, name: str, status: int) -> None:
    work = item(cast.boga)
    before = states()
    client = Client() if name == "nobody" else enter(getattr(cast, name))
    for answer in (client.get(f"/work/{work.pk}/{do}/"), client.post(f"/work/{work.pk}/{do}/", form(cast, do), **HTMX)):
        assert sent_away(answer) if name == "nobody" else answer.status_code == status
    assert (states() == before) is (status != 200)


@pytest.mark.parametrize(("name", "status"), [("can", 404), ("vera", 403), ("nobody", 302), ("elif_", 200)])
def test_opening_again_is_for_who_may_change_it(cast: SimpleNamespace, name: str, status: int) -> None:
    work = item(cast.boga, status="done", closed_at=NOON)
    client = Client() if name == "nobody" else enter(getattr(cast, name))
    assert client.get(f"/work/{work.pk}/reopen/").status_code == (302 if name == "nobody" else 405)
    answer = client.post(f"/work/{work.pk}/reopen/", **HTMX)
    assert sent_away(answer) if name == "nobody" else answer.status_code == status
    work.refresh_from_db()
    assert work.status == ("open" if status == 200 else "done")


def test_an_agent_sees_work_given_to_him_but_does_not_change_it(cast: SimpleNamespace) -> None:
    work = item(cast.boga, owner=cast.deniz)
    client = enter(cast.deniz)
    assert cast.boga.name in text_of(client.get("/"))
    assert client.get(f"/work/{work.pk}/").status_code == 200
    assert client.post(f"/work/{work.pk}/done/", FORMS["done"], **HTMX).status_code == 403
    work.refresh_from_db()
    assert work.status == "open"


def test_a_stale_version_answers_409_with_what_changed_and_a_way_on(cast: SimpleNamespace) -> None:
    work = item(cast.boga)
    client = enter(cast.elif_)
    enter(cast.mert).post(f"/work/{work.pk}/due/", {"date": "2026-12-24", "w": f"{work.pk}.1"}, **HTMX)
    before = states()
    answer = client.post(f"/work/{work.pk}/done/", {**FORMS["done"], "w": f"{work.pk}.1"}, **HTMX)
    assert answer.status_code == 409
    assert states() == before
    said = text_of(answer)
    assert "Somebody was faster" in said
    assert "12/24/2026" in said
    assert f'value="{work.pk}.2"' in answer.content.decode()
    assert "fine" in answer.content.decode()  # what was typed is kept
    assert client.post(f"/work/{work.pk}/done/", {**FORMS["done"], "w": f"{work.pk}.2"}, **HTMX).status_code == 200


@pytest.mark.parametrize(
    ("do", "wrong"),
    [
        ("drop", {"reason": ""}),
        ("snooze", {"when": "date", "date": "2026-11-17", "reason": "x"}),
        ("snooze", {"when": "date", "reason": "x"}),
        ("snooze", {"when": "week", "reason": ""}),
        ("due", {"date": "soon"}),
        ("assign", {"owner": "can"}),
    ],
)
def test_a_form_that_does_not_fit_answers_422_and_changes_nothing(cast: SimpleNamespace, do: str, wrong: dict[str, str]) -> None:
    work = item(cast.boga)
    before = states()
    sent = {key: cast.can.pk if value == "can" else value for key, value in wrong.items()}  # Can is of another team
    assert enter(cast.elif_).post(f"/work/{work.pk}/{do}/", sent, **HTMX).status_code == 422
    assert states() == before


def test_snooze_presets_are_working_mornings_of_the_reader(cast: SimpleNamespace) -> None:
    User.objects.filter(pk=cast.elif_.pk).update(time_zone="Europe/Istanbul")
    expected = {"tomorrow": (2026, 11, 18), "week": (2026, 11, 23), "month": (2026, 12, 1)}
    for when, day in expected.items():
        work = item(cast.boga, reason=when)
        enter(cast.elif_).post(f"/work/{work.pk}/snooze/", {"when": when, "reason": "x"}, **HTMX)
        work.refresh_from_db()
        assert work.snoozed_until == dt.datetime(*day, 5, 0, tzinfo=dt.UTC), when


def test_without_script_everything_is_a_form_and_leads_back(cast: SimpleNamespace) -> None:
    work = item(cast.boga)
    client = enter(cast.elif_)
    page = client.get(f"/work/{work.pk}/done/", HTTP_REFERER="http://testserver/?scope=mine&type=risk")
    assert "<!doctype html>" in page.content.decode()
    assert 'name="next" value="/?scope=mine&amp;type=risk"' in page.content.decode()
    answer = client.post(f"/work/{work.pk}/done/", {"outcome": "", "note": "", "w": f"{work.pk}.1", "next": "/?scope=mine&type=risk"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/?scope=mine&type=risk&undo=")
    page = client.get(answer["Location"])
    undo = re.search(r'action="(/work/undo/[^"]+/)"', page.content.decode())
    assert undo
    assert client.post(undo[1]).status_code == 302
    work.refresh_from_db()
    assert work.status == "open"
    assert client.post(f"/work/{work.pk}/done/", {"outcome": "", "next": "https://evil.test/"})["Location"].startswith("/?undo=")


def test_many_at_once_leave_out_what_is_out_of_reach(cast: SimpleNamespace) -> None:
    mine = [item(cast.boga, reason=f"{n}") for n in range(3)]
    other = item(cast.north)
    picked = [f"{work.pk}.1" for work in [*mine, other]]
    client = enter(cast.elif_)
    assert "3 items" in text_of(client.get("/work/bulk/", {"do": "done", "w": picked}, **HTMX))
    answer = client.post("/work/bulk/", {"do": "done", "w": picked, "outcome": ""}, **HTMX)
    assert answer.status_code == 200
    assert WorkItem.objects.filter(status="done").count() == 3
    other.refresh_from_db()
    assert (other.status, other.version) == ("open", 1)
    assert client.post("/work/bulk/", {"do": "done", "w": [f"{other.pk}.1"]}, **HTMX).status_code == 404
    assert enter(cast.vera).post("/work/bulk/", {"do": "done", "w": picked}, **HTMX).status_code == 403
    assert Client().post("/work/bulk/", {"do": "done", "w": picked}).status_code == 302
    client.post(json.loads(answer["HX-Trigger"])["toast"]["undo"], **HTMX)
    assert WorkItem.objects.filter(status="open").count() == 4


def test_five_hundred_at_once_take_a_bounded_number_of_statements(cast: SimpleNamespace) -> None:
    WorkItem.objects.bulk_create(WorkItem(account=cast.boga, type="risk", reason=f"{n}", due_at=NOON, owner=cast.elif_, why={}) for n in range(500))
    picked = [f"{number}.1" for number in WorkItem.objects.values_list("pk", flat=True)]
    client = enter(cast.elif_)
    with CaptureQueriesContext(connection) as asked:
        answer = client.post("/work/bulk/", {"do": "due", "w": picked, "date": "2026-12-01"}, **HTMX)
    assert answer.status_code == 200
    assert WorkItem.objects.filter(due_at__date="2026-12-01").count() == 500
    assert len(asked.captured_queries) <= 12


def test_somebody_elses_undo_is_not_there(cast: SimpleNamespace) -> None:
    work = item(cast.boga)
    answer = enter(cast.elif_).post(f"/work/{work.pk}/done/", {"outcome": ""}, **HTMX)
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    assert enter(cast.mert).post(undo, **HTMX).status_code == 404
    assert enter(cast.elif_).get(undo).status_code == 405
    work.refresh_from_db()
    assert work.status == "done"


def test_the_last_line_of_a_list_draws_it_again(cast: SimpleNamespace) -> None:
    work = item(cast.boga)
    answer = enter(cast.elif_).post(f"/work/{work.pk}/done/", {"outcome": ""}, **HTMX)
    assert json.loads(answer["HX-Trigger"])["work-changed"] is True


def test_a_fragment_is_the_part_inside_the_frame_and_says_its_address(cast: SimpleNamespace) -> None:
    item(cast.boga)
    client = enter(cast.elif_)
    answer = client.get("/?q=bogaz&type=&band=", HTTP_HX_REQUEST="true", HTTP_HX_TRIGGER="work-filter", HTTP_HX_TARGET="work")
    assert answer.content.decode().lstrip().startswith('<div id="work"')
    assert answer["HX-Push-Url"] == "/?scope=mine&q=bogaz"
    assert "Boğaziçi" in text_of(answer)
    assert "<!doctype html>" in client.get("/", HTTP_HX_REQUEST="true", HTTP_HX_HISTORY_RESTORE_REQUEST="true").content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "?after=x", "?after=1~2~3~4", "?after=999999999999999999999~1", "?after=-1~5~5&scope=all", "?after=1~2&sort=due",
        "?owner=abc&segment=%00&q=%00&sort=burn&view=no&scope=team&band=any", "?after=4611686018427387903~2&sort=due", "?after=9~1~1&scope=all",
    ],
)  # fmt: skip
def test_nonsense_in_the_address_falls_back_to_the_plain_list(cast: SimpleNamespace, query: str) -> None:
    item(cast.boga)
    for user in (cast.elif_, cast.ada):
        assert enter(user).get("/" + query).status_code == 200


def test_the_load_of_a_team_is_for_its_lead(cast: SimpleNamespace) -> None:
    item(cast.boga, stake=10)
    item(cast.north, stake=20)
    page = text_of(enter(cast.mert).get("/work/load/"))
    assert "Elif Yıldız" in page
    assert "Can Polat" not in page
    assert "Can Polat" in text_of(enter(cast.vera).get("/work/load/"))
    for user in (cast.elif_, cast.deniz, cast.ana):
        assert enter(user).get("/work/load/").status_code == 404
    assert Client().get("/work/load/").status_code == 302


def test_a_covered_book_can_be_worked(cast: SimpleNamespace) -> None:
    theirs = item(cast.north)
    client = enter(cast.elif_)
    assert client.post(f"/work/{theirs.pk}/done/", {"outcome": ""}, **HTMX).status_code == 404
    # the law of access asks the clock of the database
    real = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    Cover.objects.create(absent=cast.can, substitute=cast.elif_, starts_at=real, ends_at=real + dt.timedelta(days=36500))
    assert client.post(f"/work/{theirs.pk}/done/", {"outcome": ""}, **HTMX).status_code == 200


def test_a_turkish_reader_gets_turkish_dates(cast: SimpleNamespace) -> None:
    item(cast.boga, due=NOON + dt.timedelta(days=3))
    User.objects.filter(pk=cast.elif_.pk).update(language="tr")
    assert "20 Kas" in text_of(enter(cast.elif_).get("/"))


def test_what_sleeps_and_what_is_done_can_be_found_again(cast: SimpleNamespace) -> None:
    item(cast.boga, reason="a", title="Sleeper", status="snoozed", snoozed_until=NOON + dt.timedelta(days=7), snooze_reason="holiday")
    item(cast.boga, reason="b", title="Finished", status="done", closed_at=NOON - dt.timedelta(hours=20), outcome="agreed")
    client = enter(cast.elif_)
    assert "sleeps until Tue 24 Nov: holiday" in text_of(client.get("/?scope=snoozed"))
    assert "done Mon 16 Nov: agreed" in text_of(client.get("/?scope=done"))
    assert timezone.now() == NOON
