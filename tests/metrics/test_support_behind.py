"""The rows behind each figure of support are as many as the figure says: over random histories, by part, by week."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from metrics.kpis import voice
from metrics.kpis.behind import FIGURES, behind, flow_within
from metrics.kpis.engine import ask
from metrics.kpis.promises import promises_kept
from metrics.kpis.support_load import flow_between, flow_of_tickets
from surveys.models import Response, Survey
from tests.metrics.support_rows import NOW
from tests.metrics.test_kpi_support_replay import HOUR, START, histories, periods  # noqa: F401 - fixture
from tests.metrics.test_kpi_support_replay import ask as told
from tickets.models import Interaction, ServiceLevel, Ticket

WEEK = dt.timedelta(days=7)


@pytest.fixture
def furnished(histories):  # noqa: F811 - pytest's way of asking for one
    """The histories with contacts, ratings and promises."""
    rng, csat = random.Random(3), Survey.objects.get(key="csat")
    for level in (1, 2, 3):
        ServiceLevel.objects.create(severity=level, first_reply_seconds=7200 * level, resolution_seconds=86400 * level)
    for number, pk in enumerate(histories):
        at = histories[pk][0] + HOUR * rng.randrange(1, 400)
        channel = rng.choice(["phone", "chat", "email"])
        Interaction.objects.create(
            ticket_id=pk if number % 5 else None,
            channel=channel,
            ended_at=at,
            abandoned=number % 7 == 0,
            talk_seconds=number * 10,
            session_seconds=number,
            work_seconds=60 if number % 3 else None,
        )
        Response.objects.create(
            survey=csat, kind="csat", score=rng.randrange(1, 6), scale_min=1, scale_max=5, answered_at=at, ticket_id=pk if number % 4 else None, agent_email="a@x.test" if number % 4 else "",
            account_id=Ticket.objects.get(pk=pk).account_id,
        )  # fmt: skip
    return histories


def expected(start, end, **more):
    """What every figure says its rows are, by name."""
    frt, ttr, aht = told("first_response_time", start, end, **more), told("resolution_time", start, end, **more), told("aht", start, end, **more)
    backlog, flow, ats, fcr = (
        told("ticket_backlog", start, end, **more),
        told("ticket_backlog", start, end, "flow", **more),
        told("ats", start, end, **more),
        told("fcr", start, end, **more),
    )
    csat = voice.csat(question("csat", start, end, **more), None, only=voice.SUPPORT)[None]
    kept = {
        target: promises_kept(question(kpi, start, end, **more), target, None)[None] for target, kpi in (("first_reply", "first_response_time"), ("resolution", "resolution_time"))
    }
    return {
        "first_response": frt["parts"]["count"], "unanswered": frt["parts"]["unanswered"], "resolution": ttr["parts"]["count"], "resolution_reopened": ttr["parts"]["reopened"],
        "backlog_open": backlog["parts"]["open"], "backlog_older": backlog["parts"]["older"], "volume": int(told("ticket_volume", start, end, **more)["value"]),
        "severity_set": int(ats["denominator"]), "severity_unset": ats["parts"]["unset"], **{f"severity_{n}": ats["parts"][f"level_{n}"] for n in range(1, 5)},
        "issues": int(fcr["denominator"]), "first_contact": int(fcr["numerator"]), "handled": int(aht["denominator"]), "abandoned": aht["parts"]["abandoned"],
        "rated": csat.denominator, "satisfied": csat.numerator,
        **{f"promises_{target}": figure.denominator for target, figure in kept.items()}, **{f"kept_{target}": figure.numerator for target, figure in kept.items()},
        **{f"flow_{part}": flow["parts"][part] for part in ("opening", "new", "reopened", "resolved", "cancelled", "closing")},
    }  # fmt: skip


def question(kpi, start, end, variant=None, **more):
    return ask(name=kpi, start=start.isoformat(), end=end.isoformat(), variant=variant, now=NOW, **more)


def test_the_rows_of_every_figure_are_as_many_as_it_says(furnished):
    seen = dict.fromkeys(FIGURES, 0)
    for number, (start, end) in enumerate(periods(6)):
        more = {"filters": {"category": "a"}} if number % 2 else {}
        said = expected(start, end, **more)
        assert said.keys() == FIGURES.keys()
        for name, source in FIGURES.items():
            found = behind(name, question(source.kpi, start, end, source.variant, **more))
            assert len(found) == said[name], (name, start, end)
            assert found == sorted(found, reverse=True)
            assert len({(row.at, row.pk, row.turn) for row in found}) == len(found)
            seen[name] += len(found)
    assert min(seen.values()) > 0, seen


def test_the_seconds_of_the_rows_sum_to_the_numerator(furnished):
    start, end = START, START + 12 * WEEK
    for name in ("first_response", "resolution", "handled"):
        source = FIGURES[name]
        figure = told(source.kpi, start, end)
        assert sum(row.figure for row in behind(name, question(source.kpi, start, end, source.variant))) == int(figure["numerator"])


def test_the_weeks_of_the_flow_are_those_of_the_figure(furnished):
    asked = question("ticket_backlog", START, START + 12 * WEEK, "flow")
    whole = flow_of_tickets(asked)
    flows = flow_between(asked, [int((START + number * WEEK).timestamp()) for number in range(13)])
    for number, flow in enumerate(flows):
        start, end = START + number * WEEK, START + (number + 1) * WEEK
        counts = {name: len(rows) for name, rows in flow_within(whole, int(start.timestamp()), int(end.timestamp())).items()}
        parts = told("ticket_backlog", start, end, "flow")["parts"]
        assert counts == {name: parts[name] for name in counts} == {name: getattr(flow, name) for name in counts}
        assert counts["opening"] + counts["new"] + counts["reopened"] - counts["resolved"] - counts["cancelled"] == counts["closing"]
