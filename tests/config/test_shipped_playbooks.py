"""Each shipped playbook from its moment to its end, on a clock that is moved by hand."""

import datetime as dt

import pytest
from django.test import Client

from accounts.actions.playbook_versions import activate
from accounts.actions.touches import log_touch
from accounts.actions.transactions import create_transaction
from accounts.models import Account, AccountEvent, AccountSnapshot, Contact, OutgoingMail, Playbook, PlaybookRun, PlaybookVersion, Segment, WorkItem
from accounts.playbooks import check
from accounts.playbooks.shipped import SHIPPED
from accounts.queries.playbook_plans import known_here
from surveys.actions.playbook_requests import ask_for_playbooks
from surveys.models import Invitation, Response
from tests.accounts.playbook_ground import T0, at, happens, story, work_off
from tests.surveys.making import link_to
from tests.surveys.pressing import press, tell

pytestmark = pytest.mark.django_db(transaction=True)


def switch_on(key: str, *, held_out: int = 0) -> Playbook:
    """The shipped playbook, switched on at the beginning of the story; without a hold-out, so that it runs on every account."""
    playbook = Playbook.objects.get(key=key)
    version = playbook.versions.get()
    if version.hold_out_percent != held_out:
        PlaybookVersion.objects.create(
            playbook=playbook, number=2, trigger=version.trigger, audience=version.audience, steps=version.steps, exits=version.exits, caps=version.caps,
            hold_out_percent=held_out, includes_churned=version.includes_churned, outline=version.outline, published_at=T0,
        )  # fmt: skip
    return activate(playbook_id=playbook.pk, old_matches=False, actor=None, now=T0)


def live(*days: int) -> None:
    """One round of the engine on each of these days."""
    for day in days:
        work_off(at(day, 1))
        ask_for_playbooks(now=at(day, 1))


def done(run: PlaybookRun) -> list[str]:
    return [step for step, outcome, _reason in story(run) if outcome == "done"]


@pytest.fixture
def paying(cast):
    """Boğaziçi pays and has somebody for billing."""
    AccountSnapshot.objects.filter(account=cast.boga).update(mrr_micros=900_000_000)
    Contact.objects.create(external_id="muh", account=cast.boga, email="muhasebe@bogazici.test", name="Murat Kaya", language="tr", role="billing")
    return cast


def test_all_of_them_can_run_and_are_off(db):
    assert {row.key: row.active for row in Playbook.objects.all()} == dict.fromkeys((entry.key for entry in SHIPPED), False)
    known = known_here(surveys=["nps", "csat", "ces", "exit"])
    for entry in SHIPPED:
        assert not check(
            trigger=entry.trigger, steps=list(entry.steps), audience=entry.audience, exits=list(entry.exits), caps=entry.caps, hold_out_percent=entry.hold_out_percent, known=known
        ), entry.key


def test_onboarding_over_60_days_helps_who_does_not_begin_and_asks_at_the_end(cast):
    switch_on("onboarding")
    Account.objects.filter(pk=cast.boga.pk).update(signed_up_at=T0)
    live(0, 13)
    run = PlaybookRun.objects.get(account=cast.boga)
    assert done(run) == ["welcome", "kick-off"]
    welcome = OutgoingMail.objects.get(account=cast.boga)
    assert (welcome.language, welcome.mail_subject) == ("tr", "Vefa ailesine hoş geldiniz")
    assert WorkItem.objects.get(account=cast.boga).title == "Kick-off: goals, people, dates", "Elif reads English"
    live(14, 29, 30, 44, 45, 59, 60)
    run.refresh_from_db()
    assert (run.status, run.end_reason) == ("done", "done")
    # nobody used the product, so the way leads over the call, the mail and the training
    assert done(run) == ["welcome", "kick-off", "two-weeks", "started", "help", "help-mail", "second-half", "adopted", "training", "to-review", "review", "to-end", "ask"]
    assert Invitation.objects.get(account=cast.boga).survey_version.survey.key == "ces"
    assert not PlaybookRun.objects.filter(account=cast.north).exists(), "it signed up before"


def test_dunning_writes_three_times_in_14_days_and_ends_when_the_money_comes(paying):
    switch_on("dunning")
    happens(paying.boga, when=at(hours=1), payload={"hard_decline": False, "attempt": 1})
    happens(paying.north, when=at(hours=1), payload={"hard_decline": False, "attempt": 1})
    live(0, 2, 3, 6, 7, 13, 14)
    run = PlaybookRun.objects.get(account=paying.boga)
    assert done(run) == ["first", "next-attempt", "second", "four-days", "third", "call", "last-week", "decide"]
    mails = OutgoingMail.objects.filter(account=paying.boga).order_by("created_at", "pk")
    assert [mail.to_address for mail in mails] == ["muhasebe@bogazici.test"] * 3
    assert (run.status, [item.status for item in WorkItem.objects.filter(account=paying.boga)]) == ("done", ["open", "open"])
    assert AccountEvent.objects.filter(kind="payment.failed").count() == 2
    assert not PlaybookRun.objects.filter(account=paying.north).exists(), "it pays nothing: not in the audience"
    happens(paying.boga, when=at(20), payload={"hard_decline": False, "attempt": 1})
    live(20)
    happens(paying.boga, kind="payment.recovered", when=at(22))
    live(22)
    again = PlaybookRun.objects.exclude(pk=run.pk).get()
    assert story(again)[0] == ("first", "skipped", "ended:exit_1"), "the letter had not left yet"
    assert (again.status, again.end_reason, done(again)) == ("stopped", "exit_1", [])


def test_the_second_letter_follows_the_attempt_that_fails_next(paying):
    switch_on("dunning")
    happens(paying.boga, when=at(hours=1), payload={"hard_decline": False, "attempt": 1})
    live(0)
    happens(paying.boga, when=at(1), payload={"hard_decline": False, "attempt": 2})
    live(1)
    assert done(PlaybookRun.objects.get(account=paying.boga)) == ["first", "next-attempt", "second"]


def test_a_hard_decline_ends_dunning_and_asks_for_another_card(paying):
    switch_on("dunning")
    switch_on("card-refused")
    happens(paying.boga, when=at(hours=1), payload={"hard_decline": False, "attempt": 1})
    live(0)
    happens(paying.boga, when=at(3), payload={"hard_decline": True, "attempt": 2})
    live(3, 5, 17)
    soft, hard = PlaybookRun.objects.get(playbook__key="dunning"), PlaybookRun.objects.get(playbook__key="card-refused")
    assert (soft.status, soft.end_reason, done(soft)) == ("stopped", "exit_3", [])
    assert (hard.status, done(hard)) == ("done", ["new-card", "two-days", "ask", "to-the-end", "decide"])


def test_a_payment_that_nobody_calls_hard_is_soft(paying):
    create_transaction(
        fields={"account": paying.boga, "occurred_at": T0, "amount": 10, "currency": "EUR", "kind": "invoice", "status": "failed", "invoice": "I-1"},
        actor=None,
        now=T0,
    )
    assert AccountEvent.objects.get(kind="payment.failed").payload["hard_decline"] is False


def test_offboarding_calls_a_vip_first_and_answers_the_reason_given_in_turkish(cast):
    switch_on("offboarding")
    vip = Segment.objects.get(key="vip")
    Account.objects.filter(pk=cast.boga.pk).update(segment=vip)
    happens(cast.boga, kind="subscription.cancelled", when=at(hours=1))
    happens(cast.north, kind="subscription.cancelled", when=at(hours=1))
    live(0)
    run, other = PlaybookRun.objects.get(account=cast.boga), PlaybookRun.objects.get(account=cast.north)
    assert done(run) == ["vip", "call"]
    assert WorkItem.objects.get(account=cast.boga).priority == 1
    assert done(other) == ["vip", "ask"], "the others are asked at once"
    log_touch(account_id=cast.boga.pk, actor=cast.elif_, occurred_at=at(1), now=at(1), channel="call", minutes=10)
    live(1)
    invitation = Invitation.objects.get(account=cast.boga)
    assert (invitation.survey_version.survey.key, invitation.language) == ("exit", "tr")
    answer(invitation)
    assert Response.objects.get(account=cast.boga).comment == "Bütçemiz yarıya indi, çok üzgünüz."
    cast.boga.refresh_from_db()
    assert cast.boga.churn_reason == "price"
    live(2)
    assert done(run)[-1] == "offer-price", "the reason was a price"
    letter = OutgoingMail.objects.filter(account=cast.boga, kind="playbook").get()
    assert (letter.language, letter.mail_subject) == ("tr", "Boğaziçi Lojistik A.Ş. fiyat yüzünden ayrılmadan önce")
    Account.objects.filter(pk=cast.boga.pk).update(churned_at=at(10))
    live(8, 16, 22)
    run.refresh_from_db()
    other.refresh_from_db()
    assert (run.status, done(run)[-2:]) == ("done", ["hand-over", "goodbye"]), "it goes on after the customer has left"
    assert "save-open" in done(other), "who says no reason is asked by a person"


def answer(invitation: Invitation) -> None:
    """Selin answers the survey on its page and gives her reason."""
    now = dt.datetime.now(dt.UTC)
    Invitation.objects.filter(pk=invitation.pk).update(status="sent", sent_at=now - dt.timedelta(hours=1))
    token = link_to(invitation, now=now - dt.timedelta(hours=1))
    customer = Client(enforce_csrf_checks=True)
    assert 'lang="tr"' in customer.get(f"/s/{token}").content.decode()
    press(customer, token, 2)
    tell(customer, token, reason=["price.budget_cut"], comment="Bütçemiz yarıya indi, çok üzgünüz.")


def test_win_back_writes_two_months_after_and_stops_when_they_return(cast):
    switch_on("win-back")
    Account.objects.filter(pk=cast.boga.pk).update(churned_at=at(-60), churn_reason="price")
    Account.objects.filter(pk=cast.north.pk).update(churned_at=at(-60), churn_reason="closing_down")
    live(0, 5)
    run = PlaybookRun.objects.get()
    assert (run.account, done(run)) == (cast.boga, ["read", "five-days", "news"]), "who closed down is left in peace"
    assert OutgoingMail.objects.get().mail_subject == "Boğaziçi Lojistik A.Ş. ayrıldığından beri neler değişti"
    log_touch(account_id=cast.boga.pk, actor=cast.elif_, occurred_at=at(8), now=at(8), channel="call", minutes=10)
    live(8)
    assert done(run)[-1] == "offer"
    run.refresh_from_db()
    assert run.status == "done"


def test_renewal_detractor_stage_and_growth_run_to_their_ends(paying):
    for key in ("renewal", "detractor", "stage-inactivity", "expansion"):
        switch_on(key)
    boga = paying.boga
    AccountSnapshot.objects.filter(account=boga).update(renews_on=at(180).date(), band="watch", usage_trend="0.2", severe_tickets=0)
    happens(boga, kind="survey.answered", when=at(hours=1), payload={"response": "r", "survey_kind": "nps", "group": "detractor", "score": 3})
    Account.objects.filter(pk=boga.pk).update(lifecycle_stage="onboarding", signed_up_at=at(-14))
    AccountSnapshot.objects.filter(account=boga).update(last_seen_on=at(-14).date())
    live(0, 4, 5, 15, 34, 90, 150)
    runs = {run.playbook.key: run for run in PlaybookRun.objects.select_related("playbook")}
    assert done(runs["renewal"]) == ["plan", "to-90", "how", "save", "to-30", "offer", "sign"], "at risk: saved first"
    assert done(runs["detractor"]) == ["read", "spoken", "remind", "later", "again"], "nobody had spoken with them"
    assert done(runs["stage-inactivity"]) == ["nudge", "five-days", "back", "call", "ten-days", "escalate"]
    happens(boga, kind="health.band_changed", when=at(160), payload={"band": "healthy", "score": 8000})
    AccountSnapshot.objects.filter(account=boga).update(band="healthy")
    live(160)
    assert PlaybookRun.objects.get(playbook__key="expansion").step == "spoken"
