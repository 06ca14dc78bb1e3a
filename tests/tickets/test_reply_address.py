"""Addresses of tickets: found again by their sign, whatever the case, and by nobody who only counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.admin.operations import LONGEST_LOCAL_PART as ALLOWED
from accounts.models import Installation
from tickets.reply_address import LONGEST_LOCAL_PART, address_of, is_ours, key_of, ticket_in

BASE = "Support@Help.vefa.test"
KEY, OTHER = key_of("a secret"), key_of("another secret")


@given(st.integers(1, 2**31 - 1))
def test_every_ticket_is_found_by_its_address(number):
    address = address_of(number, base=BASE, key=KEY)
    local = address.partition("@")[0]
    assert local.startswith(f"Support+t{number}-")
    assert len("x" * LONGEST_LOCAL_PART) - len("Support") + len(local) <= 64
    for spelled in (address, address.lower(), address.upper(), f" {address} "):
        assert ticket_in(spelled, base=BASE, keys=[OTHER, KEY]) == number
    assert ticket_in(address, base=BASE, keys=[OTHER]) is None
    assert ticket_in(address.replace(f"+t{number}-", f"+t{number + 1}-"), base=BASE, keys=[KEY]) is None


@pytest.mark.parametrize(
    "address", ["", "@", "support@help.vefa.test", "support+t7@help.vefa.test", "support+t7-aaaaaaaaaaaa@help.vefa.test", "support+t07-aaaaaaaaaaaa@help.vefa.test", "x+t7-a@y"]
)
def test_other_addresses_are_of_no_ticket(address):
    assert ticket_in(address, base=BASE, keys=[KEY]) is None


def test_what_came_from_here_is_known():
    for address in ("support@help.vefa.test", "SUPPORT+anything@HELP.vefa.test", address_of(7, base=BASE, key=KEY)):
        assert is_ours(address, base=BASE)
    for address in ("support@vefa.test", "supporter@help.vefa.test", "", "support"):
        assert not is_ours(address, base=BASE)
    assert not is_ours("@", base="")
    assert address_of(7, base="", key=KEY) == ""


@pytest.mark.django_db
def test_the_address_of_tickets_is_set_by_an_admin_and_checked(client, cast):
    assert ALLOWED == LONGEST_LOCAL_PART
    client.force_login(cast.ada)
    Installation.current()
    page = "/admin/accounts/installation/1/change/"
    for wrong in ("nobody", "a+b@c.test", "x" * (LONGEST_LOCAL_PART + 1) + "@c.test"):
        assert client.post(page, {"sending_enabled": "on", "sending_note": "", "ticket_address": wrong}).status_code == 200
        assert Installation.current().ticket_address == ""
    for right, kept in ((" Support@Help.vefa.test", "support@help.vefa.test"), ("x" * LONGEST_LOCAL_PART + "@c.test",) * 2, ("", "")):
        assert client.post(page, {"sending_enabled": "on", "sending_note": "", "ticket_address": right}).status_code == 302
        assert Installation.current().ticket_address == kept
