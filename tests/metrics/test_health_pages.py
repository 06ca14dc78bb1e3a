"""Health on the account page, and health models in the admin."""

import re

import pytest
from django.urls import reverse

from metrics.actions.recompute import recompute_all
from metrics.models import HealthModel, HealthScore
from tests.metrics.health_facts import DAY, NOW, answer, days, failed_payment, ticket, usage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scored(cast):
    usage(cast.boga, before=100, after=80)
    answer(cast.boga, 9, at=NOW - days(60))
    recompute_all(as_of=NOW - days(28), now=NOW)
    answer(cast.boga, 2)
    ticket(cast.boga, opened=NOW - days(2))
    failed_payment(cast.boga, at=NOW - days(3))
    recompute_all(as_of=NOW, now=NOW)
    return cast


HTMX = {"HX-Request": "true"}


def panel(account):
    return reverse("metrics:account_panel", args=[account.pk])


def figures(html, tag):
    return [round(float(text.replace("−", "-").replace("+", "")) * 100) for text in re.findall(tag, html)]


def test_the_parts_shown_sum_to_the_score_shown(client, scored, django_assert_max_num_queries):
    client.force_login(scored.elif_)
    with django_assert_max_num_queries(10):
        html = client.get(panel(scored.boga), headers=HTMX).content.decode()
    table = html[html.index("<tbody>") : html.index("</tbody>")]
    assert sum(figures(table, r'<td class="n"><b>([\d.]+)</b>')) == HealthScore.objects.get(account_id=scored.boga.pk, day=DAY).score
    assert "−20%" in html
    assert "2 of 10" in html
    assert "no data, left out" in html
    assert "model Standard v1" in html


def test_the_steps_shown_sum_to_the_change_shown(client, scored):
    client.force_login(scored.elif_)
    html = client.get(panel(scored.boga), headers=HTMX).content.decode()
    steps = html[html.index('class="waterfall"') :]
    totals = figures(steps, r"</svg><b>([\d.]+)</b>")
    assert totals == list(HealthScore.objects.filter(account_id=scored.boga.pk).order_by("day").values_list("score", flat=True))
    assert sum(figures(steps, r'<b class="(?:up|down|)">([−+]?[\d.]+)</b>')) == totals[1] - totals[0]
    assert "9 of 10 → 2 of 10" in steps


def test_the_change_can_be_told_from_another_day(client, scored):
    client.force_login(scored.elif_)
    recompute_all(as_of=NOW - days(7), now=NOW)
    html = client.get(panel(scored.boga), {"since": str(DAY - days(7))}, headers=HTMX).content.decode()
    assert "since=" + str(DAY - days(7)) in html
    assert 'aria-pressed="true"' in html
    assert client.get(panel(scored.boga), {"since": "2026-02-31"}).status_code == 200


def test_without_a_script_it_is_a_page_of_its_own(client, scored):
    client.force_login(scored.elif_)
    html = client.get(panel(scored.boga)).content.decode()
    assert "<main" in html
    assert 'class="waterfall"' in html
    assert scored.boga.get_absolute_url() in html


def test_an_account_without_a_score_says_why(client, cast):
    client.force_login(cast.elif_)
    html = client.get(panel(cast.boga), headers=HTMX).content.decode()
    assert "No score yet" in html
    recompute_all(as_of=NOW, now=NOW)
    assert "There is not enough data for a score yet." in client.get(panel(cast.boga), headers=HTMX).content.decode()


def test_another_book_is_not_found_and_strangers_log_in(client, scored):
    client.force_login(scored.can)
    assert client.get(panel(scored.boga)).status_code == 404
    client.force_login(scored.ana)
    assert client.get(panel(scored.boga)).status_code == 404
    client.logout()
    assert client.get(panel(scored.boga))["Location"].startswith("/login/")
    client.force_login(scored.vera)
    assert client.post(panel(scored.boga)).status_code == 405


def test_nothing_is_styled_or_scripted_inline(client, scored):
    client.force_login(scored.elif_)
    html = client.get(panel(scored.boga), headers=HTMX).content.decode()
    assert not re.search(r"style=|<script|<style|\son\w+=|hx-on", html)


def test_a_version_that_scored_is_read_only_and_is_changed_through_a_new_one(client, scored):
    client.force_login(scored.ada)
    shipped = HealthModel.objects.get(key="standard")
    change = reverse("admin:metrics_healthmodel_change", args=[shipped.pk])
    assert b'name="name"' not in client.get(change).content
    assert client.post(change, {"name": "Other"}).status_code == 403
    listing = reverse("admin:metrics_healthmodel_changelist")
    client.post(listing, {"action": "make_new_version", "_selected_action": [shipped.pk]})
    copy = HealthModel.objects.get(key="standard", number=2)
    assert b'name="name"' in client.get(reverse("admin:metrics_healthmodel_change", args=[copy.pk])).content
    client.post(listing, {"action": "make_active", "_selected_action": [copy.pk]})
    shipped.refresh_from_db()
    copy.refresh_from_db()
    assert shipped.retired_at == copy.activated_at is not None
    assert shipped.name == "Standard"


def test_the_ledger_is_read_only(client, scored):
    client.force_login(scored.ada)
    assert client.get(reverse("admin:metrics_healthrun_changelist")).status_code == 200
    assert client.get(reverse("admin:metrics_healthrun_add")).status_code == 403
