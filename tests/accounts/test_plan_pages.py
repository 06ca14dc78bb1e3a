"""The pages of plans: every role sees what it may, writes are refused without a trace, forms keep what was typed, two editors notice each other."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions.onboarding_plans import stop_plan
from accounts.models import OnboardingPlan, PlanLink, PlanStep, PlanTemplate, SuccessPlan, User
from tests.accounts.plan_builders import SEEN, objective, plan, template
from tests.surveys.pressing import everything

pytestmark = pytest.mark.django_db
EN_TERMS = {
    "objective": "Ship twice as fast", "measure": "", "measure_words": "days a delivery", "start_value": "10", "target_value": "5", "started_on": "2026-11-17",
    "target_on": "2027-05-17", "review_every": "30",
}  # fmt: skip


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def made(cast: SimpleNamespace) -> SimpleNamespace:
    """A plan and an objective of Elif's customer."""
    found = plan(cast.boga, now=timezone.now())
    goal = objective(cast.boga)
    goal.reviews.create(due_on=timezone.localdate())
    return SimpleNamespace(
        plan=found, step=PlanStep.objects.get(plan=found, name="Meet"), goal=goal, review=goal.reviews.get(), template=PlanTemplate.objects.get(key="standard"),
        link=PlanLink.objects.create(plan=found, token_digest=b"0" * 32, issued_at=timezone.now(), expires_at=timezone.now() + dt.timedelta(days=3)),
    )  # fmt: skip


READS = (
    "/plans/{plan}/", "/plans/objectives/{goal}/", "/plans/panel/{account}/",
)  # fmt: skip
LISTS = ("/plans/", "/plans/?view=late", "/plans/?view=stopped", "/plans/objectives/", "/plans/objectives/?view=closed", "/plans/objectives/?view=late&after=2026-11-17~1")
WRITES = {
    "/plans/new/": {"account": "{account}"},
    "/plans/{plan}/steps/{step}/done/": {},
    "/plans/{plan}/steps/{step}/undo/": {},
    "/plans/{plan}/steps/{step}/hide/": {},
    "/plans/{plan}/steps/{step}/day/": {"due_on": "2027-01-04"},
    "/plans/{plan}/stop/": {"reason": "x"},
    "/plans/{plan}/links/": {"days": "10"},
    "/plans/{plan}/links/{link}/revoke/": {},
    "/plans/objectives/new/": {"account": "{account}", **EN_TERMS},
    "/plans/objectives/{goal}/edit/": {"version": "1", **EN_TERMS},
    "/plans/objectives/{goal}/reviews/{review}/": {"note": "x"},
    "/plans/objectives/{goal}/measure/": {"value": "7"},
    "/plans/objectives/{goal}/judge/": {"course": "behind", "reason": "x"},
    "/plans/objectives/{goal}/review/": {"due_on": "2027-01-04"},
    "/plans/objectives/{goal}/close/": {"outcome": "x"},
    "/plans/objectives/{goal}/reopen/": {},
}


def where(path: str, made: SimpleNamespace) -> str:
    return path.format(plan=made.plan.pk, goal=made.goal.pk, account=made.plan.account_id, step=made.step.pk, review=made.review.pk, link=made.link.pk)


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(("name", "status"), [("elif_", 200), ("mert", 200), ("ada", 200), ("vera", 200), ("can", 404), ("ana", 404), ("deniz", 404), ("nobody", 302)])
def test_who_reads_a_plan(cast: SimpleNamespace, made: SimpleNamespace, path: str, name: str, status: int) -> None:
    client = Client() if name == "nobody" else enter(getattr(cast, name))
    assert client.get(where(path, made)).status_code == status


@pytest.mark.parametrize("path", LISTS)
def test_a_list_holds_the_own_book_alone(cast: SimpleNamespace, made: SimpleNamespace, path: str) -> None:
    assert Client().get(path).status_code == 302
    for name, seen in (("elif_", True), ("vera", True), ("can", False), ("ana", False)):
        answer = enter(getattr(cast, name)).get(path)
        assert answer.status_code == 200
        if path in {"/plans/", "/plans/objectives/"}:
            assert ("Boğaziçi" in answer.content.decode()) is seen, name


@pytest.mark.parametrize("path", WRITES)
def test_who_may_not_write_leaves_no_trace(cast: SimpleNamespace, made: SimpleNamespace, path: str) -> None:
    sent = {key: value.format(account=made.plan.account_id) for key, value in WRITES[path].items()}
    if path == "/plans/new/":
        sent |= {"template": made.template.pk, "starts_on": timezone.localdate().isoformat()}
    clients = [(Client(), 302), *((enter(getattr(cast, name)), status) for name, status in (("can", 404), ("ana", 404), ("deniz", 404), ("vera", 403)))]
    before = everything()
    for client, status in clients:
        assert client.post(where(path, made), sent).status_code == status
    assert everything() == before
    if "new" not in path and "edit" not in path:
        assert enter(cast.elif_).get(where(path, made)).status_code == 405


def test_a_plan_is_begun_on_an_account_and_only_once(cast: SimpleNamespace) -> None:
    offered, today = template(), timezone.localdate()
    PlanTemplate.objects.create(key="hidden", name="Hidden", milestones=offered.milestones, active=False)
    client = enter(cast.elif_)
    page = client.get(f"/plans/new/?account={cast.boga.pk}").content.decode()
    assert ("Standard" in page, "Hidden" in page) == (True, False)
    sent = {"account": cast.boga.pk, "template": offered.pk, "name": "Welcome", "starts_on": today.isoformat()}
    answer = client.post("/plans/new/", sent)
    begun = OnboardingPlan.objects.get()
    assert (answer.status_code, answer["Location"], begun.name, begun.created_by) == (302, f"/plans/{begun.pk}/", "Welcome", cast.elif_)
    again = client.post("/plans/new/", sent)
    assert (again.status_code, "runs for the account already" in again.content.decode()) == (422, True)
    far = client.post("/plans/new/", {**sent, "starts_on": "2001-01-01"})
    assert (far.status_code, "Choose a day within a year" in far.content.decode()) == (422, True)
    assert OnboardingPlan.objects.count() == 1


def test_a_step_is_done_moved_hidden_and_taken_back(cast: SimpleNamespace, made: SimpleNamespace) -> None:
    client = enter(cast.elif_)

    def press(do: str, **sent: str) -> int:
        status = client.post(f"/plans/{made.plan.pk}/steps/{made.step.pk}/{do}/", sent).status_code
        made.step.refresh_from_db()
        return status

    assert (press("done"), made.step.done_by, made.step.done_how) == (302, cast.elif_, "hand")
    assert (press("undo"), made.step.done_at) == (302, None)
    assert (press("day", due_on="2027-01-04"), made.step.due_on) == (302, dt.date(2027, 1, 4))
    assert (press("day", due_on="soon"), made.step.due_on) == (422, dt.date(2027, 1, 4))
    assert (press("hide"), made.step.visible) == (302, False)
    assert press("burn") == 404
    theirs = PlanStep.objects.get(plan=made.plan, name="Name a champion")
    assert client.post(f"/plans/{made.plan.pk}/steps/{theirs.pk}/hide/").status_code == 409
    other = plan(cast.north)
    assert client.post(f"/plans/{made.plan.pk}/steps/{other.steps.first().pk}/done/").status_code == 404


def test_a_link_is_shown_once_and_revoked(cast: SimpleNamespace, made: SimpleNamespace) -> None:
    client = enter(cast.elif_)
    answer = client.post(f"/plans/{made.plan.pk}/links/", {"contact": cast.selin.pk, "days": "10"})
    found = re.search(r"/p/([\w-]{43})", answer.content.decode())
    assert found
    assert answer["Cache-Control"].startswith("max-age=0")
    assert Client().get(f"/p/{found[1]}").status_code == 200
    assert found[1] not in client.get(f"/plans/{made.plan.pk}/").content.decode()
    link = PlanLink.objects.latest("pk")
    assert client.post(f"/plans/{made.plan.pk}/links/{link.pk}/revoke/").status_code == 302
    assert Client().get(f"/p/{found[1]}").status_code == 410
    wrong = client.post(f"/plans/{made.plan.pk}/links/", {"contact": cast.harry.pk, "days": "0"})
    assert (wrong.status_code, PlanLink.objects.count()) == (422, 2)


def test_a_stopped_plan_takes_nothing_more(cast: SimpleNamespace, made: SimpleNamespace) -> None:
    stop_plan(plan_id=made.plan.pk, reason="They left", actor=cast.elif_, now=timezone.now())
    client = enter(cast.elif_)
    page = client.get(f"/plans/{made.plan.pk}/").content.decode()
    assert "They left" in page
    assert "Make a link" not in page
    for path in ("links/", "stop/", f"steps/{made.step.pk}/done/"):
        assert client.post(f"/plans/{made.plan.pk}/{path}", {"days": "10", "reason": "x"}).status_code == 409


# ── objectives ──────────────────────────────────────────────────────────────


def test_an_objective_is_agreed_changed_reviewed_and_closed(cast: SimpleNamespace) -> None:
    client = enter(cast.elif_)
    answer = client.post("/plans/objectives/new/", {**EN_TERMS, "account": cast.boga.pk})
    goal = SuccessPlan.objects.get()
    assert (answer["Location"], goal.reviews.count()) == (f"/plans/objectives/{goal.pk}/", 6)
    edit = f"/plans/objectives/{goal.pk}/edit/"
    assert client.post(edit, {**EN_TERMS, "target_value": "4", "version": "1"}).status_code == 302
    stale = client.post(edit, {**EN_TERMS, "target_value": "3", "version": "1"})
    assert (stale.status_code, "Somebody else saved" in stale.content.decode(), 'value="3"' in stale.content.decode()) == (409, True, True)
    assert client.post(f"/plans/objectives/{goal.pk}/measure/", {"value": "7,5"}).status_code == 422
    assert client.post(f"/plans/objectives/{goal.pk}/measure/", {"value": "7.5"}).status_code == 302
    goal.refresh_from_db()
    assert (goal.target_value, goal.current_value) == (4, 7.5)
    assert client.post(f"/plans/objectives/{goal.pk}/review/", {"due_on": "2026-12-24"}).status_code == 302
    assert goal.reviews.filter(due_on="2026-12-24").exists()
    assert client.post(f"/plans/objectives/{goal.pk}/close/", {"outcome": "Done in seven days"}).status_code == 302
    assert client.post(f"/plans/objectives/{goal.pk}/measure/", {"value": "1"}).status_code == 409
    assert "Done in seven days" in client.get(f"/plans/objectives/{goal.pk}/").content.decode()
    assert client.post(f"/plans/objectives/{goal.pk}/reopen/").status_code == 302


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"target_value": "10"}, "The target differs from the start value."), ({"target_on": "2026-11-17"}, "The target date lies after the beginning."),
        ({"measure_words": ""}, "Say what is counted."), ({"feature": "reports"}, "Only measures of use look at one feature."), ({"objective": ""}, "This field is required."),
    ],
)  # fmt: skip
def test_terms_that_do_not_fit_come_back_with_the_fault_at_the_field(cast: SimpleNamespace, wrong: dict[str, str], words: str) -> None:
    answer = enter(cast.elif_).post("/plans/objectives/new/", {**EN_TERMS, "account": cast.boga.pk, **wrong})
    text = answer.content.decode()
    assert (answer.status_code, words in text, SuccessPlan.objects.count()) == (422, True, 0)
    assert "2027-05-17" in text or "target_on" in wrong


# ── templates ───────────────────────────────────────────────────────────────


def form_of(page: str) -> dict[str, str]:
    """The inputs of the page's form as a browser would send them back."""
    sent = {name: value for name, value in re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', page) if name != "csrfmiddlewaretoken"}
    sent |= dict(re.findall(r'<input[^>]*id="[^"]+" name="(m-[^"]+)" value="([^"]*)"', page))
    sent |= dict.fromkeys(re.findall(r'<input type="checkbox" name="([^"]+)"[^>]* checked', page), "on")
    sent |= dict(re.findall(r'<select[^>]*name="([^"]+)">.*?<option value="([^"]*)" selected', page))
    return {key: value.replace("&quot;", '"') for key, value in sent.items()}


def test_a_template_is_written_with_buttons_alone(cast: SimpleNamespace) -> None:
    client = enter(cast.mert)
    sent = {**form_of(client.get("/plans/templates/new/").content.decode()), "name": "Start", "language": "en", "active": "on", "m-0-name": "One", "m-0-s-0-name": "Call"}
    changed = client.post("/plans/templates/new/", {**sent, "do": "add-step-0"}).content.decode()
    assert "Changed, not saved yet" in changed
    assert not PlanTemplate.objects.filter(name="Start").exists()
    sent = {**form_of(changed), "name": "Start", "language": "en", "active": "on", "m-0-s-1-name": "Mail", "m-0-s-1-due_days": "x"}
    refused = client.post("/plans/templates/new/", sent)
    assert (refused.status_code, "Days lie between 0 and 250." in refused.content.decode()) == (422, True)
    swapped = form_of(client.post("/plans/templates/new/", {**sent, "do": "up-step-0-1", "m-0-s-1-due_days": "4"}).content.decode())
    assert client.post("/plans/templates/new/", {**swapped, "name": "Start", "language": "en", "active": "on"}).status_code == 302
    made = PlanTemplate.objects.get(key="start")
    assert [(step["name"], step["due_days"], step["required"]) for step in made.milestones[0]["steps"]] == [("Mail", 4, True), ("Call", None, True)]


def test_a_rule_is_given_to_a_step_and_stays_through_the_next_change(cast: SimpleNamespace) -> None:
    made = template()
    client = enter(cast.ada)
    rule_page = f"/plans/templates/{made.pk}/rule/0/0/"
    assert client.get(rule_page).status_code == 200
    assert client.get(f"/plans/templates/{made.pk}/rule/0/9/").status_code == 404
    page = client.get(f"/plans/templates/{made.pk}/").content.decode()
    assert "Done by itself when" in page
    assert client.post(f"/plans/templates/{made.pk}/", {**form_of(page), "name": "Standard", "language": "en", "active": "on"}).status_code == 302
    made.refresh_from_db()
    assert made.milestones[1]["steps"][0]["rule"] == SEEN
    stale = client.post(f"/plans/templates/{made.pk}/", {**form_of(page), "name": "Theirs", "language": "en"})
    assert (stale.status_code, "Somebody else saved" in stale.content.decode()) == (409, True)


@pytest.mark.parametrize(("name", "reads"), [("elif_", 200), ("vera", 200), ("deniz", 200), ("ana", 403)])
def test_only_admins_and_managers_write_templates(cast: SimpleNamespace, name: str, reads: int) -> None:
    made = template()
    client = enter(getattr(cast, name))
    assert [client.get(path).status_code for path in ("/plans/templates/", f"/plans/templates/{made.pk}/")] == [reads, reads]
    before = everything()
    for path in ("/plans/templates/new/", f"/plans/templates/{made.pk}/", f"/plans/templates/{made.pk}/rule/0/0/"):
        assert client.post(path, {"name": "x", "language": "en", "version": "1"}).status_code == 403
    assert client.get("/plans/templates/new/").status_code == 403
    assert everything() == before
    assert Client().get("/plans/templates/").status_code == 302
