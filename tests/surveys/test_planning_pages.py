"""The planner's pages: the dry run writes nothing, the ledger says why in words, the forecast is what is then planned."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import Account, AccountEvent, Contact
from surveys.models import Invitation, SurveyLink, Touchpoint
from surveys.queries import plan_page as pages
from surveys.views.plan_wording import detail, local_time, reason_word
from tests.api_client import ApiClient
from tests.surveys.making import activate, happens, planned

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def ready(cast):
    """Programmes that ask at any hour, so that the clock of the test does not matter; the rhythm off."""
    cache.clear()
    activate(delay_minutes=0, window_from="00:00", window_until="00:00", weekdays=[1, 2, 3, 4, 5, 6, 7], respects_holidays=False)
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)
    return cast


def get(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"surveys:{name}", args=args), query)


@pytest.mark.parametrize("name", ["dry_run", "decisions", "forecast"])
def test_the_pages_are_for_those_who_read_programmes(client, ready, name):
    address = reverse(f"surveys:{name}")
    assert client.get(address).headers["Location"].startswith(reverse("login"))
    for user in (ready.ada, ready.elif_, ready.mert, ready.vera):
        assert get(client, user, name).status_code == 200
    for user in (ready.ana, ready.deniz):
        assert get(client, user, name).status_code == 404
    assert client.post(address).status_code == 405


def test_the_dry_run_names_who_is_asked_and_why_not_and_writes_nothing(client, ready):
    now = timezone.now()
    happens(ready.selin, at=now)
    happens(ready.harry, at=now)
    Contact.objects.filter(pk=ready.harry.pk).update(opted_out=True)
    before = (Invitation.objects.count(), SurveyLink.objects.count(), AccountEvent.objects.count())
    page = get(client, ready.ada, "dry_run", as_of=(now + dt.timedelta(minutes=1)).isoformat())
    assert [(row["line"].contact, row["line"].decision, row["line"].reason) for row in page.context["rows"]] == [("selin", "send", "eligible"), ("harry", "skip", "no_consent")]
    text = page.content.decode()
    for part in ("Selin Aydın", "Boğaziçi Lojistik", "Europe/Istanbul", "all rules allow it", "the contact refused surveys", f"?contact={ready.selin.pk}"):
        assert part in text, part
    assert (Invitation.objects.count(), SurveyLink.objects.count(), AccountEvent.objects.count()) == before


def test_the_dry_run_shows_the_own_book_alone(client, ready):
    for contact in (ready.selin, ready.harry):
        happens(contact, at=timezone.now())
    page = get(client, ready.elif_, "dry_run", as_of=(timezone.now() + dt.timedelta(minutes=1)).isoformat())
    assert [row["line"].contact for row in page.context["rows"]] == ["selin"]
    assert "Harry" not in page.content.decode()
    assert page.context["found"].by_decision == {"send": 1}


def test_the_dry_run_is_filtered_by_programme_decision_and_reason(client, ready):
    now = timezone.now()
    happens(ready.selin, at=now)
    happens(ready.harry, "trial.ended", at=now)
    Account.objects.filter(pk=ready.north.pk).update(churned_at=now - DAY)
    asked = {"as_of": (now + dt.timedelta(minutes=1)).isoformat()}

    def contacts(**query):
        return [row["line"].contact for row in get(client, ready.ada, "dry_run", **asked, **query).context["rows"]]

    assert contacts(touchpoint="trial-ended") == ["harry"]
    assert contacts(decision="send") == ["selin"]
    assert contacts(reason="account_churned") == ["harry"]
    assert contacts(decision="nonsense", reason="nonsense", touchpoint="nonsense") == ["selin", "harry"]
    client.force_login(ready.ada)
    assert [row["line"].contact for row in client.get(reverse("surveys:dry_run", args=["trial-ended"]), asked).context["rows"]] == ["harry"]
    assert client.get(reverse("surveys:dry_run", args=["nonsense"])).status_code == 404


def test_the_pages_of_a_dry_run_have_every_line_once(client, ready, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 3)
    now = timezone.now()
    for number in range(8):
        account = Account.objects.create(external_id=f"a{number}", name=f"A {number}")
        happens(Contact.objects.create(external_id=f"c{number}", account=account, email=f"c{number}@x.test", opted_out=number % 2 == 0), at=now)
    page, seen = get(client, ready.ada, "dry_run", as_of=(now + dt.timedelta(minutes=1)).isoformat()), []
    while True:
        seen += [row["line"].contact for row in page.context["rows"]]
        if not page.context["next"]:
            break
        # what happens meanwhile does not move the pages
        happens(ready.selin, "trial.ended", at=now)
        page = client.get(reverse("surveys:dry_run") + page.context["next"])
    assert sorted(seen) == [f"c{number}" for number in range(8)]


@pytest.mark.parametrize("moment", ["soon", "2026-13-01T00:00", "1900-01-01T00:00"])
def test_a_wrong_moment_is_said_and_the_dry_run_of_now_is_shown(client, ready, moment):
    page = get(client, ready.ada, "dry_run", as_of=moment)
    assert page.status_code == 200
    assert page.context["problem"]
    assert abs(page.context["as_of"] - timezone.now()) < dt.timedelta(minutes=1)


def test_the_ledger_is_filtered_by_account_period_state_and_reason(client, ready):
    now = timezone.now()
    refused = planned(ready.selin, at=now - 2 * DAY, status="skipped", skip_reason="fatigue_contact", wave="1",
                      decision={"rule": "fatigue_contact", "value": (now - 12 * DAY).isoformat(), "limit": {"days": 30, "of": "any"}})  # fmt: skip
    old = planned(ready.harry, at=now - 60 * DAY, status="sent", sent_at=now - 60 * DAY, wave="2")
    direct = planned(ready.harry, at=now - DAY, touchpoint=None, wave="3")

    def rows(**query):
        return [row.pk for row in get(client, ready.ada, "decisions", **query).context["found"].rows]

    assert rows() == [direct.pk, refused.pk]
    assert rows(days="0") == [direct.pk, refused.pk, old.pk]
    assert rows(days="7", account="BOĞAZİÇİ") == [refused.pk]
    assert rows(status="planned") == [direct.pk]
    assert rows(reason="fatigue_contact") == [refused.pk]
    assert rows(touchpoint="direct") == [direct.pk]
    assert rows(touchpoint="trial-ended") == []
    text = get(client, ready.ada, "decisions").content.decode()
    assert "the contact was asked recently" in text
    assert "30 days must lie between two surveys to one person" in text
    assert [row.pk for row in get(client, ready.elif_, "decisions", days="0").context["found"].rows] == [refused.pk]


@pytest.mark.parametrize(
    ("reason", "evidence", "words"),
    [
        ("fatigue_account", {"value": 3, "limit": {"people": 3, "days": 7}}, "3 of the account are asked within 7 days; the limit is 3."),
        (
            "fatigue_contact",
            {"value": "2026-03-03T10:00:00+00:00", "limit": {"days": 90, "of": "nps"}},
            "90 days must lie between two NPS surveys to one person. The other one: 3 Mar 2026.",
        ),
        ("stale", {"value": {"daily_cap": 5}, "limit": "2026-03-03T10:00:00+00:00"}, "No day with less than 5 mails before 3 Mar 2026."),
        ("sampled_out", {"value": "0.4000", "limit": "0.2500"}, "Drew 40%; below 25% is asked."),
        ("condition", {"value": {"person_replied": None}, "limit": {"person_replied": True}}, "person_replied is –, wanted: yes"),
        # as older rows have it
        ("fatigue_contact", {"value": "2026-03-03T10:00:00+00:00", "limit": "1 in 30 days"}, ""),
        ("no_consent", {"value": "refused", "limit": None}, ""),
    ],
)
def test_a_rule_is_said_with_its_value_and_limit(reason, evidence, words):
    with translation.override("en"):
        assert detail(reason, evidence).replace("\xa0", "").replace(".00", "") == words
        assert reason_word(reason)


def test_the_time_is_by_the_clock_of_the_one_who_gets_it():
    with translation.override("en"):
        assert local_time(dt.datetime(2026, 3, 3, 6, tzinfo=dt.UTC), "Europe/Istanbul") == "Tue 3 Mar 2026, 09:00"
        assert local_time(None, "UTC") == ""


def test_the_api_adds_the_local_time_and_the_zone(ready):
    touchpoint = Touchpoint.objects.get(key="purchase-completed")
    now = timezone.now()
    happens(ready.selin, at=now)
    line = ApiClient(ready.ada).get(f"/touchpoints/{touchpoint.pk}/plan/").json()["results"][0]
    assert (line["decision"], line["zone"], line["local_time"][-6:]) == ("send", "Europe/Istanbul", "+03:00")
    assert dt.datetime.fromisoformat(line["local_time"]) == dt.datetime.fromisoformat(line["due_at"])
    assert Invitation.objects.count() == 0
