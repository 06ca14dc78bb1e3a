"""Funnels: what each step counts, who stands behind it, who may write them; and that they agree with the KPI."""

from __future__ import annotations

import datetime as dt

import pytest
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Account, AccountEvent
from metrics.actions.funnels import save_funnel
from metrics.funnels.page import for_conversion_rate
from metrics.funnels.walks import CONVERTED, STUCK, Stage, counts, question_of, walkers
from metrics.kpis.engine import answer
from metrics.kpis.question import WrongQuestion
from metrics.models import Funnel

pytestmark = pytest.mark.django_db
DAY = dt.datetime(2025, 3, 3, 9, tzinfo=dt.UTC)
NOW = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
STAGES = [Stage("trial.started"), Stage("onboarding.completed"), Stage("subscription.started", "product", "pro")]
PERIOD = {"start": "2025-03-01", "end": "2025-04-01", "now": NOW}


def happened(account, kind, days, **payload):
    return AccountEvent.objects.create(account=account, kind=kind, occurred_at=DAY + dt.timedelta(days=days), origin="app", payload=payload)


@pytest.fixture
def book(cast):
    """Five accounts: all the way, stuck after the first, stuck after the second, in the wrong order, and one that began too early."""
    made = [Account.objects.create(external_id=f"f{number}", name=f"F {number}", owner=cast.elif_ if number < 3 else cast.can, plan="pro") for number in range(5)]
    for account in made[:4]:
        happened(account, "trial.started", 0)
    happened(made[4], "trial.started", -30)
    happened(made[0], "onboarding.completed", 2)
    happened(made[0], "subscription.started", 3, product="basic")
    happened(made[0], "subscription.started", 12, product="pro")
    happened(made[2], "onboarding.completed", 20)
    # bought before the onboarding was done: that is no step after it
    happened(made[3], "subscription.started", 1, product="pro")
    happened(made[3], "onboarding.completed", 4)
    happened(made[4], "onboarding.completed", 2)
    return made


def numbers(found):
    return [(count.reached, count.converted, count.open, count.seconds) for count in found]


def test_each_step_counts_who_came_after_the_one_before_it(book):
    day = 86400
    assert numbers(counts(question_of(STAGES, **PERIOD), STAGES)[None]) == [(4, 3, 1, 4 * day), (3, 1, 2, 10 * day), (1, 0, 0, None)]


def test_a_window_leaves_out_what_came_later_and_tells_who_can_no_longer_come(book):
    question = question_of(STAGES, **PERIOD, window_days=11)
    assert [(count.reached, count.open) for count in counts(question, STAGES)[None]] == [(4, 0), (2, 0), (0, 0)]
    early = question_of(STAGES, **{**PERIOD, "now": DAY + dt.timedelta(days=5)}, window_days=11)
    assert [(count.reached, count.open) for count in counts(early, STAGES)[None]] == [(4, 2), (2, 2), (0, 0)]


def test_the_accounts_behind_a_step_are_those_it_counts(book):
    question = question_of(STAGES, **PERIOD)
    behind = {(step, side): {row.account_id for row in walkers(question, STAGES, step=step, side=side)} for step, side in ((1, CONVERTED), (1, STUCK), (2, STUCK))}
    assert behind == {(1, CONVERTED): {book[0].pk, book[2].pk, book[3].pk}, (1, STUCK): {book[1].pk}, (2, STUCK): {book[2].pk, book[3].pk}}
    first = walkers(question, STAGES, step=1, side="reached", size=2)
    rest = walkers(question, STAGES, step=1, side="reached", after=(first[-1].at, first[-1].account_id))
    assert [row.account_id for row in [*first, *rest]] == sorted((account.pk for account in book[:4]), reverse=True)


@pytest.mark.parametrize("within", [None, 3, 15])
@pytest.mark.parametrize("by", [None, "plan", "owner"])
def test_two_steps_are_the_numbers_of_the_kpi(book, within, by):
    two = [Stage("trial.started"), Stage("onboarding.completed")]
    params = {"from_event": two[0].kind, "to_event": two[1].kind, **({"within_days": str(within)} if within else {})}
    told = answer(name="conversion_rate", variant="funnel", params=params, by=by, **PERIOD)
    figures = told["groups"] if by else [told]
    own = counts(question_of(two, **PERIOD, window_days=within), two, by)
    assert {figure.get("key"): (figure["denominator"], figure["numerator"], figure["parts"]["open"]) for figure in figures} == {
        key: (str(found[0].reached), str(found[0].converted), found[0].open) for key, found in own.items()
    }


def test_a_funnel_of_one_step_or_an_unknown_breakdown_is_refused(book):
    with pytest.raises(WrongQuestion):
        question_of(STAGES[:1], **PERIOD)
    with pytest.raises(WrongQuestion):
        counts(question_of(STAGES, **PERIOD), STAGES, "shoe_size")


def test_the_shipped_funnel_leads_from_the_trial_to_what_is_paid():
    assert [step.kind for step in Funnel.objects.get(key="trial_to_paid").steps.all()] == ["trial.started", "subscription.started"]


PERIOD_QUERY = "from=2025-03-01&until=2025-03-31"


@pytest.fixture
def followed(book, cast):
    """The funnel of these tests, stored."""
    return save_funnel(funnel=None, name="Way in", window_days=None, stages=STAGES, actor=cast.ada)


def typed(**more):
    steps = {f"step{place}-kind": stage.kind for place, stage in enumerate(STAGES)}
    return {"name": "Way in", "window_days": "", "step2-payload_key": "product", "step2-payload_value": "pro", **steps, **more}


def test_the_page_shows_steps_groups_and_opens_its_accounts(client, cast, book, followed):
    client.force_login(cast.ada)
    page = client.get(f"/metrics/funnels/{followed.pk}/?{PERIOD_QUERY}&by=owner")
    steps = page.context["page"].steps
    assert [(step.reached, step.stuck) for step in steps] == [(4, 1), (3, 2), (1, 0)]
    stuck = client.get(steps[0].links["stuck"])
    assert [row.account.pk for row in stuck.context["page"].rows] == [book[1].pk]
    assert "F 1" in stuck.content.decode()
    for by in ("segment", "plan", "month", "country"):
        assert client.get(f"/metrics/funnels/{followed.pk}/?{PERIOD_QUERY}&by={by}").status_code == 200


def test_a_csm_counts_the_own_book_and_an_analyst_opens_no_rows(client, cast, book, followed):
    client.force_login(cast.elif_)
    assert client.get(f"/metrics/funnels/{followed.pk}/?{PERIOD_QUERY}").context["page"].steps[0].reached == 3
    assert client.get(f"/metrics/funnels/{followed.pk}/accounts/?{PERIOD_QUERY}&step=1").context["page"].rows[-1].account.owner == cast.elif_
    client.force_login(cast.ana)
    page = client.get(f"/metrics/funnels/{followed.pk}/?{PERIOD_QUERY}").context["page"]
    assert (page.steps[0].reached, page.steps[0].links) == (4, {})
    assert client.get(f"/metrics/funnels/{followed.pk}/accounts/?{PERIOD_QUERY}&step=1").status_code == 404


@pytest.mark.parametrize("query", ["step=9", "step=x", "", "step=1&side=sideways", "step=3&side=stuck", "step=1&from=x"])
def test_rows_of_a_step_that_does_not_exist_are_404(client, cast, followed, query):
    client.force_login(cast.ada)
    assert client.get(f"/metrics/funnels/{followed.pk}/accounts/?{query}").status_code == 404


def test_admins_and_managers_write_funnels_and_a_fault_stands_at_its_field(client, cast):
    client.force_login(cast.mert)
    made = client.post("/metrics/funnels/new/", typed(window_days="30"))
    funnel = Funnel.objects.get(name="Way in")
    assert made["Location"] == f"/metrics/funnels/{funnel.pk}/"
    assert [(step.kind, step.payload_key, step.payload_value) for step in funnel.steps.all()] == [(stage.kind, stage.key, stage.value) for stage in STAGES]
    wrong = client.post(f"/metrics/funnels/{funnel.pk}/edit/", typed(**{"step0-payload_key": "colour", "step0-payload_value": "red", "number": funnel.number}))
    assert "colour" in str(wrong.context["form"].steps[0].errors["payload_key"])
    one = client.post(f"/metrics/funnels/{funnel.pk}/edit/", {"name": "Short", "step3-kind": "trial.started"})
    assert (one.status_code, "two steps" in one.content.decode()) == (200, True)
    stale = client.post(f"/metrics/funnels/{funnel.pk}/edit/", typed(name="Other", number=funnel.number + 5))
    assert (stale.status_code, Funnel.objects.get(pk=funnel.pk).name) == (409, "Way in")
    client.post(f"/metrics/funnels/{funnel.pk}/edit/", typed(name="Other", number=funnel.number))
    assert (Funnel.objects.get(pk=funnel.pk).name, Funnel.objects.get(pk=funnel.pk).steps.count()) == ("Other", 3)
    client.post(f"/metrics/funnels/{funnel.pk}/remove/")
    assert not Funnel.objects.filter(pk=funnel.pk).exists()


@pytest.mark.parametrize("who", ["elif_", "deniz", "ana", "vera"])
def test_nobody_else_writes_them(client, cast, followed, who):
    client.force_login(getattr(cast, who))
    assert "metrics/funnels/new" not in client.get("/metrics/funnels/").content.decode()
    for address in ("/metrics/funnels/new/", f"/metrics/funnels/{followed.pk}/edit/", f"/metrics/funnels/{followed.pk}/remove/"):
        assert client.post(address, typed(name="Mine")).status_code == 403
    assert list(Funnel.objects.order_by("name").values_list("name", flat=True)) == ["Trial to paid", "Way in"]


def test_an_anonymous_reader_is_led_to_the_login(client, followed):
    for address in ("", "new/", f"{followed.pk}/", f"{followed.pk}/edit/", f"{followed.pk}/accounts/"):
        assert client.get(f"/metrics/funnels/{address}")["Location"].startswith("/login/")


def test_the_kpi_is_offered_the_funnels_it_can_answer(followed):
    assert [(offer.name, offer.params) for offer in for_conversion_rate()] == [("Trial to paid", {"from_event": "trial.started", "to_event": "subscription.started"})]


def test_a_funnel_of_two_steps_leads_to_its_kpi_which_tells_the_same_numbers(client, cast, book):
    funnel = save_funnel(funnel=None, name="Two", window_days=15, stages=[Stage("trial.started"), Stage("onboarding.completed")], actor=cast.ada)
    client.force_login(cast.ada)
    own = client.get(f"/metrics/funnels/{funnel.pk}/?{PERIOD_QUERY}")
    page = client.get(own.context["kpi"]).context["page"]
    assert (page.figure["denominator"], page.figure["numerator"]) == tuple(str(step.reached) for step in own.context["page"].steps)


class TestKpiPage:
    ADDRESS = "/metrics/kpi/conversion_rate/"

    def test_a_funnel_chosen_in_the_form_is_asked_for_with_its_events_and_days(self, client, cast, book):
        two = save_funnel(funnel=None, name="Two", window_days=15, stages=[Stage("trial.started"), Stage("onboarding.completed")], actor=cast.ada)
        client.force_login(cast.ada)
        days = {"start": PERIOD["start"], "end": PERIOD["end"]}
        form = client.get(self.ADDRESS, days).context["funnel"]
        assert (form.value, [name for _key, name in form.choices]) == ("", ["Trial to paid", "Two"]), "the walk of three steps is no rate"
        assert client.get("/metrics/kpi/nrr/").context["funnel"] is None
        found = client.get(self.ADDRESS, {**days, "funnel": two.pk, "funnel_shown": "", "by": "plan"}, follow=True)
        told = answer(
            name="conversion_rate", variant="funnel", params={"from_event": "trial.started", "to_event": "onboarding.completed", "within_days": "15"}, start=days["start"],
            end=days["end"], now=timezone.now(),
        )  # fmt: skip
        assert (found.context["page"].figure["value"], found.context["page"].figure["denominator"]) == (told["value"], told["denominator"]) != (None, "0")
        assert (found.context["funnel"].value, found.context["asked"].by) == (str(two.pk), "plan")
        # left as it stands while an event is changed: the event counts
        changed = dict(QueryDict(found.redirect_chain[0][0].partition("?")[2]).items()) | {"funnel": two.pk, "funnel_shown": two.pk, "param.to_event": "subscription.started"}
        other = client.get(self.ADDRESS, changed)
        assert (other.status_code, other.context["asked"].params["to_event"], other.context["funnel"].value) == (200, "subscription.started", "")

    def test_a_funnel_without_events_and_one_that_is_not_there_are_faults_at_their_fields(self, client, cast, followed):
        client.force_login(cast.ada)
        without = client.get(self.ADDRESS, {"variant": "funnel", "param.from_event": "trial.started"})
        assert (without.status_code, without.context["asked"].faults) == (400, {"param.to_event": "Choose an event."})
        unknown = client.get(self.ADDRESS, {"funnel": followed.pk})
        assert (unknown.status_code, unknown.context["asked"].faults, unknown.context["funnel"].fault) == (400, {"funnel": "There is no such funnel."}, "There is no such funnel.")
