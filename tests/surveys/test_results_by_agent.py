"""Results broken down by the agent who was rated, and narrowed to one."""

import pytest
from django.urls import reverse

from surveys.models import Survey
from tests.surveys.making import planned
from tests.surveys.test_results_pages import respond

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated(cast, client):
    """Deniz was rated 5 and 2, a helpdesk's agent without a user 4, nobody 1; and what was asked of Deniz's tickets."""
    for number, (score, who) in enumerate([(5, {"agent_id": cast.deniz.pk}), (2, {"agent_id": cast.deniz.pk}), (4, {"agent_email": "old@helpdesk.test"}), (1, {})]):
        asked = planned(cast.selin, at=(now := Survey.objects.get(key="csat").created_at), status="answered", sent_at=now, wave=str(number), agent_id=who.get("agent_id"))
        respond(score, cast.selin, survey="csat", scale=(1, 5), ticket_id=100 + number, invitation=asked if "agent_email" not in who else None, days=0, **who)
    client.force_login(cast.mert)
    return cast


def groups(client, **query):
    page = client.get(reverse("surveys:results", args=["csat"]), {"by": "agent", **query})
    assert page.status_code == 200
    return {row["name"]: row["main"].answers for row in page.context["groups"]}, page.content.decode()


def test_each_agent_has_a_row_by_name_and_who_is_no_user_by_address(client, rated):
    found, page = groups(client)
    assert found == {"Deniz Kaya": 2, "old@helpdesk.test": 1, "No agent": 1}
    assert "by=agent" in page


@pytest.mark.parametrize(("agent", "left"), [("deniz@vefa.test", {"Deniz Kaya": 2}), ("old@helpdesk.test", {"old@helpdesk.test": 1}), ("none", {"No agent": 1})])
def test_narrowed_to_an_agent_only_those_answers_count_and_open(client, rated, agent, left):
    found, page = groups(client, agent=agent)
    assert found == left
    assert 'name="agent" value="' + agent in page
    rows = client.get(reverse("surveys:results_rows", args=["csat"]), {"agent": agent, "show": "answers"})
    assert len(rows.context["found"]) == sum(left.values())


def test_a_survey_that_rates_nobody_of_ours_has_no_such_breakdown(client, rated):
    page = client.get(reverse("surveys:results", args=["nps"])).content.decode()
    assert "by=agent" not in page
