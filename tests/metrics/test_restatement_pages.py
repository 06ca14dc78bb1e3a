"""The page of restatements: who sees it, what it says, how it is narrowed and taken out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts.models import ImportBatch
from metrics.models import ClosedFigure, ClosedMonth, Restatement
from metrics.restated import closed_months

pytestmark = pytest.mark.django_db
MONTH = dt.date(2026, 3, 1)
SEEN = dt.datetime(2026, 5, 4, 9, tzinfo=dt.UTC)
PAGE, CSV = "metrics:restatements", "metrics:restatements_csv"


@pytest.fixture
def restated(cast):
    month = ClosedMonth.objects.create(
        month=MONTH,
        starts_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
        ends_at=dt.datetime(2026, 4, 1, tzinfo=dt.UTC),
        basis="Europe/Istanbul EUR",
        closed_at=SEEN - dt.timedelta(days=31),
    )
    ClosedFigure.objects.create(
        month=month, kpi="mrr", variant="standard", value=300, numerator=300, first_value=400, first_numerator=400, closed_at=month.closed_at, restated_at=SEEN, restatements=1
    )
    batch = ImportBatch.objects.create(kind="subscriptions", file_name="late-march.csv")
    rows = [
        Restatement(
            seen_at=SEEN, month=MONTH, kpi="mrr", variant="standard", before_value=400, after_value=300, before={"numerator": "400", "customers": 2}, after={"numerator": "300", "customers": 1},
            cause="import", batch=batch,
        ),
        Restatement(seen_at=SEEN, month=MONTH, kpi="nrr", variant="cohort", segment="vip", before_value=1, after_value=Decimal("0.75"), cause="person", actor=cast.elif_, account_id=cast.boga.pk),
    ]  # fmt: skip
    Restatement.objects.bulk_create(rows)
    return batch


def page(client, user, **query):
    client.force_login(user)
    return client.get(reverse(PAGE), query)


def test_it_tells_before_after_cause_and_who(client, cast, restated):
    text = page(client, cast.ada).content.decode()
    told = [
        "€400",
        "€300",
        "late-march.csv",
        reverse("admin:accounts_importbatch_change", args=[restated.pk]),
        "Elif Yıldız",
        cast.boga.get_absolute_url(),
        "Last closed: March 2026.",
    ]
    assert [word for word in told if word not in text] == []


def test_an_analyst_reads_figures_and_no_account_and_a_viewer_no_link_into_the_administration(client, cast, restated):
    seen = page(client, cast.ana).content.decode()
    assert "€300" in seen
    assert cast.boga.name not in seen
    assert "/admin/" not in page(client, cast.vera).content.decode().split("<main")[1]


def test_filters_narrow_and_an_unknown_value_is_none(client, cast, restated):
    def rows(**query):
        return [line.row.kpi for line in page(client, cast.ada, **query).context["page"].rows]

    assert rows() == ["nrr", "mrr"]
    assert rows(kpi="mrr") == ["mrr"]
    assert rows(cause="person") == ["nrr"]
    assert rows(segment="vip") == ["nrr"]
    assert rows(segment="all") == ["mrr"]
    assert rows(month="2026-02") == []
    assert rows(month="2026-03", kpi="nonsense", cause="x", after="x") == ["nrr", "mrr"]
    assert "Nothing matches" in page(client, cast.ada, month="2026-02").content.decode()


def test_a_kpi_says_what_it_was_first_closed_as_and_what_it_is_now(client, cast, restated):
    (month,) = closed_months("mrr", start=MONTH, end=dt.date(2026, 4, 1))
    assert (month.first, month.now, month.restatements, month.moved) == ("€400", "€300", 1, True)
    assert closed_months("mrr", end=MONTH) == []
    assert "As first closed" in page(client, cast.ada, kpi="mrr").content.decode()


def test_fifty_rows_a_page_by_key(client, cast, restated):
    Restatement.objects.bulk_create(Restatement(seen_at=SEEN, month=MONTH, kpi="grr", variant="standard", cause="other") for _ in range(60))
    first = page(client, cast.ada)
    second = client.get(first.context["next"])
    keys = [line.row.pk for line in [*first.context["page"].rows, *second.context["page"].rows]]
    assert (len(first.context["page"].rows), len(keys), len(set(keys)), keys) == (50, 62, 62, sorted(keys, reverse=True))
    assert second.context["next"] == ""


def test_who_sees_a_part_of_the_base_sees_no_closed_figure(client, cast, restated):
    for user in (cast.mert, cast.elif_, cast.deniz):
        assert page(client, user).status_code == 403
        assert client.post(reverse(CSV)).status_code == 403
    client.logout()
    assert client.get(reverse(PAGE)).status_code == 302
    assert client.post(reverse(CSV)).status_code == 302
    assert not LogEntry.objects.exists()


def test_the_file_has_every_row_and_leaves_an_entry_in_the_log(client, cast, restated):
    client.force_login(cast.vera)
    assert client.get(reverse(CSV)).status_code == 405
    assert not LogEntry.objects.exists()
    got = client.post(f"{reverse(CSV)}?kpi=mrr")
    lines = b"".join(got.streaming_content).decode().lstrip("\ufeff").splitlines()
    assert len(lines) == 2
    assert lines[1].split(",")[1:8] == ['"2026-03"', '"mrr"', '"standard"', '""', "400", "300", "400"]
    assert '"late-march.csv"' in lines[1]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (cast.vera, "export restatements: kpi=mrr")
    client.force_login(cast.ana)
    assert b'"boga"' not in b"".join(client.post(reverse(CSV)).streaming_content)


def test_empty_pages_say_why(client, cast):
    assert "No month has closed yet" in page(client, cast.ada).content.decode()
    ClosedMonth.objects.create(month=MONTH, starts_at=SEEN, ends_at=SEEN, basis="x", closed_at=SEEN)
    assert "No closed month has changed" in page(client, cast.ada).content.decode()


def test_the_page_of_a_kpi_loads_its_closed_months_for_those_who_see_the_whole_base(client, cast, restated):
    address = reverse("metrics:closed_panel", args=["mrr"])
    client.force_login(cast.ana)
    assert address in client.get(reverse("metrics:kpi", args=["mrr"])).content.decode()
    told = client.get(address).content.decode()
    assert [word in told for word in ("March 2026", "€400", "€300", "/metrics/restatements/?kpi=mrr")] == [True] * 4
    assert client.get(reverse("metrics:closed_panel", args=["clv"])).content == b""
    assert client.get(reverse("metrics:closed_panel", args=["happiness"])).status_code == 404
    client.force_login(cast.elif_)
    assert client.get(address).content == b""
    client.logout()
    assert client.get(address).status_code == 302
