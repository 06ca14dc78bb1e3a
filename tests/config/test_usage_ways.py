"""Use comes by import, API and webhook, and whichever way it came the figures of the account are the same."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountDirty, UsageDay
from config.hooks.handling import sweep_hooks
from config.imports import load_rows
from metrics.usage.facts import usage_facts
from tests.api_client import ApiClient
from tests.config.hook_calls import make_hook, send

pytestmark = pytest.mark.django_db


def rows(account="boga"):
    today = timezone.localdate()
    days = [(today - dt.timedelta(days=ago)).isoformat() for ago in (1, 2, 30)]
    return [{"account": account, "day": day, "feature": feature, "count": 5, "users": 3} for day in days for feature in ("", "reports")]


def by_import(cast):
    assert load_rows("usage", [{name: str(value) for name, value in row.items()} for row in rows()], now=timezone.now(), listener=print).created == 6


def by_api(cast):
    client = ApiClient(cast.elif_, "usage:write")
    assert client.post("/usage/", rows()).json() == {"rows": 6}
    # told again it is set, not added
    assert client.post("/usage/", rows()[0]).json() == {"rows": 1}


def by_hook(cast):
    hook = make_hook(cast.elif_)
    for row in rows():
        assert send(hook, {"type": "usage", "data": row}).status_code == 202
    assert send(hook, {"type": "usage", "data": rows()}).status_code == 202
    sweep_hooks(now=timezone.now())


@pytest.mark.parametrize("way", [by_import, by_api, by_hook])
def test_the_figures_are_the_same_whichever_way_use_came(client, cast, way):
    way(cast)
    facts = usage_facts(account_ids=[cast.boga.pk], as_of=timezone.now())[cast.boga.pk]
    assert (facts.active_days, facts.active_days_before, facts.uses, facts.uses_before, facts.featured, facts.users, facts.days_since_seen) == (2, 1, 20, 10, 1, 3, 1)
    assert UsageDay.objects.count() == 6
    assert AccountDirty.objects.filter(account=cast.boga).exists(), "the score follows"
    client.force_login(cast.elif_)
    assert "reports" in client.get(reverse("metrics:use", args=[cast.boga.pk])).content.decode()


def test_a_hook_and_a_key_tell_use_of_the_own_book_alone(cast):
    hook = make_hook(cast.elif_)
    assert send(hook, {"type": "usage", "data": rows("north")}).status_code == 202
    sweep_hooks(now=timezone.now())
    assert ApiClient(cast.elif_, "usage:write").post("/usage/", rows("north")).status_code == 400
    assert not UsageDay.objects.exists()
