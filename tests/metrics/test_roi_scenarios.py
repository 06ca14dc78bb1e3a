"""Saved scenarios: frozen figures, who may change them, and that nobody's change is lost in silence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.cache import cache

from accounts.models import Subscription
from metrics.models import RoiScenario
from tests.metrics.roi_book import NOW, day, fill

pytestmark = pytest.mark.django_db
ROI = "/metrics/roi/"


@pytest.fixture(autouse=True)
def _ground(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"
    cache.clear()


@pytest.fixture
def book(cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    return fill(cast)


def keep(client, choices="margin=0.5&k=2", name="Modest", **more):
    response = client.post(f"{ROI}scenarios/", {"choices": choices, "name": name, "note": "first try", **more})
    assert response.status_code == 302, response.content.decode()[:300]
    return RoiScenario.objects.get(pk=int(response["Location"].rpartition("=")[2]))


def test_a_scenario_keeps_its_inputs_and_the_figures_it_was_made_on(client, book):
    client.force_login(book.ada)
    row = keep(client)
    assert (row.name, row.note, row.author, row.choices, row.version) == ("Modest", "first try", book.ada, {"margin": "0.5", "k": "2"}, 1)
    Subscription.objects.create(account=book.boga, start=day("2024-06-01"), amount=800, currency="EUR")
    cache.clear()
    opened = client.get(ROI, {"scenario": row.pk})
    assert (opened.context["frozen"], opened.context["typed"]["arpa"].value, opened.context["typed"]["margin"].value) == (True, 100, Decimal("0.5"))
    assert opened.context["changed"] is False
    today = client.get(f"{ROI}?{opened.context['fresh_query']}")
    assert (today.context["typed"]["arpa"].value, today.context["typed"]["margin"].value, today.context["changed"]) == (500, Decimal("0.5"), True)
    back = client.get(f"{ROI}?{opened.context['typed']['margin'].back}")
    assert (back.context["typed"]["margin"].state, back.context["changed"]) == ("assumed", True), "also an input taken back is a change"


def test_saving_on_todays_figures_freezes_these(client, book):
    client.force_login(book.ada)
    row = keep(client)
    Subscription.objects.create(account=book.boga, start=day("2024-06-01"), amount=800, currency="EUR")
    cache.clear()
    for fresh, arpa in (("", "100"), ("&fresh=1", "500")):
        row.refresh_from_db()
        carried = f"margin=0.6&scenario={row.pk}&edited={row.version}{fresh}"
        assert client.post(f"{ROI}scenarios/{row.pk}/save/", {"choices": carried, "version": row.version})["Location"] == f"{ROI}?scenario={row.pk}"
        row.refresh_from_db()
        assert (row.choices, Decimal(row.live["inputs"]["arpa"]["value"])) == ({"margin": "0.6"}, Decimal(arpa))
    assert row.version == 3


def test_who_was_slower_is_told_and_keeps_what_was_typed(client, book):
    client.force_login(book.ada)
    row = keep(client)
    RoiScenario.objects.filter(pk=row.pk).update(choices={"margin": "0.9"}, version=2, changed_by=book.mert)
    carried = f"margin=0.6&cost_team=44&scenario={row.pk}&edited=1"
    page = client.post(f"{ROI}scenarios/{row.pk}/save/", {"choices": carried, "version": "1"})
    assert page.status_code == 409
    row.refresh_from_db()
    assert (row.choices, row.version) == ({"margin": "0.9"}, 2), "nothing was saved"
    text = page.content.decode()
    assert "Mert Lider saved Modest meanwhile" in text
    assert "Gross margin: saved 90%, yours 60%" in text
    assert "Team a month: saved €100, yours €44" in text
    assert page.context["raw"]["cost_team"] == "44"
    # having seen it: mine in its place
    assert client.post(f"{ROI}scenarios/{row.pk}/save/", {"choices": page.context["carried"], "version": page.context["seen_version"]}).status_code == 302
    row.refresh_from_db()
    assert (row.choices, row.version) == ({"margin": "0.6", "cost_team": "44"}, 3)


def test_reloading_the_page_does_not_make_an_old_view_a_new_one(client, book):
    client.force_login(book.ada)
    row = keep(client)
    opened = client.get(ROI, {"scenario": row.pk})
    RoiScenario.objects.filter(pk=row.pk).update(choices={"margin": "0.9"}, version=2)
    again = client.get(f"{ROI}?{opened.context['typed']['margin'].back}")
    assert again.context["choices"].seen == 1
    assert client.post(f"{ROI}scenarios/{row.pk}/save/", {"choices": again.context["carried"], "version": again.context["choices"].seen}).status_code == 409


def test_another_name_and_circle_of_readers(client, book):
    client.force_login(book.ada)
    row = keep(client)
    said = {"name": "Bold", "note": "", "shared": "on"}
    assert client.post(f"{ROI}scenarios/{row.pk}/describe/", {**said, "version": "1"}).status_code == 302
    slow = client.post(f"{ROI}scenarios/{row.pk}/describe/", {"name": "Slow", "note": "mine", "version": "1"})
    assert slow.status_code == 409
    assert 'value="Slow"' in slow.content.decode()
    empty = client.post(f"{ROI}scenarios/{row.pk}/describe/", {"name": " ", "note": "kept words", "version": "2"})
    assert (empty.status_code, "kept words" in empty.content.decode()) == (422, True)
    row.refresh_from_db()
    assert (row.name, row.shared, row.version) == ("Bold", True, 2)


def test_a_copy_stands_on_the_same_figures_and_belongs_to_who_made_it(client, book):
    client.force_login(book.ada)
    row = keep(client, shared="on")
    client.force_login(book.mert)
    client.post(f"{ROI}scenarios/{row.pk}/duplicate/")
    copy = RoiScenario.objects.exclude(pk=row.pk).get()
    assert (copy.name, copy.author, copy.live, copy.choices, copy.shared) == ("Copy of Modest", book.mert, row.live, row.choices, False)


def test_what_was_deleted_can_be_brought_back(client, book):
    client.force_login(book.ada)
    row = keep(client)
    assert client.post(f"{ROI}scenarios/{row.pk}/delete/", {"version": "0"}).status_code == 302
    row.refresh_from_db()
    assert row.deleted_at is None, "an old version deletes nothing"
    gone = client.post(f"{ROI}scenarios/{row.pk}/delete/", {"version": "1"}, follow=True)
    assert "Modest is deleted." in gone.content.decode()
    assert gone.context["saved"] == []
    assert client.get(ROI, {"scenario": row.pk}).status_code == 404
    client.post(f"{ROI}scenarios/{row.pk}/restore/")
    assert client.get(ROI, {"scenario": row.pk}).status_code == 200


def test_scenarios_are_found_by_those_whose_figures_cover_them(client, book):
    client.force_login(book.ada)
    whole, shared = keep(client, name="Whole"), keep(client, name="Shared", shared="on")
    client.force_login(book.mert)
    team = keep(client, name="Team")
    assert Decimal(team.live["inputs"]["arpa"]["value"]) == 150, "the book of the lead's team"
    found = {user.name: {row.name for row in RoiScenario.objects.visible_to(user)} for user in (book.ada, book.vera, book.ana, book.mert, book.elif_, book.deniz)}
    everything = {"Whole", "Shared", "Team"}
    assert found == {
        "Ada Admin": everything,
        "Vera Viewer": everything,
        "Ana List": everything,
        "Mert Lider": {"Team", "Shared"},
        "Elif Yıldız": {"Shared"},
        "Deniz Kaya": {"Shared"},
    }
    for path in (f"{ROI}?scenario={whole.pk}", f"{ROI}compare/?s={whole.pk}", f"{ROI}board/?scenario={whole.pk}", f"{ROI}roi.csv?scenario={whole.pk}"):
        assert client.get(path).status_code == 404, path
    for what in ("save", "describe", "delete", "restore", "duplicate"):
        assert client.post(f"{ROI}scenarios/{whole.pk}/{what}/", {"version": "1", "name": "Taken"}).status_code == 404
    assert client.post(f"{ROI}scenarios/{shared.pk}/delete/", {"version": "1"}).status_code == 404, "shared is to read"
    assert set(RoiScenario.objects.values_list("name", "version", "deleted_at")) == {("Whole", 1, None), ("Shared", 1, None), ("Team", 1, None)}


@pytest.mark.parametrize("who", ["elif_", "deniz", "ana", "vera"])
def test_who_only_reads_keeps_nothing(client, book, who):
    client.force_login(getattr(book, who))
    assert client.post(f"{ROI}scenarios/", {"choices": "", "name": "Mine"}).status_code == 403
    assert not RoiScenario.objects.exists()
    assert "Save as new" not in client.get(ROI).content.decode()


@pytest.mark.parametrize("path", ["", "1/save/", "1/describe/", "1/duplicate/", "1/delete/", "1/restore/"])
def test_an_anonymous_writer_is_led_to_the_login(client, db, path):
    assert client.post(f"{ROI}scenarios/{path}")["Location"].startswith("/login/")


def test_a_scenario_without_a_name_or_with_a_refused_field_is_not_saved(client, book):
    client.force_login(book.ada)
    nameless = client.post(f"{ROI}scenarios/", {"choices": "margin=0.5", "name": "", "note": "long thought"})
    assert (nameless.status_code, "long thought" in nameless.content.decode(), nameless.context["raw"]["margin"]) == (422, True, "0.5")
    refused = client.post(f"{ROI}scenarios/", {"choices": "margin=5&arpa=9", "name": "Bad"})
    assert (refused.status_code, refused.context["raw"]["margin"], refused.context["raw"]["arpa"]) == (422, "5", "9")
    assert 'value="Bad"' in refused.content.decode()
    assert not RoiScenario.objects.exists()


def test_side_by_side_marks_what_differs_from_the_first(client, book):
    client.force_login(book.ada)
    rows = [keep(client, f"margin={margin}", name=f"M{margin}") for margin in ("0.5", "0.5", "0.8")]
    page = client.get(f"{ROI}compare/", {"s": [row.pk for row in rows], "k": "1", "months": "12"})
    table = page.context["table"]
    net = next(row for row in table.results if row.label == "Net")
    # 12 x 50 and 12 x 80, less 12 x 120
    assert [(cell.text, cell.differs) for cell in net.cells] == [("−€840", False), ("−€840", False), ("−€480", True)]
    margin = next(row for row in table.inputs if row.label == "Gross margin")
    assert [(cell.differs, cell.own) for cell in margin.cells] == [(False, True), (False, True), (True, True)]
    assert client.get(f"{ROI}compare/", {"s": [row.pk for row in rows] * 3, "k": "0"}).context["k"] == 5
    seven = [keep(client, "", name=f"S{number}").pk for number in range(7)]
    page = client.get(f"{ROI}compare/", {"s": seven})
    assert (len(page.context["rows"]), page.context["too_many"]) == (6, True)
