"""Every kind of bad file is refused with file, row, column and reason, and nothing of it is written."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.importing.engine import Report
from accounts.importing.faults import Rejection, WrongMap
from accounts.importing.mapping import read_mapping
from accounts.models import Account, AccountEvent, Contact, ImportBatch, ImportChange, Subscription, UsageDay
from config.imports import load_file
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


def loaded(folder: Path, kind: str, content: str | bytes, *, name: str = "file.csv", options: dict | None = None, **more: object) -> tuple[Report, list[Rejection]]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found: list[Rejection] = []
    report = load_file(kind, path, now=NOW, mapping=read_mapping(options or {}), listener=found.append, **more)
    return report, found


def written() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Account, Contact, Subscription, UsageDay, Ticket, AccountEvent, ImportBatch, ImportChange))


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    report, _ = loaded(tmp_path, "accounts", "external_id,name\nacme,Acme\nbolt,Bolt\n")
    assert report.created == 2
    report, _ = loaded(tmp_path, "subscriptions", "external_id,account,start,end,subscription\nold,acme,2024-01-01,2024-03-01,S\n")
    assert report.created == 1
    return tmp_path


SPAN = "external_id,account,start,end,subscription\n"
BAD = [
    # kind, content, row, column, words of the reason
    ("accounts", b"", 1, "", "empty"),
    ("accounts", "\n", 1, "", "first line is empty"),
    ("accounts", "external_id,name\nx,Şişe\n".encode("cp1254"), 2, "name", "UTF-8"),
    ("accounts", b"\xff\xfee\x00x\x00", 1, "", "UTF-16"),
    ("accounts", "external_id,name\nx,Xa\ny,Y\0a\n", 3, "name", "NUL"),
    ("accounts", 'external_id,name\nx,Xa\ny,"Ya\nz,Za\n', 3, "name", "never closed"),
    ("accounts", 'external_id,name\nx,"Xa"b\n', 2, "name", "closing quote"),
    ("accounts", "external_id,name\nx,Xa\ny\n", 3, "name", "cells"),
    ("accounts", "external_id,name\nx,Xa,more\n", 2, "name", "cells"),
    ("accounts", "external_id,external_id,name\nx,x,Xa\n", 1, "external_id", "two columns"),
    ("accounts", "external_id,,name\nx,x,Xa\n", 1, "", "no name"),
    ("accounts", "external_id\nx\n", 1, "name", "lacks"),
    ("accounts", "external_id,name\nx,\n", 2, "name", "needed"),
    ("accounts", "external_id,name\nx,Xa\ny,Ya\nx,Za\n", 4, "external_id", "row 2"),
    ("accounts", "external_id,name,owner_email\nx,Xa,who@vefa.test\n", 2, "owner_email", "no user"),
    ("accounts", "external_id,name,lifecycle_stage\nx,Xa,nowhere\n", 2, "lifecycle_stage", "nowhere"),
    ("accounts", "external_id,name,parent_external_id\nx,Xa,zz\n", 2, "parent_external_id", "zz"),
    ("accounts", "external_id,name,parent_external_id\nx,Xa,x\n", 2, "parent_external_id", "own parent"),
    ("accounts", "external_id,name,country\nx,Xa,Turkey\n", 2, "country", "code of 2"),
    ("accounts", "external_id,name,time_zone\nx,Xa,Mars/Olympus\n", 2, "time_zone", "time zone"),
    ("accounts", "external_id,name,signed_up_at\nx,Xa,31.12.2025\n", 2, "signed_up_at", "no date"),
    ("accounts", "external_id,name,signed_up_at\nx,Xa,2025-02-30\n", 2, "signed_up_at", "exists"),
    ("accounts", "external_id,name,excluded\nx,Xa,maybe\n", 2, "excluded", "true nor false"),
    ("accounts", 'external_id,name,revenue_potential\nx,Xa,"1.234,56"\n', 2, "revenue_potential", "no number"),
    ("accounts", "external_id,name,revenue_potential\nx,Xa,1.2345678\n", 2, "revenue_potential", "decimals"),
    ("accounts", "external_id,name,revenue_potential\nx,Xa,NaN\n", 2, "revenue_potential", "no number"),
    ("accounts", "external_id,name\nx," + "A" * 201 + "\n", 2, "name", "201 letters"),
    ("contacts", "external_id,account,email\nc,nobody,a@b.test\n", 2, "account", "nobody"),
    ("contacts", "external_id,account,email\nc,acme,a b@c\n", 2, "email", "e-mail"),
    ("subscriptions", "external_id,account,start,colour\ns,acme,2024-01-01,red\n", 1, "colour", "no such column"),
    ("subscriptions", "external_id,account,start,interval\ns,acme,2024-01-01,fortnight\n", 2, "interval", "fortnight"),
    ("subscriptions", SPAN + "s,acme,2024-05-01,2024-04-01,T\n", 2, "end", "before it starts"),
    ("subscriptions", SPAN + "s,acme,2024-05-01,,T\nt,acme,2024-06-01,,T\n", 3, "start", "row 2"),
    ("subscriptions", SPAN + "s,acme,2024-02-01,,S\n", 2, "start", "stored"),
    ("subscriptions", "external_id,account,start,discount_percent\ns,acme,2024-01-01,101\n", 2, "discount_percent", "outside"),
    ("usage", "account,day,count\nacme,2024-01-01,1\nacme,2024-01-01,2\n", 3, "account", "row 2"),
    ("usage", "account,day,count\nacme,2024-01-01,1.5\n", 2, "count", "whole"),
    ("usage", "account,day,count\nacme,2024-01-01,-1\n", 2, "count", "outside"),
    ("usage", "account,day,count\nacme,2024-01-01 10:00,1\n", 2, "day", "day is expected"),
    ("tickets", "external_id,account,opened_at,severity\nt,acme,2024-01-01,5\n", 2, "severity", "outside"),
    ("ticket_events", "external_id,ticket,occurred_at,kind\ne,none,2024-01-01,created\n", 2, "ticket", "none"),
    ("interactions", "external_id,ticket,ended_at,channel\ne,none,2024-01-01,phone\n", 2, "ticket", "none"),
    ("responses", "external_id,kind,score\nr,nps,9\n", 2, "answered_at", "answered_at"),
    ("responses", "external_id,kind,score,answered_at\nr,nps,many,2024-01-01\n", 2, "score", "number"),
    ("events", "account,kind,occurred_at,dedupe_key\nacme,party,2024-01-01,k\n", 2, "kind", "party"),
    ("events", 'account,kind,occurred_at,dedupe_key,payload\nacme,account.churned,2024-01-01,k,"{""colour"": 1}"\n', 2, "payload", "colour"),
    ("events", "account,kind,occurred_at,dedupe_key,payload\nacme,account.churned,2024-01-01,k,{oops\n", 2, "payload", "JSON"),
    ("exchange_rates", "currency,day,rate\nUSD,2024-01-01,0\n", 2, "rate", "more than 0"),
    ("costs", "external_id,category,amount,start\nc,lunch,10,2024-01-01\n", 2, "category", "lunch"),
    ("business_hours", "weekday,opens,closes\n8,09:00,17:00\n", 2, "weekday", "outside"),
    ("business_hours", "weekday,opens,closes\n1,9 am,17:00\n", 2, "opens", "HH:MM"),
]


@pytest.mark.parametrize(("kind", "content", "row", "column", "words"), BAD, ids=[f"{number}-{case[0]}-{case[4][:12]}" for number, case in enumerate(BAD)])
def test_a_bad_file_is_refused_by_row_and_column_and_nothing_is_written(acme: Path, kind: str, content: str | bytes, row: int, column: str, words: str) -> None:
    before = written()
    report, found = loaded(acme, kind, content)
    assert report.refused
    assert (report.created, report.changed, report.batch) == (0, 0, None)
    assert report.rejected == len(found) == 1
    assert found[0].file == "file.csv"
    assert (found[0].row, found[0].column) == (row, column)
    assert any(word in found[0].reason for word in words.split("|")), found[0].reason
    assert written() == before


def test_a_good_row_before_a_bad_one_is_not_written_unless_asked_for(acme: Path) -> None:
    content = "external_id,name,excluded\nx,Xa,yes\ny,Ya,perhaps\nz,Za,NO\n"
    report, found = loaded(acme, "accounts", content)
    assert (report.refused, report.rejected, Account.objects.filter(external_id="x").exists()) == (True, 1, False)
    report, found = loaded(acme, "accounts", content, good_rows_only=True)
    assert (report.refused, report.created, report.rejected) == (False, 2, 1)
    assert [(fault.row, fault.column) for fault in found] == [(3, "excluded")]
    assert Account.objects.get(external_id="x").excluded is True
    assert Account.objects.get(external_id="z").excluded is False


def test_a_compressed_file_that_was_cut_in_half_is_refused_even_for_its_good_rows(acme: Path) -> None:
    whole = gzip.compress(("external_id,name\n" + "".join(f"k{number},Name {number * 7919}\n" for number in range(4_000))).encode())
    before = written()
    report, found = loaded(acme, "accounts", whole[: len(whole) // 2], name="file.csv.gz", good_rows_only=True)
    assert report.refused
    assert "cut off" in found[0].reason
    assert found[0].row > 2
    assert written() == before
    report, _ = loaded(acme, "accounts", whole, name="file.csv.gz", dry_run=True)
    assert report.created == 4_000


def test_a_name_that_says_gzip_and_a_spreadsheet_are_refused(acme: Path) -> None:
    for content, name, word in ((b"external_id,name\nx,Xa\n", "file.csv.gz", "gzip"), (b"PK\x03\x04rest", "file.csv", "spreadsheet")):
        report, found = loaded(acme, "accounts", content, name=name)
        assert report.refused
        assert word in found[0].reason


def test_a_line_without_end_is_refused_before_memory_fills(acme: Path) -> None:
    report, found = loaded(acme, "accounts", gzip.compress(b"external_id,name\nx," + b"A" * 12_000_000), name="file.csv.gz")
    assert report.refused
    assert (found[0].row, "letters" in found[0].reason) == (2, True)


def test_a_file_that_ends_inside_its_last_cell_is_loaded_with_a_warning(acme: Path) -> None:
    report, _ = loaded(acme, "accounts", "external_id,name\nx,Xa Hold")
    assert (report.created, report.warnings) == (1, {"last_row_without_newline": 1})


def test_a_file_in_another_encoding_is_read_with_a_map_letter_by_letter(acme: Path) -> None:
    name = "İstanbul Işık ŞĞÜÖÇ ığşöç A.Ş."
    content = f"external_id;name;revenue_potential;signed_up_at\nx;{name};1.234,56;31.12.2025\n".encode("cp1254")
    options = {"delimiter": ";", "encoding": "cp1254", "decimal": ",", "thousands": ".", "date_format": "%d.%m.%Y"}
    report, found = loaded(acme, "accounts", content, options=options)
    assert not found
    account = Account.objects.get(external_id="x")
    assert (account.name, str(account.revenue_potential), account.signed_up_at) == (name, "1234.560000", dt.datetime(2025, 12, 31, tzinfo=dt.UTC))
    report, _ = loaded(acme, "accounts", content, options=options)
    assert (report.created, report.changed, report.unchanged) == (0, 0, 1)


def test_a_byte_order_mark_and_windows_line_ends_are_no_letters(acme: Path) -> None:
    report, _ = loaded(acme, "accounts", b'\xef\xbb\xbfexternal_id,name\r\nx,"Two\r\nlines"\r\n')
    assert report.created == 1
    assert Account.objects.get(external_id="x").name == "Two\r\nlines"


def test_utf_16_is_read_where_the_map_says_so(acme: Path) -> None:
    report, _ = loaded(acme, "accounts", "external_id,name\nx,Şişe\n".encode("utf-16"), options={"encoding": "utf-16"})
    assert report.created == 1
    assert Account.objects.get(external_id="x").name == "Şişe"


def test_a_decimal_comma_is_not_mistaken_for_a_separator_nor_a_point_for_nothing(acme: Path) -> None:
    content = 'external_id,name,revenue_potential\nx,Xa,"1234,5"\ny,Ya,1234.5\n'
    _, found = loaded(acme, "accounts", content, options={"decimal_comma": True}, good_rows_only=True)
    assert [(fault.row, fault.column) for fault in found] == [(3, "revenue_potential")]
    assert str(Account.objects.get(external_id="x").revenue_potential) == "1234.500000"


def test_cells_that_a_spreadsheet_would_run_stay_plain_text(acme: Path) -> None:
    report, _ = loaded(acme, "accounts", "external_id,name\nx,=1+1\n")
    assert report.created == 1
    assert Account.objects.get(external_id="x").name == "=1+1"


@pytest.mark.parametrize(
    "options",
    [
        {"colour": "red"},
        {"delimiter": "::"},
        {"encoding": "klingon"},
        {"combine": "max"},
        {"date_format": "soon"},
        {"time_zone": "Mars"},
        {"columns": {"name": "Nowhere"}},
        {"columns": {"nowhere": "x"}},
    ],
)
def test_a_map_that_says_what_nobody_knows_is_wrong_usage(acme: Path, options: dict) -> None:
    with pytest.raises(WrongMap):
        loaded(acme, "subscriptions", "external_id,account,start,x\ns,acme,2024-01-01,1\n", options=options)


def run(*arguments: str) -> tuple[int, dict, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
        code = 0
    except CommandError as fault:
        code = fault.returncode
    except SystemExit as end:
        code = int(str(end.code))
    return code, json.loads(out.getvalue()) if out.getvalue() else {}, err.getvalue()


def test_the_command_tells_json_on_stdout_and_rejected_rows_on_stderr(acme: Path) -> None:
    path = acme / "people.csv"
    path.write_text("external_id,account,email\nc,acme,a@b.test\nd,nobody,d@b.test\n")
    before = written()
    for arguments in (["--dry-run"], []):
        code, summary, told = run("load", "contacts", str(path), *arguments)
        assert (code, summary["created"], summary["rejected"], summary["batch"]) == (1, 0, 1, None)
        assert told.strip().splitlines() == ["people.csv: row 3, column “account”: there is no account “nobody”"]
        assert written() == before
    code, summary, _ = run("load", "contacts", str(path), "--good-rows-only", "--dry-run")
    assert (code, summary["created"], summary["rejected"], summary["batch"]) == (0, 1, 1, None)
    assert written() == before
    code, summary, _ = run("load", "contacts", str(path), "--good-rows-only")
    assert (code, summary["kind"], summary["file"], summary["created"], summary["changed"], summary["unchanged"], summary["rejected"]) == (0, "contacts", "people.csv", 1, 0, 0, 1)
    assert str(ImportBatch.objects.get(kind="contacts").pk) == summary["batch"]


def test_wrong_usage_is_exit_code_2(acme: Path) -> None:
    good = acme / "a.csv"
    good.write_text("external_id,name\nx,Xa\n")
    bad_map = acme / "map.toml"
    bad_map.write_text("colour = 'red'\n")
    for arguments in (
        ["load", "unicorns", str(good)],
        ["load", "accounts", str(acme / "missing.csv")],
        ["load", "accounts", str(good), "--map", str(bad_map)],
        ["load", "accounts", str(good), "--map", str(acme / "none.toml")],
        ["load-bundle", str(acme), "--profile", "unicorn"],
        ["load-bundle", str(acme / "missing"), "--profile", "vefa"],
    ):
        assert run(*arguments)[0] == 2
    assert run("unload", "no-batch")[0] == 1
    assert run("unload", "00000000-0000-0000-0000-000000000000")[0] == 1
