"""Pages of segments: the order, the editor with its preview, overrides by hand, and who may do what."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actions.event_log import record_event
from accounts.models import Account, AccountEvent, AccountSnapshot, Segment, SegmentMembership
from metrics.actions.segment_rules import Refused, StaleSegment, change_segment, delete_segment, make_segment, move_segment
from metrics.actions.segment_sweeps import sweep_everybody
from metrics.models import HealthModel, SegmentSize
from metrics.segments.preview import preview, with_change

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
DAY = dt.timedelta(days=1)
VIP_FROM_50 = {"all": [{"field": "mrr", "op": "gte", "value": "50"}]}


@pytest.fixture
def placed(cast):
    """Boğaziçi (Elif's) pays 3,000 a month and is VIP, Northgate (Can's) 100 and is non-core."""
    for account, amount in ((cast.boga, 3000), (cast.north, 100)):
        AccountSnapshot.objects.filter(pk=account.pk).update(mrr_micros=amount * 1_000_000)
    now = timezone.now()
    sweep_everybody(as_of=now, now=now)
    return cast


def builder(*conditions, **fields):
    """What the editor's form sends: a rule of these (field, operator, value) conditions."""
    sent = {"rule.node": ["0:group"], "rule.0.join": ["all"], "name": ["VIP"], "description": [""], "effort": ["40"], "version": ["1"]}
    for place, (field, op, value) in enumerate(conditions):
        at = f"0.{place}"
        sent["rule.node"].append(f"{at}:condition")
        sent |= {f"rule.{at}.field": [field], f"rule.{at}.op": [op], f"rule.{at}.value": [value]}
    return {key: value if isinstance(value, list) else [value] for key, value in (sent | fields).items()}


def vip():
    return Segment.objects.get(key="vip")


# ── Reading ──────────────────────────────────────────────────────────────────


def test_the_list_says_what_each_takes_of_base_money_and_time(client, placed):
    now = timezone.now()
    for account, minutes in ((placed.boga, 90), (placed.north, 30)):
        record_event(
            account_id=account.pk,
            kind="touch.logged",
            occurred_at=now,
            origin="app",
            actor_id=placed.elif_.pk,
            subject_type="",
            subject_id="",
            payload={"channel": "call", "minutes": minutes},
        )
    client.force_login(placed.mert)
    response = client.get(reverse("segments:list"))
    told = {
        entry["segment"].key: (entry["size"], entry["share"], round(entry["mrr_share"], 4), entry["effort"] and entry["effort"]["share"]) for entry in response.context["entries"]
    }
    assert told["vip"] == ((1, 3_000_000_000), 0.5, 0.9677, 0.75)
    assert told["non_core"] == ((1, 100_000_000), 0.5, 0.0323, 0.25)
    text = response.content.decode()
    assert "MRR is at least €2,500" in text
    assert [entry["segment"].key for entry in response.context["entries"] if entry["effort"] and entry["effort"]["over"]] == ["vip", "non_core"]


def test_pages_read_a_bounded_number_of_times(client, placed, django_assert_max_num_queries):
    client.force_login(placed.ada)
    for address in (reverse("segments:list"), reverse("segments:segment", args=["vip"])):
        client.get(address)
        with django_assert_max_num_queries(22):
            assert client.get(address).status_code == 200


def test_one_segment_shows_members_and_its_history_as_a_file(client, placed):
    SegmentSize.objects.create(segment=vip(), day=timezone.now().date() - DAY, accounts=7, mrr_micros=9_000_000)
    client.force_login(placed.vera)
    text = client.get(reverse("segments:segment", args=["vip"])).content.decode()
    assert "Boğaziçi Lojistik" in text
    assert "Northgate" not in text
    body = b"".join(client.get(reverse("segments:segment", args=["vip"]), {"export": "csv", "chart": "segment-accounts"})).decode()
    assert ",7" in body.replace(";", ",")
    assert ",1" in body.replace(";", ",")


def test_an_analyst_reads_figures_and_no_rows(client, placed):
    client.force_login(placed.ana)
    text = client.get(reverse("segments:segment", args=["vip"])).content.decode()
    assert "Boğaziçi" not in text
    assert "3,000" in text
    assert client.get(reverse("segments:overrides")).status_code == 403
    assert client.get(reverse("segments:place", args=[placed.boga.pk])).status_code == 404


def test_who_may_open_what(client, placed):
    pages = {"list": [], "segment": ["vip"], "progress": []}
    allowed = {placed.ada: 200, placed.mert: 200, placed.vera: 200, placed.ana: 200, placed.elif_: 403, placed.deniz: 403}
    for name, arguments in pages.items():
        address = reverse(f"segments:{name}", args=arguments)
        client.logout()
        assert client.get(address).status_code == 302
        for who, status in allowed.items():
            client.force_login(who)
            assert client.get(address).status_code == status, (name, who)


def test_only_those_who_lead_change_segments(client, placed):
    was = list(Segment.objects.values())
    for who in (placed.vera, placed.ana, placed.elif_, placed.deniz, None):
        client.logout()
        if who:
            client.force_login(who)
        expected = 403 if who else 302
        assert client.get(reverse("segments:new")).status_code == expected
        assert client.post(reverse("segments:new"), builder(name="Mine")).status_code == expected
        assert client.post(reverse("segments:edit", args=["vip"]), builder(name="Mine")).status_code == expected
        assert client.post(reverse("segments:move", args=["vip"]), {"way": "down"}).status_code == expected
        assert client.post(reverse("segments:delete", args=["potential"])).status_code == expected
    assert list(Segment.objects.values()) == was
    client.force_login(placed.ada)
    assert client.get(reverse("segments:move", args=["vip"])).status_code == 405


# ── The editor ───────────────────────────────────────────────────────────────


def test_a_preview_says_who_enters_and_why_and_saves_nothing(client, placed):
    client.force_login(placed.ada)
    response = client.post(reverse("segments:edit", args=["vip"]), builder(("mrr", "gte", "50"), do="preview", **{"try": "northgate"}))
    assert response.status_code == 200
    own = response.context["found"]["own"]
    assert (own["before"], own["after"], own["enter"], own["leave"], own["mrr_after"]) == (1, 2, 1, 0, 3_100_000_000)
    mover = response.context["found"]["movers"][0]
    assert (mover["account"], mover["after"]) == (placed.north, "VIP")
    assert [(reason.sentence, reason.value, reason.met) for reason in mover["reasons"]] == [("MRR is at least €50", "€100", True)]
    assert response.context["tried"]["account"] == placed.north
    assert vip().rule != VIP_FROM_50
    assert not SegmentMembership.objects.filter(account=placed.north, segment=vip()).exists()


def test_a_preview_names_only_accounts_the_reader_sees(client, placed):
    client.force_login(placed.mert)
    response = client.post(reverse("segments:edit", args=["vip"]), builder(("mrr", "gte", "50"), do="preview", **{"try": "northgate"}))
    assert response.context["found"]["own"]["enter"] == 1
    assert response.context["found"]["movers"] == []
    assert response.context["tried"] == {"account": None}


def test_a_preview_keeps_who_is_held_and_counts_no_one_who_left(placed):
    now = timezone.now()
    Account.objects.filter(pk=placed.boga.pk).update(churned_at=now - DAY)
    found = preview(with_change(segment=vip(), rule=None), now=now)
    assert sum(found.accounts.values()) == 1
    assert found.moving == 0


def test_saving_takes_the_rule_and_the_sweep_moves_accounts(client, placed):
    client.force_login(placed.mert)
    response = client.post(reverse("segments:edit", args=["vip"]), builder(("mrr", "gte", "50"), name="Stars", effort="42.5", do="save"))
    assert response.status_code == 302
    stored = vip()
    assert (stored.name, stored.rule, float(stored.effort_share), stored.version) == ("Stars", VIP_FROM_50, 0.425, 2)
    assert "begins within seconds" in client.get(reverse("segments:progress")).content.decode()
    now = timezone.now()
    sweep_everybody(as_of=now, now=now)
    assert Account.objects.get(pk=placed.north.pk).segment == stored
    assert "hx-get" not in client.get(reverse("segments:progress")).content.decode()


def test_two_who_edit_notice_each_other_and_nothing_is_lost_in_silence(client, placed):
    change_segment(segment=vip(), version=1, name="Their name", description="", rule=VIP_FROM_50, effort_share=None, actor=placed.ada, now=timezone.now())
    client.force_login(placed.mert)
    response = client.post(reverse("segments:edit", args=["vip"]), builder(("mrr", "gte", "70"), name="My name", do="save"))
    assert response.status_code == 409
    text = response.content.decode()
    assert "Somebody was faster" in text
    assert "Their name" in text
    assert "My name" in text
    assert 'value="2"' in text
    assert vip().name == "Their name"
    with pytest.raises(StaleSegment):
        change_segment(segment=vip(), version=1, name="Mine", description="", rule=None, effort_share=None, actor=placed.mert, now=timezone.now())


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (builder(("segment", "in", "core")), "rule"),
        (builder(("shoe_size", "gte", "40")), "rule"),
        (builder(("mrr", "gte", "many")), "rule"),
        (builder(("mrr", "gte", "5"), name=""), "name"),
        (builder(("mrr", "gte", "5"), name="core"), "name"),
        (builder(("mrr", "gte", "5"), effort="140"), "effort"),
    ],
)
def test_bad_input_is_refused_with_the_field_named_and_kept(client, placed, sent, field):
    was = list(Segment.objects.values())
    client.force_login(placed.ada)
    response = client.post(reverse("segments:edit", args=["vip"]), sent | {"do": "save"})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert list(Segment.objects.values()) == was


def test_a_rule_that_reads_segments_is_refused_below_the_page_too(placed):
    with pytest.raises(Refused) as refused:
        make_segment(
            name="Cycle", description="", rule={"all": [{"any": [{"field": "segment", "op": "in", "value": ["vip"]}]}]}, effort_share=None, actor=placed.ada, now=timezone.now()
        )
    assert refused.value.field == "rule"
    assert "all.0.any.0.field" in str(refused.value)


def test_a_button_of_the_builder_without_script_comes_back_with_the_change(client, placed):
    client.force_login(placed.ada)
    response = client.post(reverse("segments:new"), builder(("mrr", "gte", "5"), name="New one", **{"rule.do": "add:0"}))
    assert response.status_code == 200
    assert response.content.decode().count('name="rule.node"') == 3
    assert not Segment.objects.filter(name="New one").exists()


def test_a_new_segment_gets_a_key_and_the_last_place(client, placed):
    client.force_login(placed.ada)
    assert client.post(reverse("segments:new"), builder(("country", "eq", "TR"), name="Türkiye’dekiler", do="save", version="")).status_code == 302
    made = Segment.objects.order_by("-position").first()
    assert (made.key, made.position) == ("turkiyedekiler", 50)
    assert make_segment(name="New", description="", rule=None, effort_share=None, actor=placed.ada, now=timezone.now()).key == "new_2"


def test_moving_changes_the_order_and_stops_at_the_ends(client, placed):
    client.force_login(placed.ada)
    client.post(reverse("segments:move", args=["potential"]), {"way": "up"})
    assert list(Segment.objects.values_list("key", flat=True)) == ["vip", "potential", "core", "non_core"]
    assert not move_segment(segment=vip(), up=True, actor=placed.ada, now=timezone.now())
    client.post(reverse("segments:move", args=["vip"]), {"way": "down"})
    assert list(Segment.objects.values_list("key", "position")) == [("potential", 10), ("vip", 20), ("core", 30), ("non_core", 40)]


def test_only_a_segment_nobody_is_or_was_in_and_nothing_asks_about_can_go(client, placed):
    client.force_login(placed.ada)
    response = client.post(reverse("segments:delete", args=["vip"]), follow=True)
    assert "their history keeps it" in response.content.decode()
    HealthModel.objects.get().segments.add(Segment.objects.get(key="core"))
    with pytest.raises(Refused):
        delete_segment(segment=Segment.objects.get(key="core"), actor=placed.ada, now=timezone.now())
    client.post(reverse("segments:delete", args=["potential"]))
    assert list(Segment.objects.values_list("key", flat=True)) == ["vip", "core", "non_core"]


# ── One account ──────────────────────────────────────────────────────────────


def test_a_csm_holds_an_account_of_the_own_book_with_reason_and_end_and_gives_it_back(client, placed):
    client.force_login(placed.elif_)
    until = timezone.localdate() + 30 * DAY
    response = client.post(reverse("segments:override", args=[placed.boga.pk]), {"segment": "core", "reason": "They asked for calm", "until": until.isoformat()}, headers=HTMX)
    assert response.status_code == 200
    assert "They asked for calm" in response.content.decode()
    row = SegmentMembership.objects.get(account=placed.boga, valid_to=None)
    assert (row.segment.key, row.reason, row.note, row.set_by, row.is_override) == ("core", "override", "They asked for calm", placed.elif_, True)
    assert row.override_until == dt.datetime.combine(until + DAY, dt.time(), timezone.get_default_timezone())
    client.force_login(placed.vera)
    assert "They asked for calm" in client.get(reverse("segments:overrides")).content.decode()
    client.force_login(placed.elif_)
    client.post(reverse("segments:clear", args=[placed.boga.pk]), headers=HTMX)
    assert Account.objects.get(pk=placed.boga.pk).segment == vip()
    moves = list(AccountEvent.objects.filter(account=placed.boga, kind="segment.changed").order_by("pk").values_list("payload__segment_before", "payload__segment", "actor_id"))
    assert moves[1:] == [("vip", "core", placed.elif_.pk), ("core", "vip", placed.elif_.pk)]
    assert "Nothing is held" in client.get(reverse("segments:overrides")).content.decode()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"segment": "core", "reason": " "}, "reason"),
        ({"segment": "", "reason": "because"}, "segment"),
        ({"segment": "core", "reason": "because", "until": "2020-01-01"}, "until"),
        ({"segment": "core", "reason": "because", "until": "soon"}, "until"),
    ],
)
def test_an_override_that_cannot_stand_is_refused_at_its_field_and_kept(client, placed, sent, field):
    was = list(SegmentMembership.objects.values())
    client.force_login(placed.elif_)
    response = client.post(reverse("segments:override", args=[placed.boga.pk]), sent)
    assert response.status_code == 422
    assert response.context["refused"].field == field
    assert f'id="place-{field}-error"' in response.content.decode()
    assert list(SegmentMembership.objects.values()) == was


def test_other_books_are_not_there_and_readers_do_not_write(client, placed):
    was = list(SegmentMembership.objects.values())
    body = {"segment": "core", "reason": "because"}
    for who, account, status in ((placed.elif_, placed.north, 404), (placed.vera, placed.boga, 404), (placed.ana, placed.boga, 404), (placed.deniz, placed.boga, 404)):
        client.force_login(who)
        assert client.post(reverse("segments:override", args=[account.pk]), body).status_code == status
        assert client.post(reverse("segments:clear", args=[account.pk])).status_code == status
    client.logout()
    assert client.get(reverse("segments:place", args=[placed.boga.pk])).status_code == 302
    assert client.post(reverse("segments:override", args=[placed.boga.pk]), body).status_code == 302
    client.force_login(placed.elif_)
    assert client.get(reverse("segments:place", args=[placed.north.pk])).status_code == 404
    assert client.get(reverse("segments:override", args=[placed.boga.pk])).status_code == 405
    assert list(SegmentMembership.objects.values()) == was


def test_the_page_of_an_account_says_what_each_rule_asks_and_what_it_has(client, placed):
    client.force_login(placed.vera)
    response = client.get(reverse("segments:place", args=[placed.north.pk]))
    first = response.context["why"][0]
    assert (first["segment"].key, [(reason.sentence, reason.value, reason.met) for reason in first["reasons"]][1]) == ("vip", ("MRR is at least €2,500", "€100", False))
    assert "takes it" in response.content.decode()
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("segments:place", args=[placed.north.pk]), headers=HTMX)
    assert len(asked) <= 12
    client.force_login(placed.elif_)
    assert reverse("segments:place", args=[placed.boga.pk]) in client.get(placed.boga.get_absolute_url()).content.decode()
