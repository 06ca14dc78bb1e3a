"""Search: folded letters, whose rows, the order of what is found."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Contact
from accounts.queries.search import search


@pytest.mark.parametrize("text", ["istanbul", "İSTANBUL", "ISTANBUL", "ıstanbul", "İstanbul nak", "  istanbul  "])
def test_turkish_letters_and_case_do_not_matter(cast, text):
    found = Account.objects.create(external_id="ist", name="İSTANBUL Nakliyat", owner=cast.elif_)
    assert search(cast.elif_, text).accounts == [found]


def test_contacts_are_found_by_name_and_by_address(cast):
    assert search(cast.elif_, "aydin").contacts == [cast.selin]
    assert search(cast.elif_, "selin@bogazici").contacts == [cast.selin]


def test_nobody_finds_what_is_not_theirs(client, cast):
    assert search(cast.can, "bogazici").nothing
    assert search(cast.can, "selin").nothing
    for who in ("deniz", "ana"):
        assert search(getattr(cast, who), "bogazici").nothing
    client.force_login(cast.can)
    assert "Boğaziçi" not in client.get("/search/?q=bogazici").content.decode()


@pytest.mark.parametrize("text", ["", "b", " b ", "\x00"])
def test_less_than_two_letters_find_nothing(client, cast, text):
    assert search(cast.elif_, text) is None
    client.force_login(cast.elif_)
    assert client.get("/search/", {"q": text}).status_code == 200


def test_names_that_begin_with_the_text_come_first_and_eight_are_enough(cast):
    for number in range(12):
        Account.objects.create(external_id=f"a{number}", name=f"Big Delta {number:02}", owner=cast.elif_)
    first = Account.objects.create(external_id="d", name="Delta", owner=cast.elif_)
    within = Account.objects.create(external_id="w", name="Xdelta", owner=cast.elif_)
    found = search(cast.elif_, "delta").accounts
    assert found[0] == first
    assert len(found) == 8
    assert within not in found


@pytest.mark.parametrize("text", ["100%", "a_b", "\\'", "'; drop table", "<script>"])
def test_signs_with_a_meaning_elsewhere_are_plain_letters_here(client, cast, text):
    Account.objects.create(external_id="x", name="Nothing of this", owner=cast.elif_)
    client.force_login(cast.elif_)
    response = client.get("/search/", {"q": text})
    assert response.status_code == 200
    assert response.context["found"].nothing
    assert "<script>" not in response.content.decode().split("<main")[1]


def test_as_you_type_only_the_results_come(client, cast):
    client.force_login(cast.elif_)
    page = client.get("/search/?q=selin", headers={"HX-Request": "true"}).content.decode()
    assert page.startswith('<div class="hits">')
    assert f"/accounts/{cast.boga.pk}/contacts/#contact-{cast.selin.pk}" in page


def test_a_search_takes_four_queries(client, cast):
    client.force_login(cast.elif_)
    with CaptureQueriesContext(connection) as seen:
        client.get("/search/?q=selin", headers={"HX-Request": "true"})
    assert len(seen) <= 4, [entry["sql"][:100] for entry in seen]


def test_strangers_sign_in_first(client, db):
    assert client.get("/search/?q=x")["Location"] == "/login/?next=/search/%3Fq%3Dx"


def test_a_contact_without_a_name_is_found_by_address(cast):
    contact = Contact.objects.create(external_id="n", account=cast.boga, email="info@bogazici.test")
    assert search(cast.elif_, "info@").contacts == [contact]
