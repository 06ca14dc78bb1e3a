"""How long things took on a ticket: every second lies in one state, in either kind of seconds."""

import datetime as dt

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api_client import ApiClient
from tests.tickets.test_clock import BERLIN, HOUR, LUNCH, OFFICE, WEEKS, at
from tickets.actions import messages, tickets
from tickets.actions.merging import merge
from tickets.clock import calendar_seconds, elapsed
from tickets.models import BusinessHours, Ticket, TicketChange
from tickets.queries import ticket_times
from tickets.state import MOVES, RESOLVED_STATES
from tickets.times import Lasted, Log, times

WAITS = ("requester_wait", "agent_wait", "on_hold", "stood_resolved")


def of(opened, *moves, hours=None, **rest):
    before, log = "new", []
    for instant, after in moves:
        log.append((instant, before, after))
        before = after
    return times(Log(opened, before, moves=log, **rest), hours=hours)


def test_a_ticket_over_a_weekend_in_both_kinds_of_seconds():
    # Friday 16:30 opened, answered at 16:45 and waiting since, answered by the customer on Monday at 9, on hold 10 to 12, solved at 13
    friday = at(2026, 3, 6, 16, 30)
    found = of(
        friday, (at(2026, 3, 6, 16, 45), "pending"), (at(2026, 3, 9, 9), "open"), (at(2026, 3, 9, 10), "on_hold"), (at(2026, 3, 9, 12), "open"),
        (at(2026, 3, 9, 13), "solved"), hours=OFFICE, first_replied_at=at(2026, 3, 6, 16, 45),
    )  # fmt: skip
    assert found.first_reply == Lasted(900, 900)
    assert found.requester_wait == Lasted(900 + 2 * HOUR, 900 + 2 * HOUR)
    assert found.agent_wait == Lasted(64 * HOUR + 900, 900)
    assert found.on_hold == Lasted(2 * HOUR, 2 * HOUR)
    assert found.stood_resolved == Lasted(0, 0)
    assert found.first_resolution == found.full_resolution == Lasted(68 * HOUR + 1800, 4 * HOUR + 1800)


def test_an_hour_from_friday_half_past_four_ends_on_monday_half_past_nine():
    found = of(at(2026, 3, 6, 16, 30), (at(2026, 3, 9, 9, 30), "solved"), hours=OFFICE)
    assert found.full_resolution == Lasted(65 * HOUR, HOUR)


def test_lunch_is_nobodys_time():
    assert of(at(2026, 3, 9, 11, 30), (at(2026, 3, 9, 13, 30), "solved"), hours=LUNCH).requester_wait == Lasted(2 * HOUR, HOUR)


def test_nothing_has_a_length_before_it_ended():
    found = of(at(2026, 3, 9, 9))
    assert [length for _name, length in found.named()] == [None] * 7
    waiting = of(at(2026, 3, 9, 9), (at(2026, 3, 9, 10), "pending"))
    assert (waiting.requester_wait, waiting.agent_wait, waiting.full_resolution) == (Lasted(HOUR, HOUR), None, None)


def test_a_reopening_takes_the_full_resolution_back_and_keeps_the_first():
    opened = at(2026, 3, 9, 9)
    again = of(opened, (at(2026, 3, 9, 10), "solved"), (at(2026, 3, 9, 13), "open"))
    assert (again.first_resolution, again.full_resolution, again.stood_resolved) == (Lasted(HOUR, HOUR), None, Lasted(3 * HOUR, 3 * HOUR))
    # solved again at 14 and closed at 20: closing ends nothing
    over = of(opened, (at(2026, 3, 9, 10), "solved"), (at(2026, 3, 9, 13), "open"), (at(2026, 3, 9, 14), "solved"), (at(2026, 3, 9, 20), "closed"))
    assert (over.first_resolution, over.full_resolution) == (Lasted(HOUR, HOUR), Lasted(5 * HOUR, 5 * HOUR))
    assert (over.requester_wait, over.stood_resolved) == (Lasted(2 * HOUR, 2 * HOUR), Lasted(3 * HOUR, 3 * HOUR))


def test_an_import_of_present_states_knows_its_only_resolution():
    opened, solved = at(2026, 3, 9, 9), at(2026, 3, 9, 10)
    known = times(Log(opened, "closed", resolved_at=solved), hours=None)
    assert (known.first_resolution, known.full_resolution, known.requester_wait) == (Lasted(HOUR, HOUR), Lasted(HOUR, HOUR), None)
    assert times(Log(opened, "solved", resolved_at=solved, reopened=True), hours=None).first_resolution is None
    assert times(Log(opened, "open", resolved_at=solved), hours=None).full_resolution is None


def test_a_log_that_begins_after_the_end_tells_no_waits():
    found = times(Log(at(2026, 3, 9, 9), "open", moves=[(at(2026, 3, 9, 12), "solved", "open")]), hours=None)
    assert (found.requester_wait, found.first_resolution) == (None, None)


@st.composite
def lives(draw):
    """A ticket's life by the table of moves, over the days on which the clocks change."""
    clock = opened = draw(st.datetimes(dt.datetime(2026, 3, 20), dt.datetime(2026, 11, 1), timezones=st.just(BERLIN)))
    state, moves = "new", []
    for _step in range(draw(st.integers(0, 12))):
        if not MOVES[state]:
            break
        after = draw(st.sampled_from(sorted(MOVES[state])))
        clock = (clock.astimezone(dt.UTC) + dt.timedelta(seconds=draw(st.integers(0, 12 * 86400)))).astimezone(BERLIN)
        moves.append((clock, state, after))
        state = after
    return Log(opened, state, moves=moves, first_replied_at=clock)


@settings(max_examples=150, deadline=None)
@given(log=lives(), hours=WEEKS)
def test_the_waits_are_the_full_resolution_and_never_negative(log, hours):
    found = times(log, hours=hours)
    for _name, length in found.named():
        assert length is None or 0 <= length.business <= length.calendar
    assert found.first_reply == Lasted(calendar_seconds(log.opened_at, log.first_replied_at), elapsed(log.opened_at, log.first_replied_at, hours=hours))
    if log.status in RESOLVED_STATES:
        waits = [getattr(found, name) for name in WAITS]
        assert found.full_resolution == sum(waits[1:], waits[0])
        assert found.first_resolution.calendar <= found.full_resolution.calendar
    else:
        assert found.full_resolution is None
        last = log.moves[-1][0] if log.moves else log.opened_at
        ended = [length.calendar for name in WAITS if (length := getattr(found, name))]
        assert sum(ended) == calendar_seconds(log.opened_at, last)


NOW = dt.datetime(2026, 3, 6, 15, 30, tzinfo=dt.UTC)


@pytest.mark.django_db
class TestOfATicket:
    def test_the_log_of_a_real_ticket_in_the_hours_at_its_opening(self, cast, django_assert_max_num_queries):
        for weekday in range(1, 6):
            BusinessHours.objects.create(weekday=weekday, opens=dt.time(9), closes=dt.time(17), time_zone="Europe/Berlin")
        ticket = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", now=NOW)[0]
        monday = dt.datetime(2026, 3, 9, 8, 30, tzinfo=dt.UTC)
        messages.reply(ticket_id=ticket.pk, body="Bakıyoruz", author=None, author_kind="bot", now=NOW + dt.timedelta(minutes=1))
        messages.reply(ticket_id=ticket.pk, body="Çözdük", author=cast.deniz, solve=True, now=monday)
        ticket.refresh_from_db()
        with django_assert_max_num_queries(5):
            found = ticket_times(ticket)
        # half an hour of Friday and half an hour of Monday
        assert found.first_reply == found.full_resolution == Lasted(65 * HOUR, HOUR)

    def test_the_comment_by_which_an_agent_opens_a_ticket_is_no_reply(self, cast):
        ticket = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", body="Gördük", created_by_kind="agent", actor=cast.deniz, now=NOW)[0]
        assert ticket_times(ticket).first_reply is None
        messages.reply(ticket_id=ticket.pk, body="Haber", author=cast.deniz, now=NOW + dt.timedelta(hours=1))
        ticket.refresh_from_db()
        assert ticket_times(ticket).first_reply == Lasted(HOUR, HOUR)

    def test_a_survivor_answers_for_what_was_merged_into_it(self, cast):
        old = tickets.open_ticket(account_id=cast.boga.pk, subject="Eski", now=NOW)[0]
        survivor = tickets.open_ticket(account_id=cast.boga.pk, subject="Yeni", now=NOW + dt.timedelta(hours=1))[0]
        # as an import leaves it: merged, and each with a log of its own
        TicketChange.objects.create(ticket=old, kind="public_reply", actor_kind="agent", occurred_at=NOW + dt.timedelta(minutes=10))
        Ticket.objects.filter(pk=old.pk).update(merged_into=survivor, status="cancelled")
        assert ticket_times(survivor).first_reply == Lasted(600, 600)
        third = tickets.open_ticket(account_id=cast.boga.pk, subject="Son", now=NOW + dt.timedelta(hours=2))[0]
        merge(ticket_id=survivor.pk, into_id=third.pk, now=timezone.now())
        third.refresh_from_db()
        assert ticket_times(third).first_reply == Lasted(600, 600)

    def test_the_api_tells_them_and_hides_the_tickets_of_others(self, cast):
        ticket = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", now=NOW)[0]
        tickets.move_ticket(ticket_id=ticket.pk, to="pending", now=NOW + dt.timedelta(hours=1))
        tickets.move_ticket(ticket_id=ticket.pk, to="solved", now=NOW + dt.timedelta(hours=3))
        address = f"/tickets/{ticket.pk}/times/"
        assert ApiClient(cast.deniz).get(address).json() == {
            "first_reply": None, "requester_wait": {"calendar": HOUR, "business": HOUR}, "agent_wait": {"calendar": 2 * HOUR, "business": 2 * HOUR},
            "on_hold": {"calendar": 0, "business": 0}, "stood_resolved": {"calendar": 0, "business": 0},
            "first_resolution": {"calendar": 3 * HOUR, "business": 3 * HOUR}, "full_resolution": {"calendar": 3 * HOUR, "business": 3 * HOUR},
        }  # fmt: skip
        assert ApiClient(cast.can).get(address).status_code == 404
