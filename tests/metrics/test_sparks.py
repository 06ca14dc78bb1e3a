"""Eighteen weeks of health for the rows of a list."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db


def score(account_id: int, day: dt.date, hundredths: int, band: str = "watch") -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT vefa_ensure_months('metrics_healthscore', %s, %s)", [day, day])
        cursor.execute(
            "INSERT INTO metrics_healthscore (account_id, day, model_id, score, band, confidence, raws, contributions, computed_at) "
            "VALUES (%s, %s, 1, %s, %s, 100, '{}', '{}', now())",
            [account_id, day, hundredths, band],
        )


def test_a_line_is_drawn_for_accounts_in_reach_alone(cast: SimpleNamespace) -> None:
    today = dt.datetime.now(dt.UTC).date()
    for weeks in range(20):
        score(cast.boga.pk, today - dt.timedelta(days=7 * weeks), 7000 - 100 * weeks)
        score(cast.north.pk, today - dt.timedelta(days=7 * weeks), 5000)
    client = Client()
    address = f"/metrics/sparks/?a={cast.boga.pk}&a={cast.north.pk}&a=x&a=-1"
    assert client.get(address).status_code == 302
    client.force_login(cast.elif_)
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        page = client.get(address).content.decode()
    assert f"innerHTML:.spark-{cast.boga.pk}" in page
    assert f".spark-{cast.north.pk}" not in page
    assert "from 53 to 70" in page  # seventeen weeks back and today
    assert len(asked.captured_queries) == 4
