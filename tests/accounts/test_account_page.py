"""The page of one account and its panels."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import timeline
from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.notes import add_note
from accounts.actions.work_items import open_work_item
from accounts.charts import step_chart
from accounts.event_kinds import EVENT_KINDS
from accounts.models import AccountEvent, Contact, Note, SubscriptionChange
from accounts.sentences import why

PANELS = ["", "timeline/", "contacts/", "money/", "work/", "notes/"]
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("panel", PANELS)
def test_each_part_opens_as_a_page_and_as_a_fragment(client, cast, panel):
    client.force_login(cast.elif_)
    address = f"/accounts/{cast.boga.pk}/{panel}"
    page = client.get(address).content.decode()
    assert "<h1>Boğaziçi Lojistik A.Ş." in page
    if panel:
        fragment = client.get(address, headers=HTMX)
        assert fragment.content.decode().lstrip().startswith('<section class="panel"')
        assert "HX-Request" in fragment["Vary"]
        assert "no-store" in fragment["Cache-Control"]


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("who", ["can", "deniz", "ana"])
def test_an_account_out_of_the_readers_scope_is_not_there(client, cast, panel, who):
    client.force_login(getattr(cast, who))
    for headers in ({}, HTMX):
        assert client.get(f"/accounts/{cast.boga.pk}/{panel}", headers=headers).status_code == 404


@pytest.mark.parametrize("panel", PANELS)
def test_strangers_sign_in_first(client, cast, panel):
    address = f"/accounts/{cast.boga.pk}/{panel}"
    assert client.get(address)["Location"] == f"/login/?next={address}"


def test_the_page_itself_takes_at_most_seven_queries(client, cast):
    client.force_login(cast.elif_)
    with CaptureQueriesContext(connection) as seen:
        client.get(f"/accounts/{cast.boga.pk}/")
    assert len(seen) <= 7, [entry["sql"][:120] for entry in seen]


def events_of(cast, number, start=None):
    start = start or dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    # pairs at the same moment, so that only the id tells them apart
    record_events(
        NewEvent(account_id=cast.boga.pk, kind="usage.milestone", occurred_at=start + dt.timedelta(hours=n // 2), origin="api", payload={"feature": f"step_{n}"})
        for n in range(number)
    )


def test_the_timeline_shows_every_event_once_newest_first(client, cast):
    events_of(cast, 75)
    client.force_login(cast.elif_)
    seen, before = [], ""
    while True:
        found = client.get(f"/accounts/{cast.boga.pk}/timeline/", {"before": before}).context["stretch"]
        seen += [entry.event for _day, entries in found.days for entry in entries]
        before = found.older
        if not before:
            break
    assert [event.pk for event in seen] == list(AccountEvent.objects.filter(account=cast.boga).order_by("-occurred_at", "-id").values_list("pk", flat=True))
    assert len(seen) == 75


@pytest.mark.parametrize("before", ["x", "2026-01-01~1", "~", "2026-05-01T12:00:00+00:00~x", "2026-05-01T12:00:00+00:00~99999999999999999999"])
def test_a_key_that_makes_no_sense_begins_at_the_newest(client, cast, before):
    events_of(cast, 3)
    client.force_login(cast.elif_)
    assert len(client.get(f"/accounts/{cast.boga.pk}/timeline/", {"before": before}).context["stretch"].days) == 1


def test_the_timeline_is_cut_into_days_of_the_readers_zone(client, cast):
    record_events([NewEvent(account_id=cast.boga.pk, kind="note.added", occurred_at=dt.datetime(2026, 5, 1, 22, 30, tzinfo=dt.UTC), origin="app")])
    cast.elif_.time_zone = "Europe/Istanbul"
    cast.elif_.save()
    client.force_login(cast.elif_)
    assert [day for day, _entries in client.get(f"/accounts/{cast.boga.pk}/timeline/").context["stretch"].days] == [dt.date(2026, 5, 2)]


def test_the_timeline_is_filtered_by_group(client, cast):
    events_of(cast, 2)
    record_events([NewEvent(account_id=cast.boga.pk, kind="ticket.opened", occurred_at=timezone.now(), origin="app", payload={"ticket": 12, "severity": 1})])
    client.force_login(cast.elif_)
    page = client.get(f"/accounts/{cast.boga.pk}/timeline/?group=tickets").content.decode()
    assert "Ticket #12 was opened" in page
    assert "step 1" not in page


def test_every_kind_of_event_has_a_group_an_icon_and_a_sentence():
    grouped = [kind for _name, kinds in timeline.GROUPS.values() for kind in kinds]
    assert sorted(grouped) == sorted(EVENT_KINDS)
    assert set(timeline.ICONS) == set(EVENT_KINDS)
    for kind in EVENT_KINDS:
        line = timeline.line(timeline.Happening(kind=kind, payload={}, occurred_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
        assert line.text
        assert kind not in line.text


@pytest.mark.parametrize(
    ("kind", "payload", "text"),
    [
        ("survey.answered", {"survey_kind": "nps", "score": 4, "scale_max": 10}, "Selin Aydın answered NPS with 4 of 10"),
        ("touch.logged", {"channel": "call", "minutes": 18}, "Elif Yıldız called Selin Aydın"),
        ("subscription.changed", {"mrr_before": "7400", "mrr": "7000", "currency": "EUR"}, "MRR went from €7,400 to €7,000"),
        ("health.band_changed", {"band": "at_risk", "score": 3800, "score_before": 4100}, "Health fell to 38 from 41: At risk"),
        ("owner.changed", {"owner": 1, "owner_before": 2}, "Elif took over from Can"),
        ("payment.failed", {"amount": "99.5", "currency": "USD"}, "A payment of $99.50 failed"),
        ("ticket.sla_breached", {"ticket": 7, "target": "resolution"}, "Ticket #7 passed a promised time"),
    ],
)
def test_a_sentence_says_what_happened(kind, payload, text):
    happening = timeline.Happening(
        kind=kind, payload=payload, occurred_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), contact="Selin Aydın", actor="Elif Yıldız", people={"1": "Elif", "2": "Can"}
    )
    assert timeline.line(happening).text == text


@pytest.mark.parametrize(
    "payload", [{"amount": "abc"}, {"amount": {}, "currency": "EUR"}, {"days": "x", "minutes": "x", "score": "x", "mrr": None, "mrr_before": "y", "ends_at": "soon"}]
)
def test_a_payload_with_nonsense_still_makes_a_line(payload):
    for kind in EVENT_KINDS:
        assert timeline.line(timeline.Happening(kind=kind, payload=payload, occurred_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))).text


def test_contacts_show_who_may_be_asked(client, cast):
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True, opted_out_at=timezone.now())
    client.force_login(cast.elif_)
    page = client.get(f"/accounts/{cast.boga.pk}/contacts/").content.decode()
    assert "Selin Aydın" in page
    assert "refuses surveys" in page


def test_work_says_why_and_how_late(client, cast):
    now = timezone.now()
    open_work_item(
        account_id=cast.boga.pk, type="risk", reason="health", why=why("band_changed", before=64, score=38), now=now, due_at=now - dt.timedelta(days=4), title="Call the CFO"
    )
    client.force_login(cast.elif_)
    page = client.get(f"/accounts/{cast.boga.pk}/work/").content.decode()
    assert "Call the CFO" in page
    assert "Health fell from 64 to 38." in page
    assert "4 days ago" in page


def test_mrr_over_time_is_drawn_and_stands_in_a_table(client, cast):
    now = timezone.now()
    for days, delta, balance in ((900, 4200, 4200), (300, 800, 5000)):
        SubscriptionChange.objects.create(account=cast.boga, currency="EUR", occurred_at=now - dt.timedelta(days=days), delta_micros=delta * 10**6, balance_micros=balance * 10**6)
    client.force_login(cast.elif_)
    response = client.get(f"/accounts/{cast.boga.pk}/money/")
    (chart,) = response.context["charts"]
    # the state before the window opens it; one change lies inside
    assert [step.balance_micros for step in chart["steps"]] == [5000 * 10**6, 4200 * 10**6]
    assert "€5,000" in response.content.decode()


def test_a_step_keeps_its_height_until_the_next_change():
    since, until = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 11, tzinfo=dt.UTC)
    chart = step_chart([(since, 50), (since + dt.timedelta(days=5), 100)], since=since, until=until, currency="EUR")
    assert chart.line == "M0.0 56.0L50.0 56.0L50.0 12.0L100 12.0"


def test_a_note_is_written_and_shown_again(client, cast):
    client.force_login(cast.elif_)
    address = f"/accounts/{cast.boga.pk}/notes/"
    page = client.post(address, {"body": "Board meets <b>soon</b>.", "pinned": "on"}, headers=HTMX)
    assert "Board meets &lt;b&gt;soon&lt;/b&gt;." in page.content.decode()
    note = Note.objects.get()
    assert (note.account, note.author, note.pinned) == (cast.boga, cast.elif_, True)
    assert AccountEvent.objects.filter(kind="note.added", account=cast.boga, actor=cast.elif_).exists()
    assert client.post(address, {"body": "Plain form."})["Location"] == address


def test_an_empty_note_is_refused_beside_its_field(client, cast):
    client.force_login(cast.elif_)
    response = client.post(f"/accounts/{cast.boga.pk}/notes/", {"body": "  "}, headers=HTMX)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Note.objects.exists()


@pytest.mark.parametrize(("who", "status"), [("can", 404), ("vera", 403)])
def test_who_may_not_write_there_writes_nothing(client, cast, who, status):
    client.force_login(getattr(cast, who))
    assert client.post(f"/accounts/{cast.boga.pk}/notes/", {"body": "x"}).status_code == status
    assert not Note.objects.exists()
    assert not AccountEvent.objects.filter(kind="note.added").exists()


def test_notes_of_others_books_stay_there(client, cast):
    add_note(account_id=cast.north.pk, author=cast.can, body="secret", now=timezone.now())
    client.force_login(cast.elif_)
    assert "secret" not in client.get(f"/accounts/{cast.boga.pk}/notes/").content.decode()
