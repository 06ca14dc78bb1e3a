"""A plan by link: looking writes nothing, only the hash of the token is stored, what is over opens nothing, the customer ticks what is theirs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.actions.onboarding_plans import PlanClosed, stop_plan
from accounts.actions.plan_links import issue_link, revoke_link, token_digest
from accounts.models import Account, Contact, Erasure, OnboardingPlan, PlanLink, PlanStep, SuccessPlan, SuccessReview
from config.erasing import erase_contact
from tests.accounts.plan_builders import objective, plan
from tests.surveys.pressing import everything

pytestmark = pytest.mark.django_db
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


@pytest.fixture
def customer() -> Client:
    """A browser without cookies, with CSRF checked as in production."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def sent(cast: SimpleNamespace) -> SimpleNamespace:
    """A plan of Selin's company, and a link that she got."""
    now = timezone.now()
    made = plan(cast.boga, now=now)
    link, token = issue_link(plan_id=made.pk, actor=cast.elif_, now=now, contact=cast.selin)
    return SimpleNamespace(plan=made, link=link, token=token, path=f"/p/{token}", now=now)


def nonce(page: HttpResponse) -> str:
    found = re.search(r'name="form_nonce" value="([^"]+)"', page.content.decode())
    assert found
    return found[1]


def named(made: OnboardingPlan, name: str) -> PlanStep:
    return PlanStep.objects.get(plan=made, name=name)


def tick(customer: Client, sent: SimpleNamespace, name: str, **fields: str) -> HttpResponse:
    page = customer.get(sent.path)
    return customer.post(sent.path, {"form_nonce": nonce(page), "step": named(sent.plan, name).pk, "done": "1", **fields})


def test_only_the_hash_of_the_token_is_stored(sent: SimpleNamespace) -> None:
    assert len(sent.token) == 43
    assert bytes(PlanLink.objects.get().token_digest) == token_digest(sent.token)
    assert sent.token not in str(list(PlanLink.objects.values()))


def test_looking_changes_nothing_however_it_is_done_and_sets_no_cookie(customer: Client, sent: SimpleNamespace) -> None:
    before = everything()
    number = named(sent.plan, "Name a champion").pk
    for query in ("", "?done=1", f"?step={number}&done=1&form_nonce=x", "?undo=1"):
        answer = customer.get(sent.path + query)
        assert (answer.status_code, dict(answer.cookies)) == (200, {})
        assert customer.head(sent.path + query).status_code == 200
        customer.get(sent.path + query, headers={"purpose": "prefetch", "sec-fetch-site": "cross-site"})
    assert everything() == before
    assert {name: answer[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(customer: Client, sent: SimpleNamespace, method: str) -> None:
    before = everything()
    assert getattr(customer, method)(sent.path).status_code == 405
    assert everything() == before


def test_unknown_tokens_are_all_alike(customer: Client, sent: SimpleNamespace) -> None:
    answers = [customer.get(path) for path in ("/p/" + "x" * 43, "/p/", "/p", "/p/a/b", "/p/" + "x" * 500, sent.path + "x")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert all(answer["Content-Security-Policy"] == HEADERS["Content-Security-Policy"] for answer in answers)


def test_it_shows_what_may_be_seen_and_people_by_their_initials(customer: Client, sent: SimpleNamespace) -> None:
    text = customer.get(sent.path).content.decode()
    assert "Name a champion" in text
    assert "Send a gift" not in text
    assert "0 of 3 steps done" in text
    assert "EY looks after it" in text
    assert "Plan for SA at Boğaziçi" in text
    for hidden in ("Elif", "Selin", "Aydın", "bogazici.test", "<script"):
        assert hidden not in text


def test_a_page_and_its_styles_stay_under_fifty_kilobytes(customer: Client, sent: SimpleNamespace) -> None:
    styles = re.findall(r'href="[^"]*?(vefa/[^"]+)"', customer.get(sent.path).content.decode())
    files = [finders.find(re.sub(r"\.[0-9a-f]{12}(?=\.)", "", path)) for path in styles]
    assert sum(Path(str(path)).stat().st_size for path in files) + len(customer.get(sent.path).content) < 50_000


def test_the_customer_ticks_what_is_theirs_and_may_take_it_back(customer: Client, sent: SimpleNamespace) -> None:
    answer = tick(customer, sent, "Name a champion")
    step = named(sent.plan, "Name a champion")
    assert (answer.status_code, answer["Location"]) == (303, f"{sent.path}#s{step.pk}")
    assert (step.done_how, step.done_by) == ("customer", None)
    assert "1 of 3 steps done" in customer.get(sent.path).content.decode()
    page = customer.get(sent.path)
    customer.post(sent.path, {"form_nonce": nonce(page), "step": step.pk, "undo": "1"})
    assert named(sent.plan, "Name a champion").done_at is None


def test_nothing_else_can_be_ticked(cast: SimpleNamespace, customer: Client, sent: SimpleNamespace) -> None:
    other = plan(cast.north, now=sent.now)
    before = everything()
    assert tick(customer, sent, "Meet").status_code == 409
    assert tick(customer, sent, "Send a gift").status_code == 400
    fair = nonce(customer.get(sent.path))
    theirs = named(sent.plan, "Name a champion").pk
    for wrong in (
        {"form_nonce": fair, "step": named(other, "Name a champion").pk}, {"form_nonce": fair, "step": "x"}, {"form_nonce": fair}, {"form_nonce": "forged", "step": theirs},
        {"step": theirs}, {"form_nonce": fair, "step": theirs, "website": "http://spam.test"},
    ):  # fmt: skip
        assert customer.post(sent.path, wrong).status_code == 400
    assert everything() == before


def test_a_nonce_of_another_link_does_not_fit(cast: SimpleNamespace, customer: Client, sent: SimpleNamespace) -> None:
    other, token = issue_link(plan_id=plan(cast.north, now=sent.now).pk, actor=cast.can, now=sent.now)
    theirs = nonce(customer.get(f"/p/{token}"))
    assert customer.post(sent.path, {"form_nonce": theirs, "step": named(sent.plan, "Name a champion").pk, "done": "1"}).status_code == 400
    assert named(sent.plan, "Name a champion").done_at is None
    assert other.pk != sent.link.pk


def _revoke(sent: SimpleNamespace) -> None:
    revoke_link(link_id=sent.link.pk, now=sent.now)


def _expire(sent: SimpleNamespace) -> None:
    PlanLink.objects.update(issued_at=sent.now - dt.timedelta(days=2), expires_at=sent.now - dt.timedelta(seconds=1))


def _stop(sent: SimpleNamespace) -> None:
    stop_plan(plan_id=sent.plan.pk, reason="They left", actor=None, now=sent.now)


def _forget(sent: SimpleNamespace) -> None:
    Erasure.objects.create(contact_id=sent.link.contact_id, requested_at=sent.now)


def _move(sent: SimpleNamespace) -> None:
    Contact.objects.filter(pk=sent.link.contact_id).update(account=Account.objects.get(external_id="north"))


@pytest.mark.parametrize("end", [_revoke, _expire, _stop, _forget, _move])
def test_a_link_that_is_over_shows_nothing_and_takes_nothing(customer: Client, sent: SimpleNamespace, end: Callable[[SimpleNamespace], None]) -> None:
    fair = nonce(customer.get(sent.path))
    end(sent)
    answer = customer.get(sent.path)
    assert (answer.status_code, "Name a champion" in answer.content.decode()) == (410, False)
    assert customer.post(sent.path, {"form_nonce": fair, "step": named(sent.plan, "Name a champion").pk, "done": "1"}).status_code == 410
    assert named(sent.plan, "Name a champion").done_at is None


def test_links_are_not_made_for_stopped_plans_other_peoples_contacts_or_for_ever(cast: SimpleNamespace, sent: SimpleNamespace) -> None:
    for wrong in ({"days": 0}, {"days": 366}, {"contact": cast.harry}):
        with pytest.raises(ValueError):
            issue_link(plan_id=sent.plan.pk, actor=cast.elif_, now=sent.now, **wrong)
    _stop(sent)
    with pytest.raises(PlanClosed):
        issue_link(plan_id=sent.plan.pk, actor=cast.elif_, now=sent.now)
    assert PlanLink.objects.count() == 1


def test_the_page_speaks_the_language_of_its_plan(cast: SimpleNamespace, customer: Client) -> None:
    now = timezone.now()
    made = plan(cast.boga, now=now, language="tr", name="Kurulum")
    _link, token = issue_link(plan_id=made.pk, actor=cast.elif_, now=now)
    answer = customer.get(f"/p/{token}", headers={"accept-language": "en"})
    assert '<html lang="tr">' in answer.content.decode()
    assert answer["Content-Language"] == "tr"


def test_who_asks_to_be_forgotten_is_taken_out_of_plans_too(cast: SimpleNamespace, customer: Client, sent: SimpleNamespace) -> None:
    PlanStep.objects.filter(pk=named(sent.plan, "Meet").pk).update(name="Meet Selin Aydın")
    goal = objective(cast.boga, objective="Selin Aydın closes the month")
    goal.reviews.create(due_on=sent.now.date(), note="selin@bogazici.test agreed")
    erase_contact(contact_id=cast.selin.pk, source="admin", now=sent.now)
    texts = [*PlanStep.objects.values_list("name", flat=True), *SuccessPlan.objects.values_list("objective", flat=True), *SuccessReview.objects.values_list("note", flat=True)]
    assert not [text for text in texts if "Selin" in text or "selin" in text]
    assert customer.get(sent.path).status_code == 410
