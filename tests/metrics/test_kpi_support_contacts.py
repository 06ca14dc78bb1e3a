"""First contact resolution by channel and window, handle time by channel."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.kpis.engine import WrongQuestion
from tests.metrics.support_rows import ask, contact, groups, ticket
from tickets.support_formulas import DAY, Contacts, resolved_at_first_contact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("istanbul")]
HOUR = 3600


@pytest.fixture
def istanbul(settings):
    """Days are those of a zone three hours ahead."""
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"


def june(day, hour=0, minute=0):
    return f"2024-06-{day:02}T{hour:02}:{minute:02}:00Z"


def judge(channel, *, replies=(), asked=(), calls=(), resolved=10 * HOUR, reopened=None, window=7, untimed=0):
    return resolved_at_first_contact(Contacts(channel, replies, asked, calls, resolved, reopened, untimed), window)


@pytest.mark.parametrize("channel", ["email", "web", "social"])
def test_one_reply_resolves_what_was_written(channel):
    assert judge(channel, replies=[HOUR])
    assert judge(channel, untimed=1)
    assert judge(channel, replies=[HOUR], asked=[60])
    assert not judge(channel)
    assert not judge(channel, replies=[HOUR, 2 * HOUR])
    assert not judge(channel, untimed=2)
    assert not judge(channel, replies=[HOUR], asked=[2 * HOUR])
    assert not judge(channel, replies=[HOUR], calls=[2 * HOUR])
    assert not judge(channel, calls=[2 * HOUR])


def test_one_call_resolves_and_the_mail_that_sums_it_up_belongs_to_it():
    assert judge("phone", calls=[HOUR])
    assert judge("phone", calls=[HOUR], replies=[2 * HOUR])
    assert judge("phone", replies=[HOUR])
    assert not judge("phone", calls=[HOUR, 2 * HOUR])
    assert not judge("phone", calls=[HOUR], replies=[11 * HOUR])
    assert not judge("phone", calls=[HOUR], asked=[2 * HOUR])
    assert not judge("phone")


def test_one_session_resolves_however_much_was_said():
    assert judge("chat", calls=[HOUR], replies=[10, 20, 30], asked=[15, 25])
    assert judge("chat", replies=[10, 20, 30], asked=[15, 25])
    assert not judge("chat", calls=[HOUR, 2 * HOUR])
    assert not judge("chat", replies=[10], asked=[11 * HOUR])
    assert not judge("chat")


def test_what_is_not_resolved_is_not_judged():
    assert judge("email", replies=[HOUR], resolved=None) is None


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["email", "phone", "chat"]), st.integers(1, 30), st.integers(-3, 40 * DAY), st.sampled_from(["asked", "replies", "calls", "reopened"]))
def test_the_window_ends_to_the_second(channel, days, after, what):
    """One more contact, or a reopening, breaks exactly inside (resolution, resolution + window)."""
    resolved = 10 * HOUR
    first = {"calls": [resolved]} if channel == "phone" else {"replies": [resolved]}
    at = resolved + max(1, after)
    more = {"reopened": at} if what == "reopened" else {what: [*first.get(what, []), at]}
    # a chat that was judged by its replies is judged by its sessions once there is one
    if channel == "chat" and what == "calls":
        more["calls"] = [resolved, at]
    assert judge(channel, **{**first, **more}, resolved=resolved, window=days) is (at >= resolved + days * DAY)


def test_issues_count_where_they_were_opened_and_settle_after_the_window():
    ticket("a", june(28), (june(28, 1), "public_reply"), (june(28, 1), "status", "solved"))
    ticket("b", june(28), (june(28, 1), "public_reply"), (june(28, 1), "status", "solved"), ("2024-07-03T00:00:00Z", "customer_reply"), ("2024-07-03T00:00:00Z", "status", "open"))
    got = ask("fcr")
    assert (got["value"], got["flags"], got["parts"]["resolved"], got["parts"]["unsettled"]) == ("0.5", [], 2, 0)
    before = ask("fcr", as_of="2024-07-02")
    assert (before["value"], before["flags"], before["parts"]["unsettled"]) == ("1", ["settles_later"], 2)
    assert ask("fcr", params={"window_days": "3"})["value"] == "1"
    assert ask("fcr", start="2024-07-01", end="2024-08-01")["value"] is None


def test_all_issues_resolved_only_and_net_have_their_own_denominators():
    ticket("a", june(3), (june(3, 1), "public_reply"), (june(3, 1), "status", "solved"))
    ticket("b", june(3), (june(3, 1), "public_reply"))
    ticket("c", june(3), (june(3, 1), "public_reply"), (june(3, 2), "public_reply"), (june(3, 2), "status", "solved"), first_level_solvable="false")
    ticket("d", "2024-05-20T00:00:00Z", ("2024-05-20T01:00:00Z", "public_reply"), (june(3), "status", "solved"))
    shares = {variant: (ask("fcr", variant)["numerator"], ask("fcr", variant)["denominator"]) for variant in ("all_issues", "resolved_only", "net")}
    assert shares == {"all_issues": ("1", "3"), "resolved_only": ("2", "3"), "net": ("1", "2")}
    assert ask("fcr", "net")["parts"]["not_first_level"] == 1


def test_phone_tickets_are_judged_by_their_calls(cast):
    ticket("a", june(3), (june(3), "assigned", "deniz@vefa.test"), (june(3, 1), "status", "solved"), channel="phone")
    contact("c1", june(3, 1), "phone", ticket="a", talk_seconds=60)
    contact("c2", june(3, 0, 30), "phone", ticket="a", abandoned="true")
    assert groups(ask("fcr", by="agent")) == {"deniz@vefa.test": "1"}
    contact("c3", june(4), "phone", ticket="a", talk_seconds=60)
    assert ask("fcr")["value"] == "0"
    assert ask("fcr", as_of=june(3, 12))["value"] == "1"


def test_each_channel_has_its_own_times_and_the_whole_is_no_mean_of_means():
    contact("p", june(3), "phone", talk_seconds=100, hold_seconds=20, wrap_seconds=30, session_seconds=9999)
    contact("q", june(3), "phone", talk_seconds=50)
    contact("c", june(3), "chat", session_seconds=500, follow_up_seconds=100, concurrency="3")
    contact("e", june(3), "email", work_seconds=400)
    contact("gone", june(3), "phone", talk_seconds=7, abandoned="true")
    contact("blank", june(3), "email")
    got = ask("aht")
    assert (got["value"], got["numerator"], got["denominator"]) == ("300", "1200", "4")
    assert {name: got["parts"][name] for name in ("interactions", "talk", "hold", "wrap", "follow_up", "work", "abandoned")} == {
        "interactions": 4, "talk": 150, "hold": 20, "wrap": 30, "follow_up": 100, "work": 400, "abandoned": 1,
    }  # fmt: skip
    assert groups(ask("aht", by="channel")) == {"phone": "100", "chat": "600", "email": "400"}
    assert ask("aht", "chat_concurrency")["numerator"] == "800"
    assert ask("aht", params={"channel": "chat"})["value"] == ask("aht", filters={"channel": "chat"})["value"] == "600"
    with pytest.raises(WrongQuestion, match="once"):
        ask("aht", params={"channel": "chat"}, filters={"channel": "phone"})


def test_contacts_count_when_they_end_for_who_handled_them_and_not_on_spam(cast):
    ticket("a", june(3), category="invoice")
    ticket("b", june(3), spam="true")
    contact("i1", june(30, 20, 59), "phone", ticket="a", talk_seconds=10, agent_email="deniz@vefa.test")
    contact("i2", june(30, 21), "phone", ticket="a", talk_seconds=1000)
    contact("i3", june(3), "phone", ticket="b", talk_seconds=1000)
    contact("i4", june(3), "phone", talk_seconds=30, agent_email="out@side.test")
    assert groups(ask("aht", by="agent")) == {"deniz@vefa.test": "10", "out@side.test": "30"}
    assert groups(ask("aht", by="category")) == {"invoice": "10", None: "30"}
    with pytest.raises(WrongQuestion, match="location"):
        ask("aht", by="location")
