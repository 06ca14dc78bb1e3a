"""Saved and shared views of My work."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client

from accounts.models import SavedView
from tests.accounts.test_work_pages import HTMX, enter, text_of
from tests.accounts.work_builders import item

pytestmark = pytest.mark.django_db
HERE = {**HTMX, "HTTP_HX_CURRENT_URL": "http://testserver/?scope=mine&type=risk&sort=due"}


def test_a_view_keeps_what_is_chosen_and_a_shared_one_shows_its_reader_only_the_own_rows(cast: SimpleNamespace) -> None:
    item(cast.boga, title="Ours")
    client = enter(cast.elif_)
    menu = client.get("/work/views/", **HERE).content.decode()
    assert 'value="scope=mine&amp;type=risk&amp;sort=due"' in menu
    assert (
        client.post("/work/views/save/", {"name": "Riskler", "shared": "on", "query": "scope=mine&type=risk&sort=due&bad=1&after=5~5"})["Location"]
        == "/?scope=mine&type=risk&sort=due"
    )
    view = SavedView.objects.get()
    assert (view.owner, view.page, view.query, view.shared) == (cast.elif_, "work", "scope=mine&type=risk&sort=due", True)
    theirs = enter(cast.can)
    assert "Riskler" in text_of(theirs.get("/work/views/", **HERE))
    assert "Ours" not in text_of(theirs.get(f"/?{view.query}"))
    assert "Ours" in text_of(client.get(f"/?{view.query}"))


def test_only_its_owner_renames_or_removes_a_view_and_a_lookers_on_is_not_shared(cast: SimpleNamespace) -> None:
    view = SavedView.objects.create(owner=cast.elif_, page="work", name="Bugün", query="sort=due", shared=True)
    other = SavedView.objects.create(owner=cast.elif_, page="accounts", name="Liste", query="")
    assert enter(cast.can).post(f"/work/views/{view.pk}/", {"do": "remove"}).status_code == 404
    client = enter(cast.elif_)
    assert client.get(f"/work/views/{other.pk}/").status_code == 404
    assert client.post(f"/work/views/{view.pk}/", {"name": "Yarın"}).status_code == 302
    assert list(SavedView.objects.values_list("name", "shared").order_by("pk")) == [("Yarın", False), ("Liste", False)]
    assert enter(cast.vera).post("/work/views/save/", {"name": "V", "shared": "on", "query": ""}).status_code == 302
    assert not SavedView.objects.get(name="V").shared
    assert client.post(f"/work/views/{view.pk}/", {"do": "remove"}).status_code == 302
    assert not SavedView.objects.filter(pk=view.pk).exists()
    assert enter(cast.ana).get("/work/views/").status_code == 404
    assert Client().get("/work/views/")["Location"].startswith("/login/")
