"""What results count: scales apart, the latest answer, periods, filters, groups that add up, accounts and revenue."""

import datetime as dt
import zoneinfo
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AccountSnapshot, Contact, Segment, SegmentMembership
from surveys.models import Response, Survey, Touchpoint
from surveys.periods import PRESETS, named
from surveys.queries.reach import bias, reweighted, silent, unasked, why_unasked
from surveys.queries.results import accounts, asked, breakdown, scale_groups, together, trend
from surveys.queries.results_filter import ResultsFilter, read_scale, scale_name
from surveys.queries.results_overview import all_surveys
from surveys.queries.results_rows import answer_rows, ask_rows, never_rows, read_show
from surveys.scoring import Scale
from tests.surveys.making import planned

pytestmark = pytest.mark.django_db
ZONE = zoneinfo.ZoneInfo("Europe/Istanbul")
TODAY = dt.date(2026, 3, 15)
NOW = dt.datetime(2026, 3, 15, 12, tzinfo=dt.UTC)
AT = dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)
ELEVEN = Scale(0, 10)


def chosen(**query):
    return ResultsFilter.read({name: str(value) for name, value in query.items()}, today=TODAY, zone=ZONE)


def nps_survey():
    return Survey.objects.get(key="nps")


def respond(score, contact=None, *, at=AT, survey="nps", scale=(0, 10), **more):
    found = Survey.objects.get(key=survey)
    return Response.objects.create(
        survey=found, kind=found.kind, score=score, scale_min=scale[0], scale_max=scale[1], answered_at=at, contact=contact, account=contact.account if contact else None, **more
    )


def people(account, count, **fields):
    return [
        Contact.objects.create(external_id=f"{account.external_id}-{n}", account=account, email=f"p{n}@{account.external_id}.test", name=f"P {n}", **fields) for n in range(count)
    ]


def weigh(account, micros):
    AccountSnapshot.objects.filter(account=account).update(mrr_micros=micros)


def counts(user, **query):
    return {name: group.now for name, group in scale_groups(user, chosen(**query), survey=nps_survey()).items() if group.now}


def test_scales_stand_apart_and_invalid_answers_are_counted_beside(cast):
    respond(9, cast.selin)
    respond(9, cast.selin, scale=(1, 10))
    respond(11, cast.harry)
    groups = scale_groups(cast.ada, chosen(), survey=nps_survey())
    assert {name: (group.now, group.invalid) for name, group in groups.items()} == {"0-10": ({9: 1}, 1), "1-10": ({9: 1}, 0)}


def test_the_latest_answer_of_a_person_counts_in_the_period_and_for_itself_before(cast):
    respond(2, cast.selin, at=AT - dt.timedelta(days=1))
    respond(10, cast.selin)
    respond(0, cast.selin, at=AT - dt.timedelta(days=100))
    group = scale_groups(cast.ada, chosen(), survey=nps_survey())["0-10"]
    assert (group.now, group.before) == ({10: 1}, {0: 1})


def test_an_object_rated_twice_counts_once(cast):
    respond(1, cast.selin, survey="csat", scale=(1, 5), ticket_id=7, at=AT - dt.timedelta(hours=1))
    respond(5, cast.harry, survey="csat", scale=(1, 5), ticket_id=7)
    respond(4, cast.harry, survey="csat", scale=(1, 5))
    group = scale_groups(cast.ada, chosen(), survey=Survey.objects.get(key="csat"))["1-5"]
    assert group.now == {5: 1, 4: 1}
    assert [reading.name for reading in group.readings] == ["top2_share", "mean"]


def test_answers_that_count_nowhere(cast):
    for fields in ({"is_suspect": True}, {"respondent": "other"}, {"test": True}):
        respond(0, cast.selin, **fields)
    cast.north.excluded = True
    cast.north.save()
    respond(0, cast.harry)
    assert counts(cast.ada) == {}


def test_each_filter_narrows(cast):
    vip = Segment.objects.get(key="vip")
    SegmentMembership.objects.create(account=cast.boga, segment=vip, valid_from=AT - dt.timedelta(days=9), valid_to=AT + dt.timedelta(days=1))
    touchpoint = Touchpoint.objects.get(key="relationship-nps")
    respond(10, cast.selin, language="tr", touchpoint=touchpoint)
    respond(3, cast.harry, language="en", touchpoint_label="fair")
    respond(7)
    one, other, nobody = {"0-10": {10: 1}}, {"0-10": {3: 1}}, {"0-10": {7: 1}}
    for query, expected in (
        ({"segment": "vip"}, one), ({"language": "tr"}, one), ({"touchpoint": "relationship-nps"}, one), ({"touchpoint": "fair"}, other),
        ({"touchpoint": "none"}, nobody), ({"owner": cast.can.pk}, other), ({"account": cast.boga.pk}, one), ({"language": "none"}, nobody),
        ({"segment": "none"}, {"0-10": {3: 1, 7: 1}}), ({"from": "2026-03-03", "until": "2026-03-03"}, {"0-10": {10: 1, 3: 1, 7: 1}}), ({"from": "2026-03-04", "until": "2026-03-09"}, {}),
    ):  # fmt: skip
        assert counts(cast.ada, **query) == expected, query


def test_everybody_counts_what_they_may_see_and_analysts_everything(cast):
    respond(10, cast.selin)
    respond(3, cast.harry)
    respond(7)
    mine, theirs, every = {"0-10": {10: 1}}, {"0-10": {3: 1}}, {"0-10": {10: 1, 3: 1, 7: 1}}
    for user, expected in ((cast.elif_, mine), (cast.mert, mine), (cast.can, theirs), (cast.ada, every), (cast.vera, every), (cast.ana, every), (cast.deniz, {})):
        assert counts(user) == expected, user


def test_days_are_cut_in_the_organisations_zone(cast):
    respond(10, cast.selin, at=dt.datetime(2026, 2, 28, 20, 59, tzinfo=dt.UTC))
    respond(0, cast.harry, at=dt.datetime(2026, 2, 28, 21, 0, tzinfo=dt.UTC))
    assert counts(cast.ada, **{"from": "2026-03-01", "until": "2026-03-31"}) == {"0-10": {0: 1}}


def test_a_preset_picked_in_a_form_wins_over_the_days_it_sends_along():
    days = {"from": "2026-01-01", "until": "2026-01-31"}
    assert chosen(period="30d", was="", **days).period.name == "30d"
    assert chosen(period="90d", was="90d", **days).period.last == dt.date(2026, 1, 31)
    assert chosen(**{"from": "2026-03-01"}).period.last == TODAY
    assert chosen(until="2026-01-31").period.days == 90


def test_calendar_periods_compare_with_the_one_before():
    found = named("last_quarter", today=TODAY, zone=ZONE)
    assert (found.first, found.after, found.before) == (dt.date(2025, 10, 1), dt.date(2026, 1, 1), (dt.date(2025, 7, 1), dt.date(2025, 10, 1)))
    assert named("90d", today=TODAY, zone=ZONE).days == 90


@given(st.sampled_from(PRESETS), st.dates(dt.date(2001, 1, 1), dt.date(2100, 1, 1)))
def test_every_preset_holds_its_last_day_and_touches_the_one_before(name, today):
    found = named(name, today=today, zone=ZONE)
    assert found.first <= found.last < found.after
    assert found.before is None or found.before[0] < found.before[1] == found.first


@given(
    st.dictionaries(
        st.sampled_from(["period", "from", "until", "touchpoint", "segment", "owner", "language", "account", "scale", "by", "step"]),
        st.one_of(st.text(max_size=12), st.sampled_from(["2026-01-01", "2025-12-31", "30d", "vip", "7", "none", "1-5-low", "week", "owner", "²", "9" * 18])),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_address_is_read_and_written_back_the_same(query):
    once = ResultsFilter.read(query, today=TODAY, zone=ZONE)
    again = ResultsFilter.read(dict(parse_qsl(once.query(), keep_blank_values=True)), today=TODAY, zone=ZONE)
    assert again == once


@given(st.integers(0, 20), st.integers(1, 20), st.booleans())
def test_a_scale_in_an_address_is_the_scale(low, length, good):
    scale = Scale(low, low + length, good)
    assert read_scale(scale_name(scale)) == scale


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-1, 11), st.sampled_from(["tr", "en", ""]), st.integers(0, 80)), max_size=25))
def test_parts_sum_to_the_whole(cast, answers):
    """Without contacts each answer stands for itself, so scores, groups and pieces must all add up to it."""
    Response.objects.all().delete()
    for score, language, days in answers:
        respond(score, language=language, at=AT - dt.timedelta(days=days))
    valid = [score for score, _language, days in answers if 0 <= score <= 10]
    picked = chosen(by="language", **{"from": "2025-12-01", "until": "2026-03-15"})
    group = scale_groups(cast.ada, picked, survey=nps_survey()).get("0-10")
    assert (group.answers if group else 0) == len(valid)
    assert sum(part.readings[0].answers for part in breakdown(cast.ada, picked, survey=nps_survey(), scale=ELEVEN)) == len(valid)
    assert sum(piece.reading.answers for piece in trend(cast.ada, picked, survey=nps_survey(), scale=ELEVEN)) == len(valid)
    for name in ("answers", "good", "pass", "risk"):
        rows = answer_rows(cast.ada, chosen(scale="0-10", **{"from": "2025-12-01", "until": "2026-03-15"}), survey=nps_survey(), show=read_show(name), mark="", size=100).rows
        expected = {"answers": valid, "good": [s for s in valid if s > 8], "pass": [s for s in valid if 6 < s < 9], "risk": [s for s in valid if s < 7]}[name]
        assert sorted(row.score for row in rows) == sorted(expected)


def test_the_trend_leaves_gaps_open(cast):
    for week in (0, 0, 3):
        respond(9, at=AT - dt.timedelta(weeks=week))
    pieces = trend(cast.ada, chosen(), survey=nps_survey(), scale=ELEVEN)
    assert [piece.reading.answers for piece in pieces] == [1, 0, 0, 2]
    assert pieces[-1].first == dt.date(2026, 3, 2)
    assert [piece.first.day for piece in trend(cast.ada, chosen(step="month"), survey=nps_survey(), scale=ELEVEN)] == [1, 1]


def test_from_ask_to_answer_and_reminders(cast):
    nps = nps_survey()
    sent = {"survey": "nps", "touchpoint": None, "at": AT, "sent_at": AT, "status": "sent"}
    first = planned(cast.selin, wave="1", **{**sent, "status": "answered", "reminded_at": AT + dt.timedelta(days=2)})
    respond(9, cast.selin, invitation=first, at=AT + dt.timedelta(days=3), state="partial")
    planned(cast.selin, wave="2", reminded_at=AT + dt.timedelta(days=1), **sent)
    planned(cast.harry, wave="3", bounced_at=AT, **sent)
    respond(None, cast.harry, at=None, invited_at=AT)
    found = asked(cast.ada, chosen(), chosen().period.span, survey=nps)
    assert (found.sent, found.bounced, found.delivered, found.answered, found.partial, found.unanswered) == (4, 1, 3, 1, 1, 2)
    assert (found.reminded, found.after_reminder, found.rate, found.reminder_rate) == (2, 1, Decimal(1) / 3, Decimal("0.5"))
    for name, expected in (("sent", 4), ("bounced", 1), ("delivered", 3), ("answered", 1), ("partial", 1), ("unanswered", 2), ("reminded", 2), ("after-reminder", 1)):
        assert len(ask_rows(cast.ada, chosen(), survey=nps, show=read_show(name), mark="").rows) == expected, name
    assert asked(cast.elif_, chosen(), chosen().period.span, survey=nps).sent == 2
    for dimension in ("segment", "owner", "language", "touchpoint"):
        assert together(breakdown(cast.ada, chosen(by=dimension), survey=nps, scale=ELEVEN)) == found


def test_an_account_votes_once_and_money_weighs(cast):
    """Boğaziçi: three promoters and one detractor (mean 1/2), 9,000 a month; Northgate: one detractor, 1,000."""
    for person, score in zip(people(cast.boga, 4), (9, 9, 10, 0), strict=True):
        respond(score, person)
    respond(2, cast.harry)
    weigh(cast.boga, 9_000_000_000)
    weigh(cast.north, 1_000_000_000)
    found = accounts(cast.ada, chosen(), survey=nps_survey(), scale=ELEVEN)
    assert (found.answered, found.with_revenue) == (2, 2)
    assert round(found.each.value, 9) == Decimal(-25)
    assert round(found.by_revenue.value, 9) == Decimal(35)
    assert round(found.by_revenue.effective, 6) == round(Decimal(100) / 82, 6)


def test_with_equal_money_and_one_answer_each_all_three_are_the_plain_nps(cast):
    respond(9, cast.selin)
    respond(2, cast.harry)
    weigh(cast.boga, 5_000_000)
    weigh(cast.north, 5_000_000)
    found = accounts(cast.ada, chosen(), survey=nps_survey(), scale=ELEVEN)
    plain = scale_groups(cast.ada, chosen(), survey=nps_survey())["0-10"].readings[0]
    assert found.each.value == found.by_revenue.value == plain.value == 0
    assert found.by_revenue.effective == 2


def test_who_has_no_revenue_weighs_nothing(cast):
    respond(9, cast.selin)
    weigh(cast.boga, 0)
    found = accounts(cast.ada, chosen(), survey=nps_survey(), scale=ELEVEN)
    assert (found.each.value, found.by_revenue, found.with_revenue) == (100, None, 0)


def test_never_asked_and_why(cast):
    nps = nps_survey()
    weigh(cast.boga, 6_000_000)
    weigh(cast.north, 2_000_000)
    planned(cast.selin, survey="nps", touchpoint=None, at=AT, sent_at=AT, status="sent")
    planned(cast.harry, survey="nps", touchpoint="relationship-nps", at=AT, status="skipped", skip_reason="sampled_out")
    mute = Contact.objects.create(external_id="mute", account=cast.north, email="", name="No Address")
    other = Contact.objects.create(external_id="other", account=cast.north, email="o@north.test", name="Other")
    found = unasked(cast.ada, chosen(), survey=nps, now=NOW)
    assert [(row.segment, row.contacts, row.never_contacts, row.accounts, row.never_accounts, row.mrr_share) for row in found] == [(None, 4, 3, 2, 1, Decimal("0.25"))]
    assert why_unasked(cast.ada, chosen(), survey=nps, now=NOW) == [("no_address", 1), ("not_considered", 1), ("sampled_out", 1)]
    rows = never_rows(cast.ada, chosen(), survey=nps, show=read_show("never"), mark="", now=NOW).rows
    assert {(row.row.pk, row.reason) for row in rows} == {(cast.harry.pk, "sampled_out"), (mute.pk, "no_address"), (other.pk, "not_considered")}
    assert [row.row.pk for row in never_rows(cast.ada, chosen(), survey=nps, show=read_show("never", "no_address"), mark="", now=NOW).rows] == [mute.pk]
    assert unasked(cast.elif_, chosen(), survey=nps, now=NOW)[0].never_contacts == 0
    # longer ago than 12 months is never
    assert sum(row.never_contacts for row in unasked(cast.ada, chosen(), survey=nps, now=NOW + dt.timedelta(days=400))) == 4


def test_bias_and_silence(cast):
    vip = Segment.objects.get(key="vip")
    cast.boga.segment_history.create(segment=vip, valid_from=AT - dt.timedelta(days=99))
    type(cast.boga).objects.filter(pk=cast.boga.pk).update(segment=vip)
    weigh(cast.boga, 6_000_000)
    weigh(cast.north, 2_000_000)
    people(cast.north, 3)
    respond(9, cast.selin)
    planned(cast.harry, survey="nps", touchpoint=None, at=AT, sent_at=AT, status="sent")
    found = bias(cast.ada, chosen(), survey=nps_survey(), now=NOW)
    segments = {row.key: (row.base, row.asked, row.answered) for row in found["segment"]}
    assert segments == {None: (4, 1, 0), "vip": (1, 1, 1)}
    assert all(sum(row.base for row in rows) == 5 for rows in found.values())
    assert {row.key: row.base for row in found["language"]} == {"tr": 1, "en": 4}
    nobody = silent(cast.ada, chosen(), survey=nps_survey())
    assert (nobody.silent_accounts, nobody.mrr_share) == (1, Decimal("0.25"))
    weighted = reweighted(cast.ada, chosen(), survey=nps_survey(), scale=ELEVEN, contacts={row.key: row.base for row in found["segment"]})
    assert (weighted.value, weighted.covered) == (100, Decimal("0.2"))


def test_all_surveys_side_by_side(cast):
    respond(9, cast.selin)
    respond(5, cast.selin, survey="csat", scale=(1, 5))
    lines = {line.survey.key: line for line in all_surveys(cast.ada, chosen())}
    assert (lines["nps"].scales[0].now, lines["csat"].scales[0].now, lines["ces"].scales) == ({9: 1}, {5: 1}, [])


def test_rows_page_without_gaps(cast):
    for number in range(130):
        respond(number % 11, at=AT - dt.timedelta(minutes=number // 3))
    seen, mark = [], ""
    while True:
        page = answer_rows(cast.ada, chosen(), survey=nps_survey(), show=read_show("answers"), mark=mark)
        seen += [row.pk for row in page.rows]
        mark = page.mark
        if not mark:
            break
    assert len(seen) == len(set(seen)) == 130
