"""Results of very many answers: the page comes first, its panels one by one, and both say what the whole page says."""

import re

import pytest
from django.utils import timezone

from surveys.models import Response, Survey
from surveys.queries.results import accounts, main_figures, scale_groups
from surveys.views import results_panels
from surveys.views.results import chosen_of
from tests.surveys.test_results_pages import get, heard, respond  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowded(heard, monkeypatch):  # noqa: F811
    """Thirteen answers are more than this page shows at once."""
    monkeypatch.setattr(results_panels, "AT_ONCE", 12)
    monkeypatch.setattr("surveys.views.results.AT_ONCE", 12)
    return heard


def asking(rf, user, period):
    """A request for a period."""
    request = rf.get("/", {"period": period})
    request.user = user
    return request


def section(html: str, name: str) -> str:
    """A panel of a page, without the white space of its place."""
    return re.sub(r"\s+", " ", re.search(rf'<section class="panel" id="results-{name}".*?</section>', html, re.S).group())


def test_panels_come_after_the_page_and_say_the_same(client, crowded):
    page = get(client, crowded.ada, "surveys:results", ["nps"])
    whole = get(client, crowded.ada, "surveys:results", ["nps"], part="all").content.decode()
    late = page.context["late"]
    assert "asked" not in page.context  # nobody counted what comes later
    for name in results_panels.PANELS:
        assert 'aria-busy="true"' in section(page.content.decode(), name)
        alone = client.get(late[name]).content.decode()
        assert "<html" not in alone
        assert section(alone, name) == section(whole, name)
    assert 'aria-busy="true"' not in whole
    flow = client.get(late["flow"]).content.decode()
    rate = re.search(r"<dt>Response rate</dt>.*?</dd></div>", whole, re.S).group()
    assert 'id="results-rate" hx-swap-oob="true"' in flow
    assert rate in flow
    assert client.get(late["all"]).status_code == 200


def test_a_panel_keeps_to_the_readers_accounts(client, crowded):
    client.force_login(crowded.ada)
    address = get(client, crowded.ada, "surveys:results", ["nps"]).context["late"]["groups"]
    client.force_login(crowded.mert)
    rows = client.get(address).context["groups"]
    assert sum(row["main"].answers for row in rows) == Response.objects.visible_to(crowded.mert).filter(kind="nps").count()
    client.logout()
    assert client.get(address).status_code == 302


def test_an_unknown_panel_or_scale_shows_the_page(client, crowded):
    for query in ({"part": "nothing", "of": "0-10"}, {"part": "trend"}, {"part": "trend", "of": "10-0"}):
        assert "<html" in get(client, crowded.ada, "surveys:results", ["nps"], **query).content.decode()


def test_one_look_finds_what_two_find_on_every_scale(rf, heard):  # noqa: F811
    for score in (10, 2, 11):
        respond(score, heard.harry, scale=(1, 10), days=score)
    respond(12, heard.harry, days=3)
    respond(-1, heard.harry, days=120)
    survey = Survey.objects.get(key="nps")
    for period, off in (("90d", 1), ("all", 2), ("365d", 2)):
        chosen = chosen_of(asking(rf, heard.ada, period), timezone.now())
        groups, of_accounts = main_figures(heard.ada, chosen, survey=survey)
        apart = scale_groups(heard.ada, chosen, survey=survey)
        assert {name: (row.now, row.before, row.invalid) for name, row in groups.items()} == {name: (row.now, row.before, row.invalid) for name, row in apart.items()}
        assert {name for name, row in groups.items() if row.answers} == set(of_accounts)
        for name, row in groups.items():
            if row.answers:
                assert of_accounts[name] == accounts(heard.ada, chosen, survey=survey, scale=row.scale)
        assert (groups["0-10"].invalid, groups["1-10"].invalid) == (off, 1)
