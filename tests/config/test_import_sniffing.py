"""What an unknown file tells of itself; where two readings fit, none is taken."""

from __future__ import annotations

import gzip
import zlib

import pytest

from config.import_runs import sniffing
from config.import_runs.columns import Draft, folded, kind_like, suggested
from config.imports import KINDS


@pytest.mark.parametrize(
    ("content", "encoding", "certain"),
    [
        ("ad;şehir\nŞişe;İzmir\n".encode(), "utf-8", True),
        ("ad;şehir\nŞişe;İzmir\n".encode("utf-8-sig"), "utf-8", True),
        ("ad;şehir\nŞişe;İzmir\n".encode("cp1254"), "cp1254", False),
        ("ad;şehir\nŞişe;İzmir\n".encode("utf-16"), "utf-16", True),
        (b"name\nplain", "utf-8", True),
    ],
)
def test_an_encoding_is_certain_or_a_person_looks(content, encoding, certain):
    told = sniffing.look([content[:7], content[7:]], most_rows=10)
    assert (told.encoding, told.certain) == (encoding, certain)


def test_a_letter_cut_by_two_chunks_is_still_one_letter():
    content = "a,ş\n".encode()
    assert sniffing.look([content[:3], content[3:]], most_rows=10).certain


@pytest.mark.parametrize(("content", "rows"), [(b"a\n1\n2\n", 2), (b"a\n1\n2", 2), (b"a\n", 0), (b"a", 0)])
def test_rows_are_counted_without_the_header(content, rows):
    assert sniffing.look([content], most_rows=10).rows == rows


def test_too_many_rows_and_too_many_bytes_are_refused_on_the_way():
    with pytest.raises(sniffing.TooLarge, match="rows"):
        sniffing.look([b"a\n" * 12], most_rows=10)
    bomb = gzip.compress(b"0" * 5_000_000)
    with pytest.raises(sniffing.TooLarge, match="bytes"):
        list(sniffing.unpacked([bomb], most=1_000_000))


def test_packed_files_are_unpacked_whole_and_cut_ones_are_noticed():
    packed = gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n")
    assert b"".join(sniffing.unpacked([packed[:9], packed[9:]], most=100)) == b"a,b\n1,2\n"
    with pytest.raises(zlib.error):
        list(sniffing.unpacked([gzip.compress(b"a,b\n" * 100)[:-12]], most=1000))


@pytest.mark.parametrize(
    ("text", "delimiter"), [("a,b\n1,2\n", ","), ("a;b\n1,5;2\n", ";"), ("a\tb\n1\t2\n", "\t"), ("a|b|c\n1|2|3\n", "|"), ("only\none\n", ","), ('a;b\n"x,y,z";1\n"p,q,r";2\n', ";")]
)
def test_the_delimiter_cuts_all_lines_alike(text, delimiter):
    assert sniffing.delimiter_of(text) == delimiter


@pytest.mark.parametrize(
    ("cells", "form", "certain"),
    [
        (["1.234,56"], ",.", True), (["1,234.56"], ".,", True), (["12,5", "1.234"], ",.", True), (["12.5", "12.345"], ".", True), (["1.234"], ".", False),
        (["1,234", "7"], ".", False), (["1.234.567"], ",.", True), (["1 234,5"], ", ", True), (["5", "70"], ".", True), (["0.125"], ".", True),
        (["1,5", "1.5"], ".", False), (["-12,25", "abc"], ",", True), ([], ".", True),
    ],
)  # fmt: skip
def test_numbers_are_read_in_the_one_way_that_fits(cells, form, certain):
    assert sniffing.numbers_of(cells) == (form, certain)


def test_days_that_fit_two_ways_are_left_open():
    assert sniffing.days_of(["2026-05-04", "2026-05-04T09:30"]) == ("",)
    assert sniffing.days_of(["31.12.2026", "1.1.2027 09:30"]) == ("%d.%m.%Y",)
    assert sniffing.days_of(["03/04/2026"]) == ("%d/%m/%Y", "%m/%d/%Y")
    assert sniffing.days_of(["03/04/2026", "25/04/2026"]) == ("%d/%m/%Y",)
    assert sniffing.days_of(["soon"]) == ()


def test_columns_are_found_by_their_turkish_names():
    assert folded("Müşteri No") == "musteri_no"
    found = suggested(KINDS["accounts"], ["Müşteri No", "Ünvan", "Ülke", "Kayıt Tarihi", "Koltuk"])
    assert found == {"Müşteri No": "external_id", "Ünvan": "name", "Ülke": "country", "Kayıt Tarihi": "signed_up_at"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_file_in_our_own_layout_is_known_for_what_it_is_and_needs_no_map(kind):
    header = [column.name for column in KINDS[kind].columns]
    assert kind_like(header, KINDS) == kind
    draft = Draft.of_map(kind=KINDS[kind], given={}, head=(",".join(header) + "\n").encode())
    assert draft.check(letters_seen=False)
    assert draft.as_map() == {}


def test_a_map_survives_the_page():
    head = "No;Tutar;Gün;Hesap;Not\n1;1.234,50;03/04/2026;a;x\n".encode()
    given = {
        "encoding": "utf-8", "delimiter": ";", "by_name": False, "others": "ignore", "decimal": ",", "thousands": ".", "date_formats": {"occurred_at": ["%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S"]},
        "columns": {"external_id": "No", "amount": "Tutar", "occurred_at": "Gün", "account": "Hesap"}, "constants": {"currency": "TRY"},
    }  # fmt: skip
    draft = Draft.of_map(kind=KINDS["transactions"], given=given, head=head)
    assert draft.check(letters_seen=False), draft.faults
    assert draft.as_map() == given


def test_what_is_missing_doubled_or_unclear_is_named_at_its_input():
    head = b"id;account;amount;day;total\n1;a;1.234;03/04/2026;2\n"
    draft = Draft.of_map(kind=KINDS["transactions"], given={"columns": {"external_id": "id", "amount": "amount", "occurred_at": "day"}}, head=head)
    draft.targets[4] = "amount"
    draft.constants = [("external_id", "x")]
    assert not draft.check(letters_seen=False)
    assert set(draft.faults) == {"columns", "numbers", "d3", "c4", "n0"}
    assert "account" in draft.faults["columns"]


def test_a_way_of_writing_numbers_that_was_found_is_no_choice_for_columns_to_come():
    head = b"id,name,seats\n1,Ada,1.250\n"
    before = Draft.of_map(kind=KINDS["accounts"], given={}, head=head)
    assert before.number_form() == "."
    post = {"numbers": ".", "numbers_found": ".", "c0": "external_id", "c1": "name", "c2": "=number"}
    draft = Draft.of_post(kind=KINDS["accounts"], post=post, head=head, before=before)
    assert not draft.check(letters_seen=False)
    assert set(draft.faults) == {"numbers"}
    assert Draft.of_post(kind=KINDS["accounts"], post={**post, "numbers": ",."}, head=head, before=before).check(letters_seen=False)
    # the same after the page was left and opened again
    again = Draft.of_map(kind=KINDS["accounts"], given=before.as_map() | {"decimal": "."}, head=head)
    assert again.numbers == ""
