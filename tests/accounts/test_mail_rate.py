"""The rate of mails, pure: whatever senders ask for and whenever, no stretch of time holds more than the rate allows."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.mail_rate import FIRST_REST, LONGEST_REST, PATIENCE, Bucket, longer_rest, receiving_domain, slots

NOW = dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)
TODAY, TOMORROW = NOW.date(), dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
ASKS = st.lists(st.tuples(st.floats(0, 5), st.lists(st.sampled_from(["a", "b", "c"]), max_size=40)), max_size=12)
RATES = st.one_of(st.none(), st.floats(0.2, 200))


def ask(buckets, domains, *, at, **rest):
    wanted = [["all", domain] if domain in buckets else ["all"] for domain in domains]
    return slots(buckets, wanted, now=at, today=at.date(), next_day=dt.datetime.combine(at.date() + dt.timedelta(days=1), dt.time(), dt.UTC), **rest)


def most_within(instants, seconds):
    instants = sorted(instants)
    return max((sum(1 for other in instants[number:] if (other - start).total_seconds() < seconds) for number, start in enumerate(instants)), default=0)


@settings(max_examples=200, deadline=None)
@given(asks=ASKS, rate=st.floats(0.2, 200), own=st.tuples(RATES, RATES, RATES))
def test_no_stretch_of_time_holds_more_than_the_rate(asks, rate, own):
    buckets = {"all": Bucket("all", rate=rate), **{name: Bucket(name, rate=each) for name, each in zip("abc", own, strict=True)}}
    at, left = NOW, []
    for pause, domains in asks:
        at += dt.timedelta(seconds=pause)
        given_slots = ask(buckets, domains, at=at)
        left += [(slot.at, domain) for slot, domain in zip(given_slots, domains, strict=True) if not slot.reason]
        assert all(slot.at >= at for slot in given_slots)
        assert all(slot.at - at <= PATIENCE for slot in given_slots if not slot.reason)
    for name, limit in [("all", rate), *zip("abc", own, strict=True)]:
        instants = [instant for instant, domain in left if name in ("all", domain)]
        for seconds in (0.5, 1, 3, 20):
            if limit is not None:
                assert most_within(instants, seconds) <= limit * seconds + 1.001


@settings(max_examples=100, deadline=None)
@given(asks=ASKS, per_day=st.integers(0, 60))
def test_a_day_holds_no_more_than_its_number(asks, per_day):
    buckets = {"all": Bucket("all", rate=1000, per_day=per_day)}
    counted = {}
    for number, (_pause, domains) in enumerate(asks):
        at = NOW + dt.timedelta(days=number // 3)
        for slot in ask(buckets, domains, at=at, urgent=True):
            if not slot.reason:
                counted[at.date()] = counted.get(at.date(), 0) + 1
            else:
                assert slot.reason == "day_full"
                assert slot.at.date() == at.date() + dt.timedelta(days=1)
    assert all(count <= per_day for count in counted.values())


def test_surveys_leave_two_of_a_hundred_mails_a_day_to_replies():
    bucket = {"all": Bucket("all", rate=1000, per_day=100)}
    surveys = ask(bucket, ["x"] * 110, at=NOW)
    assert sum(not slot.reason for slot in surveys) == 98
    replies = ask(bucket, ["x"] * 10, at=NOW + dt.timedelta(minutes=5), urgent=True)
    assert [slot.reason for slot in replies] == ["", ""] + ["day_full"] * 8


def test_what_gets_no_slot_comes_again_one_after_the_other():
    given_slots = ask({"all": Bucket("all", rate=1)}, ["x"] * 14, at=NOW)
    assert [slot.reason for slot in given_slots] == [""] * 11 + ["rate"] * 3
    assert [round((slot.at - NOW).total_seconds()) for slot in given_slots] == list(range(14))


def test_a_slow_receiver_does_not_keep_the_others_waiting():
    buckets = {"all": Bucket("all", rate=10), "a": Bucket("a", rate=0.5)}
    given_slots = ask(buckets, ["a", "a", "b", "b", "a", "b"], at=NOW)
    assert [slot.reason for slot in given_slots] == ["", "rate", "", "", "rate", ""]
    assert [(slot.at - NOW).total_seconds() for slot in given_slots] == [0, 2, 0.1, 0.2, 4, 0.3]


def test_slots_passed_over_for_a_slower_receiver_go_to_others():
    buckets = {"all": Bucket("all", rate=10), "a": Bucket("a", rate=2)}
    given_slots = ask(buckets, ["a", "a", "b", "b"], at=NOW)
    assert [(slot.at - NOW).total_seconds() for slot in given_slots] == [0, 0.5, 0.1, 0.2]


def test_a_resting_bucket_lets_nothing_pass_and_takes_nothing():
    until = NOW + dt.timedelta(seconds=30)
    buckets = {"all": Bucket("all", rate=10), "a": Bucket("a", rests_until=until)}
    first, second = ask(buckets, ["a", "b"], at=NOW)
    assert (first.reason, first.at) == ("rests", until)
    assert (second.reason, second.at, buckets["all"].sent_today) == ("", NOW, 1)
    assert ask(buckets, ["a"], at=until)[0].reason == ""


def test_a_rate_of_nothing_waits_for_another_day():
    assert ask({"all": Bucket("all", rate=0)}, ["x"], at=NOW)[0].at == TOMORROW


def test_rests_double_up_to_the_longest():
    rests, last = [], 0
    for _ in range(8):
        last = longer_rest(last)
        rests.append(last)
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300]
    assert (rests[0], rests[-1]) == (FIRST_REST, LONGEST_REST)


def test_the_receiving_domain_is_what_stands_behind_the_last_at():
    assert receiving_domain('"a@b"@Mail.Example.COM ') == "mail.example.com"
