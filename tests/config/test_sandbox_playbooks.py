"""Each shipped playbook, rehearsed to its end: a sandbox is made, its clock is moved on by days, and people and systems act inside it over HTTP.

One rehearsal answers all questions: it runs on a real second database with a real mail catcher, on which each
playbook works for accounts of its own. The first day of business is a Monday, so that decent hours are alike on every day
this runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.actions.playbook_versions import activate
from accounts.actions.subscriptions import create_subscription
from accounts.actions.usage import put_usage
from accounts.models import Account, Contact, Playbook, PlaybookVersion, Segment, User
from accounts.playbooks.shipped import SHIPPED
from surveys.models import Touchpoint
from tests.config.rehearsal import Sandbox, a_place_of_its_own, password

DAY = dt.timedelta(days=1)
# what somebody signs up for, pays and who reads the mails: key, role of the contact, MRR, language
ACCOUNTS = (
    ("onda", "user", 0, "tr"), ("batak", "user", 0, "en"), ("demir", "billing", 900, "tr"), ("ruzgar", "billing", 900, "en"), ("hisar", "billing", 900, "tr"),
    ("orman", "sponsor", 900, "tr"), ("valide", "sponsor", 4000, "tr"), ("donus", "sponsor", 0, "tr"), ("uzak", "sponsor", 0, "en"), ("kirgin", "sponsor", 900, "tr"),
    ("rihtim", "sponsor", 900, "tr"), ("ekin", "champion", 900, "en"),
)  # fmt: skip


@dataclass
class Told:
    """What was found inside when the rehearsal was over."""

    monday: int = 0
    began: dt.datetime | None = None
    steps: dict[tuple[str, str], list[tuple[str, str, str]]] = field(default_factory=dict)
    at: dict[tuple[str, str], dict[str, dt.timedelta]] = field(default_factory=dict)
    ends: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    mails: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def done(self, playbook: str, account: str) -> list[str]:
        """The steps that were done, in their order."""
        return [step for step, outcome, _reason in self.steps[playbook, account] if outcome == "done"]

    def day(self, playbook: str, account: str, step: str, since: str = "") -> int:
        """Whole days from the making of the sandbox, or from another step, to a step."""
        known = self.at[playbook, account]
        return (known[step] - (known[since] if since else dt.timedelta())).days


CHECKS: list[Callable[[Told], None]] = []


def asked(check: Callable[[Told], None]) -> Callable[[Told], None]:
    """One question to the rehearsal that all share."""
    CHECKS.append(check)
    return check


@pytest.mark.django_db(transaction=True)
def test_each_shipped_playbook_runs_to_its_end_in_a_sandbox(cast, subtests):
    with a_place_of_its_own():
        sandbox = Sandbox()
        try:
            told = rehearse(sandbox, cast)
        finally:
            sandbox.stop()
    for check in CHECKS:
        with subtests.test(check.__name__):
            check(told)


# ── the story ───────────────────────────────────────────────────────────────


def rehearse(sandbox: Sandbox, cast: SimpleNamespace) -> Told:
    """Nine weeks of twelve customers. Where surveys leave there are three rounds of sweeps a day, else one."""
    ids = set_the_scene(cast, now=timezone.now())
    sandbox.create(order="newest", most=50)
    sandbox.serve()
    # the next Monday, a day at least
    monday = 7 - sandbox.began.weekday()
    sandbox.advance(monday, hours=24)
    for account, hard in (("demir", False), ("ruzgar", False), ("hisar", False)):
        pays(sandbox, account, 1, status="failed", hard_decline=hard)
    for account in ("orman", "valide"):
        sandbox.api("PATCH", f"/subscriptions/{ids.subscriptions[account]}/", {"cancelled_at": sandbox.now().isoformat(), "end": sandbox.at(60).isoformat()})
    sandbox.api("POST", "/invitations/", {"contact": "kirgin-1", "survey": "nps"})
    uses(sandbox, "ekin", range(28), 140)
    sandbox.advance(2)
    exit_page = sandbox.answer("orman@musteri.test", score=2, reason=["price.budget_cut"], comment="Bütçemiz yarıya indi, çok üzgünüz.")
    sandbox.answer("kirgin@musteri.test", score=3, comment="Hiç kimse aramadı.")
    sandbox.touch("elif@vefa.test", ids.accounts["valide"])
    sandbox.touch("elif@vefa.test", ids.accounts["ekin"])
    pays(sandbox, "hisar", 2, status="failed", hard_decline=True)
    sandbox.api("PATCH", f"/subscriptions/{ids.subscriptions['rihtim']}/", {"end": sandbox.at(monday + 2 + 91).isoformat()})
    uses(sandbox, "ekin", range(3), 140)
    sandbox.advance(2)
    pays(sandbox, "ruzgar", 2, status="succeeded")
    sandbox.touch("elif@vefa.test", ids.accounts["kirgin"])
    sandbox.api("PATCH", f"/subscriptions/{ids.subscriptions['ekin']}/", {"amount": "1200"})
    sandbox.advance(5, hours=24)
    sandbox.touch("elif@vefa.test", ids.accounts["donus"])
    sandbox.api("PATCH", f"/subscriptions/{ids.subscriptions['rihtim']}/", {"end": sandbox.at(60).isoformat()})
    sandbox.advance(62 - sandbox.days, hours=24)
    return look(sandbox, Told(monday=monday, began=sandbox.began, facts={"exit page": exit_page}))


def set_the_scene(cast: SimpleNamespace, *, now: dt.datetime) -> SimpleNamespace:
    """The customers, on the day the sandbox is made; every shipped playbook is on."""
    User.objects.update(password=password())
    Touchpoint.objects.update(activated_at=None)
    Account.objects.filter(pk__in=[cast.boga.pk, cast.north.pk]).update(excluded=True)
    ids = SimpleNamespace(accounts={}, subscriptions={})
    for key, role, mrr, language in ACCOUNTS:
        account = Account.objects.create(
            external_id=key, name=key.title(), owner=cast.elif_, language=language, time_zone="Europe/Istanbul", country="TR", currency="EUR", signed_up_at=now - 400 * DAY
        )
        Contact.objects.create(external_id=f"{key}-1", account=account, email=f"{key}@musteri.test", name="Selin Aydın", language=language, role=role)
        ids.accounts[key] = account.pk
        if mrr:
            terms = {"account": account, "start": now - 300 * DAY, "amount": mrr, "currency": "EUR", "product": "Vefa Pro", "external_id": f"{key}-sub"}
            terms |= {"end": now + 181 * DAY} if key == "rihtim" else {}
            ids.subscriptions[key] = create_subscription(fields=terms, actor=None, now=now).pk
    Account.objects.filter(external_id="onda").update(signed_up_at=now)
    Account.objects.filter(external_id="batak").update(signed_up_at=now - 13 * DAY, lifecycle_stage="onboarding")
    Account.objects.filter(external_id="valide").update(segment=Segment.objects.get(key="vip"))
    Account.objects.filter(external_id__in=["donus", "uzak"]).update(churned_at=now - 59 * DAY, churn_reason="price")
    # somebody looked in once, a week before
    used = [(ids.accounts["batak"], "", (now - 20 * DAY).date(), 5, None, None, None)]
    # used less and less, until somebody shows it to the whole team
    put_usage(used + [(ids.accounts["ekin"], "", (now - day * DAY).date(), 20 if day < 28 else 100, None, None, None) for day in range(56)])
    for playbook in Playbook.objects.all():
        switch_on(playbook, now=now)
    return ids


def switch_on(playbook: Playbook, *, now: dt.datetime) -> None:
    """As it is shipped, but without accounts that are left alone to compare with."""
    version = playbook.versions.get()
    if version.hold_out_percent:
        PlaybookVersion.objects.create(
            playbook=playbook, number=2, trigger=version.trigger, audience=version.audience, steps=version.steps, exits=version.exits, caps=version.caps,
            hold_out_percent=0, includes_churned=version.includes_churned, outline=version.outline, published_at=now,
        )  # fmt: skip
    activate(playbook_id=playbook.pk, old_matches=False, actor=None, now=now)


def pays(sandbox: Sandbox, account: str, attempt: int, **rest: Any) -> None:
    """The billing system tells of a payment."""
    body = {"account": account, "occurred_at": sandbox.now().isoformat(), "amount": "900", "kind": "invoice", "invoice": f"{account}-7", "attempt": attempt}
    sandbox.api("POST", "/transactions/", body | rest)


def uses(sandbox: Sandbox, account: str, days: range, count: int) -> None:
    """The product tells of use, on days counted backwards."""
    today = sandbox.now().date()
    sandbox.api("POST", "/usage/", [{"account": account, "day": (today - day * DAY).isoformat(), "count": count} for day in days])


_STEPS = """
SELECT p.key, a.external_id, l.step, l.outcome, l.reason, CASE l.kind WHEN 'survey' THEN l.begun_at ELSE l.at END - %s FROM accounts_playbooksteplog l JOIN accounts_playbookrun r ON r.id = l.run_id
JOIN accounts_playbook p ON p.id = r.playbook_id JOIN accounts_account a ON a.id = r.account_id ORDER BY l.id
"""
_ENDS = "SELECT p.key, a.external_id, r.status, r.end_reason FROM accounts_playbookrun r JOIN accounts_playbook p ON p.id = r.playbook_id JOIN accounts_account a ON a.id = r.account_id"
_INSTANTS = """
SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type = 'timestamp with time zone'
"""


def look(sandbox: Sandbox, told: Told) -> Told:
    """Reads all that is asked about, before it is removed."""
    for playbook, account, step, outcome, reason, after in sandbox.ask(_STEPS, [sandbox.began]):
        told.steps.setdefault((playbook, account), []).append((step, outcome, reason))
        told.at.setdefault((playbook, account), {})[step] = after
    told.ends = {(playbook, account): (status, reason) for playbook, account, status, reason in sandbox.ask(_ENDS)}
    told.mails = {key: [mail.summary.subject for mail in sandbox.mails(f"{key}@musteri.test")] for key, *_rest in ACCOUNTS}
    told.facts["reason"] = sandbox.ask("SELECT churn_reason FROM accounts_account WHERE external_id = 'orman'")[0][0]
    told.facts["comment"] = sandbox.ask("SELECT r.comment FROM surveys_response r JOIN accounts_account a ON a.id = r.account_id WHERE a.external_id = 'orman'")[0][0]
    told.facts["real"] = {
        f"{table}.{column}"
        for table, column in sandbox.ask(_INSTANTS)
        if sandbox.ask(f'SELECT 1 FROM "{table}" WHERE "{column}" BETWEEN %s AND %s LIMIT 1', [sandbox.began + dt.timedelta(seconds=30), timezone.now()])
    }
    return told


# ── what is asked of it ─────────────────────────────────────────────────────


@asked
def every_shipped_playbook_ran(told: Told) -> None:
    assert {playbook for playbook, _account in told.ends} == {entry.key for entry in SHIPPED}
    assert [key for key, (status, _reason) in told.ends.items() if status == "running"] == []
    assert not [(key, story) for key, story in told.steps.items() if any(outcome == "failed" for _step, outcome, _reason in story)]


@asked
def onboarding_takes_60_days_and_ends_with_a_question(told: Told) -> None:
    way = ["welcome", "kick-off", "two-weeks", "started", "help", "help-mail", "second-half", "adopted", "training", "to-review", "review", "to-end", "ask"]
    assert told.done("onboarding", "onda") == way, "nobody used the product: the way leads over help and training"
    assert told.ends["onboarding", "onda"] == ("done", "done")
    way = ["welcome", "help", "training", "review", "ask"]
    assert [told.day("onboarding", "onda", step, since=before) for before, step in pairwise(way)] == [14, 16, 15, 15]
    assert told.mails["onda"][:2] == ["Vefa ailesine hoş geldiniz", "Onda için ilk adımda yardımcı olabilir miyiz?"]


@asked
def who_is_stuck_in_onboarding_is_asked_called_and_escalated(told: Told) -> None:
    assert told.done("stage-inactivity", "batak") == ["nudge", "five-days", "back", "call", "ten-days", "escalate"]
    assert told.day("stage-inactivity", "batak", "escalate", since="nudge") == 15
    assert told.mails["batak"] == ["Where did you get stuck, Selin?"]


@asked
def dunning_writes_three_times_in_14_days(told: Told) -> None:
    assert told.done("dunning", "demir") == ["first", "next-attempt", "second", "four-days", "third", "call", "last-week", "decide"]
    assert [told.day("dunning", "demir", step, since="first") for step in ("second", "third", "decide")] == [3, 7, 14]
    assert told.mails["demir"] == ["Demir ödemesi alınamadı", "Demir ödemesi hâlâ açık", "Demir erişimi bitmeden"]


@asked
def dunning_ends_when_the_money_comes(told: Told) -> None:
    assert told.done("dunning", "ruzgar") == ["first", "next-attempt", "second"]
    assert told.ends["dunning", "ruzgar"] == ("stopped", "exit_1")
    assert len(told.mails["ruzgar"]) == 2, "nobody is written to after the money came"


@asked
def a_card_refused_for_good_ends_dunning_and_asks_for_another(told: Told) -> None:
    assert (told.done("dunning", "hisar"), told.ends["dunning", "hisar"]) == (["first"], ("stopped", "exit_3"))
    assert told.done("card-refused", "hisar") == ["new-card", "two-days", "ask", "to-the-end", "decide"]
    assert told.mails["hisar"] == ["Hisar ödemesi alınamadı", "Hisar: kart kalıcı olarak reddedildi"]


@asked
def offboarding_asks_in_turkish_and_answers_the_reason_given(told: Told) -> None:
    assert 'lang="tr"' in told.facts["exit page"]
    assert (told.facts["reason"], told.facts["comment"]) == ("price", "Bütçemiz yarıya indi, çok üzgünüz.")
    assert told.done("offboarding", "orman") == ["vip", "ask", "reason", "save-price", "offer-price", "weeks", "hand-over", "goodbye"]
    assert told.ends["offboarding", "orman"] == ("done", "done")
    assert told.mails["orman"][1:] == ["Orman fiyat yüzünden ayrılmadan önce", "Verileriniz ve son gün"]
    assert told.day("offboarding", "orman", "goodbye", since="save-price") == 14


@asked
def offboarding_of_a_vip_calls_before_anything_is_written(told: Told) -> None:
    assert told.done("offboarding", "valide") == ["vip", "call", "called", "ask", "reason", "save-open", "weeks", "hand-over", "goodbye"]
    assert told.day("offboarding", "valide", "ask") >= told.monday + 2, "after the call"


@asked
def win_back_writes_two_months_after_and_leaves_in_peace_who_does_not_answer(told: Told) -> None:
    assert told.done("win-back", "donus") == ["read", "five-days", "news", "listen", "offer"]
    assert told.mails["donus"] == ["Donus ayrıldığından beri neler değişti"]
    assert told.done("win-back", "uzak") == ["read", "five-days", "news", "listen", "last"]
    assert told.day("win-back", "uzak", "last", since="news") == 21


@asked
def a_detractor_is_called_and_asked_again_after_a_month(told: Told) -> None:
    assert told.done("detractor", "kirgin") == ["read", "spoken", "month", "again"]
    assert told.day("detractor", "kirgin", "again", since="spoken") == 30


@asked
def a_renewal_is_prepared_reviewed_and_signed_although_its_day_moves(told: Told) -> None:
    assert told.done("renewal", "rihtim") == ["plan", "to-90", "how", "value", "to-30", "offer", "sign"]
    assert told.day("renewal", "rihtim", "offer") in {29, 30}, "30 days before the day that the terms were cut to"


@asked
def growth_is_spoken_about_where_health_became_good(told: Told) -> None:
    assert told.done("expansion", "ekin") == ["look", "spoken", "answer"]
    assert told.ends["expansion", "ekin"] == ("done", "done")


@asked
def nothing_inside_carries_the_real_time(told: Told) -> None:
    assert told.facts["real"] <= {"accounts_user.last_login"}, (
        "but for the sign-in of a real person, columns with an instant between the making and the end of the rehearsal, when nine weeks had passed inside"
    )
