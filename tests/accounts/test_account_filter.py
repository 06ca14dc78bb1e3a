"""The list of accounts under conditions: the filter builder, bounded pages, columns, saved and shared views."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache

from accounts.models import Account, AccountSnapshot, SavedView
from accounts.queries import accounts as listing
from accounts.queries import rule_scans
from accounts.queries.saved_views import readable
from accounts.rules.draft import from_json
from tests.accounts.test_rule_builder import inputs

RICH = {"all": [{"field": "mrr", "op": "gte", "value": "500"}]}


@pytest.fixture(autouse=True)
def _no_remembered_numbers():
    cache.clear()


@pytest.fixture
def book(cast):
    """Elif's book of 60 accounts; every fourth pays 500 and more."""
    Account.objects.bulk_create([Account(external_id=f"f{n}", name=f"Firma {n:02}", name_sort=f"firma {n:02}", name_search=f"firma {n:02}", owner=cast.elif_) for n in range(59)])
    rows = list(AccountSnapshot.objects.filter(owner=cast.elif_).order_by("account_id"))
    for number, row in enumerate(rows):
        row.mrr_micros = 500_000_000 + number if number % 4 == 0 else number
    AccountSnapshot.objects.bulk_update(rows, ["mrr_micros"])
    return cast


def names(response):
    return [row.account.name for row in response.context["page"].rows]


def post(client, address, sent):
    return client.post(address, sent.urlencode(), content_type="application/x-www-form-urlencoded")


def test_the_list_keeps_what_fits_the_rule_in_its_order_and_only_the_own_book(client, book):
    AccountSnapshot.objects.filter(account=book.north).update(mrr_micros=900_000_000)
    client.force_login(book.elif_)
    page = client.get("/accounts/", {"rule": json.dumps(RICH), "sort": "mrr"})
    expected = list(AccountSnapshot.objects.filter(owner=book.elif_, mrr_micros__gte=500_000_000).order_by("-mrr_micros").values_list("account__name", flat=True))
    assert names(page) == expected
    assert len(expected) == 15
    assert page.context["found"] == rule_scans.Counted(15, True)
    assert "MRR is at least" in page.content.decode()


@pytest.mark.parametrize("sort", ["stake", "mrr", "-mrr", "name", "-name", "health", "renewal"])
def test_pages_under_a_rule_show_each_account_once_however_little_one_page_may_look_at(book, monkeypatch, sort, django_assert_max_num_queries):
    monkeypatch.setattr(listing, "STEPS", (2, 5))
    chosen = listing.AccountFilter(rule=json.dumps(RICH), sort=sort, now=book.boga.created_at)
    found, after, pages = [], "", 0
    while True:
        with django_assert_max_num_queries(11):
            part = listing.page(book.elif_, chosen, after, 3)
        assert part.looked_at <= 7
        found += [row.pk for row in part.rows]
        after, pages = part.after, pages + 1
        if not after:
            break
    rows = AccountSnapshot.objects.filter(owner=book.elif_, mrr_micros__gte=500_000_000)
    assert sorted(found) == sorted(rows.values_list("pk", flat=True))
    assert pages > 5


def test_a_count_that_stopped_looking_says_at_least(book, monkeypatch):
    monkeypatch.setattr(rule_scans, "SCAN", 20)
    chosen = listing.AccountFilter(rule=json.dumps(RICH), now=book.boga.created_at)
    counted = listing.count(book.elif_, chosen)
    assert not counted.complete
    assert counted.accounts <= 15


def test_the_export_holds_what_the_rule_keeps(client, book):
    client.force_login(book.elif_)
    text = b"".join(client.get("/accounts/export.csv", {"rule": json.dumps(RICH)}).streaming_content).decode()
    assert len(text.strip().splitlines()) == 16


@pytest.mark.parametrize("rule", ['{"all": [{"field": "password", "op": "eq", "value": "x"}]}', "{", "[" * 5000])
def test_a_rule_that_cannot_be_read_any_more_is_told_and_the_list_opens(client, book, rule):
    client.force_login(book.elif_)
    page = client.get("/accounts/", {"rule": rule})
    assert page.status_code == 200
    assert "cannot be read any more" in page.content.decode()
    assert len(names(page)) == 50


def test_the_builder_leads_to_an_address_that_keeps_the_other_filters(client, book):
    client.force_login(book.elif_)
    opened = client.get("/accounts/filter/", {"owner": "me", "sort": "name"})
    assert 'id="conditions-form"' in opened.content.decode()
    sent = inputs(from_json(RICH))
    sent["query"] = "owner=me&sort=name"
    answer = post(client, "/accounts/filter/", sent)
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert answer.status_code == 302
    assert json.loads(query["rule"][0]) == RICH
    assert (query["owner"], query["sort"]) == (["me"], ["name"])
    assert len(names(client.get(answer["Location"]))) == 15


def test_a_fault_in_the_builder_keeps_the_list_and_names_the_condition(client, book):
    client.force_login(book.elif_)
    sent = inputs(from_json(RICH))
    sent["rule.0.0.value"] = "plenty"
    page = post(client, "/accounts/filter/", sent)
    assert page.status_code == 422
    assert "Expected a number." in page.content.decode()
    assert 'value="plenty"' in page.content.decode()
    assert len(names(page)) == 50


def test_strangers_sign_in_before_they_filter_or_save(client, book):
    for address in ("/accounts/filter/", "/accounts/columns/", "/accounts/views/"):
        assert client.post(address)["Location"].startswith("/login/")
    assert not SavedView.objects.exists()


def test_columns_are_chosen_by_the_reader_and_stay_in_the_address(client, book):
    client.force_login(book.elif_)
    answer = client.post("/accounts/columns/", {"query": "sort=name", "cols": ["plan", "mrr", "nonsense"]})
    assert answer["Location"] == "/accounts/?cols=mrr%2Cplan&sort=name"
    heads = [column["key"] for column in client.get(answer["Location"]).context["columns"]]
    assert heads == ["name", "mrr", "plan"]


def test_a_view_keeps_the_list_and_opens_it_again(client, book):
    client.force_login(book.elif_)
    query = listing.AccountFilter(rule=json.dumps(RICH), text="firma", sort="name").query()
    client.post("/accounts/views/", {"name": "Those who pay", "query": query})
    view = SavedView.objects.get()
    assert (view.owner, view.page, view.shared) == (book.elif_, "accounts", False)
    assert '"field":"mrr"' in view.query
    assert len(names(client.get(f"/accounts/?{view.query}"))) == len(names(client.get(f"/accounts/?{query}")))
    # the same name again replaces it
    client.post("/accounts/views/", {"name": "Those who pay", "query": "sort=name", "shared": "on"})
    assert SavedView.objects.values_list("query", "shared").get() == ("sort=name", True)


def test_shared_views_are_seen_by_all_and_changed_by_their_owner_alone(client, book):
    mine = SavedView.objects.create(owner=book.elif_, page="accounts", name="Ours", query="band=watch", shared=True)
    hidden = SavedView.objects.create(owner=book.elif_, page="accounts", name="Secret", query="")
    client.force_login(book.can)
    assert client.get("/accounts/").context["views"] == [mine]
    for view in (mine, hidden):
        assert client.get(f"/accounts/views/{view.pk}/").status_code == 404
        assert client.post(f"/accounts/views/{view.pk}/", {"do": "remove"}).status_code == 404
    assert SavedView.objects.count() == 2
    client.force_login(book.elif_)
    assert client.post(f"/accounts/views/{mine.pk}/", {"name": "Secret"}).status_code == 422
    assert client.post(f"/accounts/views/{mine.pk}/", {"name": "Watched"})["Location"] == "/accounts/?band=watch"
    mine.refresh_from_db()
    assert (mine.name, mine.shared) == ("Watched", False)
    client.post(f"/accounts/views/{mine.pk}/", {"do": "remove"})
    assert list(SavedView.objects.all()) == [hidden]


def test_who_only_looks_on_keeps_views_without_sharing_and_an_analyst_none(client, book):
    client.force_login(book.vera)
    client.post("/accounts/views/", {"name": "V", "query": "", "shared": "on"})
    assert SavedView.objects.get().shared is False
    client.force_login(book.ana)
    assert client.post("/accounts/views/", {"name": "A", "query": ""}).status_code == 403
    assert SavedView.objects.count() == 1


def test_a_kept_query_can_be_read_and_means_the_same():
    query = "q=z%C3%BCmr%C3%BCt%40a.test&rule=%7B%22a%22%3A%22x%26y%3D%2B%22%7D"
    assert readable(query) == 'q=zümrüt@a.test&rule={"a":"x%26y%3D%2B"}'
    assert readable(readable(query)) == readable(query)
