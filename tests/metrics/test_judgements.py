"""Pulse, override and disagreements: what people judge beside the score."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountDirty, AccountSnapshot
from metrics.actions.health_drafts import activate_draft, make_draft, mark_of, save_draft
from metrics.actions.judgements import Refused, decide, give_pulse, override_health
from metrics.actions.recompute import recompute_accounts
from metrics.health.judgements import clashes, current_override, current_pulse, missing_parts
from metrics.models import DisagreementDecision, HealthModel, HealthOverride, Pulse
from metrics.scoring import Model, Part

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
DAY = dt.timedelta(days=1)


def scored_by(cast, source: str, worst: float, best: float) -> None:
    """Lets a model that looks at one input alone score everybody."""
    now = timezone.now()
    draft = make_draft(model=HealthModel.objects.get(key="standard", number=1), actor=cast.ada, now=now)
    component = {"source": source, "worst": worst, "best": best, "weight": 10, "missing": "leave_out", "fresh_days": None}
    save_draft(model=draft, mark=mark_of(draft), name="One input", position=100, segments=[], healthy_from=75, watch_from=50, components=[component], actor=cast.ada, now=now)
    activate_draft(model=draft, mark=mark_of(HealthModel.objects.get(pk=draft.pk)), actor=cast.ada, now=now)


def test_a_pulse_scores_where_a_model_looks_at_it_and_says_nothing_after_ninety_days(cast):
    scored_by(cast, "pulse", 1, 5)
    given = timezone.now()
    give_pulse(account_id=cast.boga.pk, value=2, reason="The sponsor left", author=cast.elif_, now=given - DAY)
    give_pulse(account_id=cast.boga.pk, value=4, reason="The new one is in", author=cast.elif_, now=given)
    assert AccountDirty.objects.filter(account=cast.boga).exists()
    for at, health in ((given + DAY, 7500), (given + 91 * DAY, None)):
        recompute_accounts(account_ids=[cast.boga.pk, cast.north.pk], as_of=at, now=at)
        assert AccountSnapshot.objects.get(account=cast.boga).health == health
        assert AccountSnapshot.objects.get(account=cast.north).health is None
    assert current_pulse(cast.boga.pk, given + 89 * DAY).value == 4
    assert current_pulse(cast.boga.pk, given + 91 * DAY) is None


def test_use_and_touches_score_by_their_days(cast):
    from accounts.actions.event_log import record_event
    from accounts.actions.usage import put_usage

    now = dt.datetime(2026, 6, 20, 12, tzinfo=dt.UTC)
    put_usage([(cast.boga.pk, feature, dt.date(2026, 6, day), 3, 1, None, None) for day in (2, 9, 16) for feature in ("", "api")])
    record_event(
        account_id=cast.boga.pk, kind="touch.logged", occurred_at=now - dt.timedelta(days=25, hours=5), origin="app", subject_type="", subject_id="", payload={"channel": "call"}
    )
    for source, worst, best, health in (("active_days", 0, 28, 1071), ("days_since_seen", 8, 0, 5000), ("days_since_touch", 50, 0, 5000)):
        HealthModel.objects.filter(number__gt=1).delete()
        HealthModel.objects.update(retired_at=None)
        scored_by(cast, source, worst, best)
        HealthModel.objects.filter(number=1).update(activated_at=now - 9 * DAY, retired_at=now - 8 * DAY)
        HealthModel.objects.filter(number=2).update(activated_at=now - 8 * DAY)
        recompute_accounts(account_ids=[cast.boga.pk], as_of=now, now=now)
        # 3 of 28 days; 4 of 8 days ago; 25 of 50 days ago
        assert AccountSnapshot.objects.get(account=cast.boga).health == health, source


def test_a_judgement_needs_a_reason_and_what_was_typed_stays(client, cast):
    client.force_login(cast.elif_)
    for name, typed, said in (
        ("pulse", {"value": "3", "reason": "  "}, "Say why in a sentence"),
        ("pulse", {"value": "9", "reason": "Because"}, "Choose a pulse from 1 to 5"),
        ("override", {"band": "healthy", "until": "2020-01-01", "override_reason": "Because"}, "Choose a day that lies ahead"),
        ("override", {"band": "healthy", "until": "soon", "override_reason": "Because"}, "Choose a day"),
        ("override", {"band": "perfect", "until": (timezone.now() + 9 * DAY).date().isoformat(), "override_reason": "Because"}, "Choose a band"),
        ("override", {"band": "healthy", "until": (timezone.now() + 9 * DAY).date().isoformat(), "override_reason": ""}, "Say why in a sentence"),
    ):
        answered = client.post(reverse(f"metrics:{name}", args=[cast.boga.pk]), typed, headers=HTMX)
        html = answered.content.decode()
        assert answered.status_code == 422
        assert said in html
        assert all(f'value="{value}"' in html for value in typed.values() if value == "Because")
    assert not Pulse.objects.exists()
    assert not HealthOverride.objects.exists()


def test_an_override_stands_beside_the_score_until_its_day_and_can_be_taken_back(client, cast):
    now = timezone.now()
    client.force_login(cast.elif_)
    until = (now + 9 * DAY).date()
    client.post(reverse("metrics:override", args=[cast.boga.pk]), {"band": "at_risk", "until": until.isoformat(), "override_reason": "They told me"}, headers=HTMX)
    made = current_override(cast.boga.pk, now + DAY)
    assert (made.band, made.author) == ("at_risk", cast.elif_)
    assert current_override(cast.boga.pk, now + 11 * DAY) is None
    assert AccountSnapshot.objects.get(account=cast.boga).band == ""
    again = override_health(account_id=cast.boga.pk, band="healthy", reason="They changed their mind", until=now + DAY, author=cast.elif_, now=now)
    assert HealthOverride.objects.filter(ended_at__isnull=True).get() == again
    client.post(reverse("metrics:override_end", args=[cast.boga.pk, again.pk]), headers=HTMX)
    assert current_override(cast.boga.pk, now) is None
    with pytest.raises(Refused):
        override_health(account_id=cast.boga.pk, band="healthy", reason="For ever", until=now + 400 * DAY, author=cast.elif_, now=now)


def disagreeing(cast) -> None:
    AccountSnapshot.objects.filter(account=cast.boga).update(band="at_risk", health=2100, nps=10, usage_trend="-0.4", csat_mean="2.10", csat_count=3, mrr_micros=5)
    AccountSnapshot.objects.filter(account=cast.north).update(band="healthy", health=9000, nps=10, usage_trend="0.4", csat_mean="4.10", csat_count=3, mrr_micros=9)
    give_pulse(account_id=cast.boga.pk, value=5, reason="Renewed by hand", author=cast.elif_, now=timezone.now() - DAY)
    give_pulse(account_id=cast.north.pk, value=5, reason="Fine", author=cast.can, now=timezone.now() - DAY)


def test_a_disagreement_is_listed_until_it_is_decided_and_returns_when_a_sign_changes(client, cast):
    disagreeing(cast)
    now = timezone.now()
    for kind in ("pulse_score", "csat_nps", "usage_sentiment"):
        assert [clash.snapshot.account for clash in clashes(user=cast.ada, kind=kind, now=now)] == [cast.boga]
    client.force_login(cast.elif_)
    html = client.get(reverse("metrics:disagreements")).content.decode()
    assert "Pulse 5 of 5, safe" in html
    assert "Health 21, At risk" in html
    client.post(reverse("metrics:disagreement_decide", args=[cast.boga.pk]), {"kind": "pulse_score", "trusts": "second", "note": "", "first": "5", "second": "at_risk"})
    assert not DisagreementDecision.objects.exists()
    client.post(reverse("metrics:disagreement_decide", args=[cast.boga.pk]), {"kind": "pulse_score", "trusts": "second", "note": "Use speaks", "first": "5", "second": "at_risk"})
    now = timezone.now()
    assert not clashes(user=cast.ada, kind="pulse_score", now=now)
    assert clashes(user=cast.ada, kind="csat_nps", now=now)
    assert clashes(user=cast.ada, kind="pulse_score", now=now + 91 * DAY) == []  # the pulse has lapsed by then
    give_pulse(account_id=cast.boga.pk, value=4, reason="Less sure", author=cast.elif_, now=now)
    assert [clash.first for clash in clashes(user=cast.ada, kind="pulse_score", now=now + DAY)] == ["4"]


def test_books_stay_apart_and_strangers_sign_in(client, cast):
    disagreeing(cast)
    decide(account_id=cast.north.pk, kind="csat_nps", trusts="first", note="Theirs", first="4.1", second="10", user=cast.can, now=timezone.now())
    client.force_login(cast.can)
    html = client.get(reverse("metrics:disagreements"), {"kind": "csat_nps"}).content.decode()
    assert "Boğaziçi" not in html
    own = [reverse("metrics:judgements", args=[cast.boga.pk]), reverse("metrics:pulse", args=[cast.boga.pk]), reverse("metrics:override", args=[cast.boga.pk])]
    assert client.get(own[0]).status_code == 404
    assert [client.post(path, {"value": "1", "reason": "x"}).status_code for path in own[1:]] == [404, 404]
    assert client.post(reverse("metrics:disagreement_decide", args=[cast.boga.pk]), {"kind": "csat_nps", "trusts": "first", "note": "x"}).status_code == 404
    client.force_login(cast.elif_)
    assert "Theirs" not in client.get(reverse("metrics:disagreements")).content.decode()
    client.force_login(cast.vera)
    assert "Give a pulse" not in client.get(own[0], headers=HTMX).content.decode()
    assert client.post(own[1], {"value": "1", "reason": "x"}).status_code == 404
    client.force_login(cast.ana)
    assert client.get(reverse("metrics:disagreements")).status_code == 404
    client.logout()
    assert client.get(reverse("metrics:disagreements")).headers["Location"].startswith("/login/")
    assert Pulse.objects.count() == 2


def test_what_is_missing_is_told_by_the_weight_it_would_settle():
    rule = Model(parts=(Part("last_nps", 0, 10, 30), Part("csat_90d", 1, 5, 10), Part("pulse", 1, 5, 20)))
    assert missing_parts(rule, [None, 4.0, None]) == [("last_nps", 5000), ("pulse", 3333)]
