"""What the publishers of the third-party data say about them, against the answers of the KPI engine. Used once the data are loaded."""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from metrics.kpis.engine import answer

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def ask(name: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    return answer(name=name, start=start, end=end, now=NOW, **more)


def month_after(text: str) -> str:
    return (dt.date.fromisoformat(text) + dt.timedelta(days=31)).replace(day=1).isoformat()


class Playbook:
    """The rules of the playbook, month by month over its own table: first of a month included, end excluded."""

    def __init__(self, table: Path):
        with table.open(newline="") as lines:
            self.rows = list(csv.DictReader(lines))
        # the whole table; nobody is there in the last two months of 2017, then come the 26 that the playbook shows
        self.months = [min(row["start_date"] for row in self.rows)]
        while self.months[-1] < "2020-02-01":
            self.months.append(month_after(self.months[-1]))

    def book(self, month: str) -> dict[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.rows:
            if row["start_date"] <= month < row["end_date"]:
                found[row["customer_id"]] += Decimal(row["monthly_amount"])
        return found

    def movements(self) -> list[dict[str, Decimal]]:
        before, known, found = dict[str, Decimal](), set[str](), []
        for month in self.months:
            now = self.book(month)
            parts = dict.fromkeys(("new", "expansion", "contraction", "churned", "reactivation"), Decimal(0))
            for customer in {*before, *now}:
                was, is_now = before.get(customer, Decimal(0)), now.get(customer, Decimal(0))
                if was and is_now:
                    parts["expansion" if is_now > was else "contraction"] += abs(is_now - was)
                elif was:
                    parts["churned"] += was
                else:
                    parts["reactivation" if customer in known else "new"] += is_now
            found.append({"opening": sum(before.values(), Decimal(0)), **parts, "closing": sum(now.values(), Decimal(0)), "customers_end": Decimal(len(now))})
            before, known = now, known | set(now)
        return found


def check_playbook(table: Path) -> None:
    """All 26 months to the digit, by month and by event; the sums that the table gives; rates from the same parts."""
    book, end = Playbook(table), "2020-03-01"
    table_long = book.movements()
    sums = {name: sum(row[name] for row in table_long) for name in ("new", "reactivation", "expansion", "contraction", "churned")}
    assert sums == {"new": 2295, "reactivation": 150, "expansion": 660, "contraction": 555, "churned": 2550}
    months, expected = book.months[-26:], table_long[-26:]
    assert months[0] == "2018-01-01"
    published = {
        "2018-01": (55, 1), "2018-06": (235, 4), "2018-12": (585, 12), "2019-03": (660, 14), "2019-06": (1135, 22), "2019-09": (1455, 31),
        "2019-10": (1680, 36), "2019-11": (1840, 42), "2019-12": (1255, 28), "2020-01": (175, 4),
    }  # fmt: skip
    assert {month[:7]: (row["closing"], row["customers_end"]) for month, row in zip(months, expected, strict=True) if month[:7] in published} == published
    for variant in ("net_per_account", "event_log"):
        series = ask("mrr_movements", "2018-01-01", end, variant=variant, interval="month")["series"]
        assert [{name: Decimal(piece["parts"][name]) for name in row} for piece, row in zip(series, expected, strict=True)] == expected, variant
    for name, above in (("nrr", ("expansion", -1)), ("grr", ("expansion", 0))):
        for piece, row in zip(ask(name, "2018-01-01", end, interval="month")["series"], expected, strict=True):
            kept = row["opening"] - row["churned"] - row["contraction"] - above[1] * row["expansion"]
            assert (Decimal(piece["numerator"]), Decimal(piece["denominator"])) == (kept, row["opening"]), (name, piece["start"])
    quarter = ask("mrr_movements", "2019-01-01", "2019-04-01")["parts"]
    quarterly = expected[12:15]
    # point to point a quarter has the opening and the closing of its months, and what went down and up again inside it is nothing
    assert (Decimal(quarter["opening"]), Decimal(quarter["closing"])) == (quarterly[0]["opening"], quarterly[-1]["closing"])
    gained = sum(row["new"] + row["expansion"] + row["reactivation"] for row in quarterly)
    assert sum(Decimal(quarter[name]) for name in ("new", "expansion", "reactivation")) <= gained
    assert Decimal(quarter["net_new"]) == gained - sum(row["contraction"] + row["churned"] for row in quarterly)


# of the book's own SQL: accounts at the start, churned, churn, MRR at the start, net retention, lost to churn, lost to downsell
SIMULATED = (
    ("2022-03-01", "2022-04-01", 197, 7, "3.553", 187_826, "102.681", 8_070, 1_707),
    ("2022-06-01", "2022-07-01", 213, 2, "0.939", 220_822, "100.727", 2_425, 425),
    ("2022-09-01", "2022-10-01", 240, 4, "1.667", 247_322, "98.277", 6_505, 1_033),
    ("2022-11-01", "2022-12-01", 262, 7, "2.672", 267_519, "98.563", 7_100, 1_100),
)


def check_simulated_vendor() -> None:
    """Every printed row. The book looks at the days themselves, ours at the moment before: its D is our D + 1."""
    for first, last, accounts, churned, churn, opening, retention, lost, downsold in SIMULATED:
        start, end = ((dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat() for day in (first, last))
        logo, kept, gross = ask("logo_churn", start, end), ask("nrr", start, end), ask("gross_mrr_churn", start, end)
        assert (logo["denominator"], logo["numerator"], round(Decimal(logo["value"]) * 100, 3)) == (str(accounts), str(churned), Decimal(churn)), first
        assert (round(Decimal(kept["denominator"])), round(Decimal(kept["value"]) * 100, 3)) == (opening, Decimal(retention)), first
        assert (round(Decimal(gross["parts"]["churned"])), round(Decimal(gross["parts"]["contraction"]))) == (lost, downsold), first
        assert Decimal(gross["numerator"]) == Decimal(gross["parts"]["churned"]) + Decimal(gross["parts"]["contraction"])
        assert round(Decimal(ask("mrr", first, start)["value"])) == opening


def check_telephone_churn() -> None:
    """26.54 %, and by contract. Who began on the day of the snapshot counts among all customers: start + new."""
    told = ask("logo_churn", "2020-01-01", "2020-01-02", variant="stripe_start_plus_new", by="plan")
    assert (told["numerator"], told["denominator"], round(Decimal(told["value"]) * 100, 2)) == ("1869", "7043", Decimal("26.54"))
    rates = {group["key"].lower(): round(Decimal(group["value"]) * 100, 2) for group in told["groups"]}
    assert rates == {"month-to-month": Decimal("42.71"), "one year": Decimal("11.27"), "two year": Decimal("2.83")}
    lost = ask("logo_churn", "2020-01-01", "2020-01-02")
    assert (lost["numerator"], lost["denominator"], lost["parts"]["new"]) == ("1869", "7032", 11)


def check_telephone_churn_with_reasons() -> None:
    """The richer tables: 26.54 % and by contract, the reasons of those who left, satisfaction by score, who joined."""
    told = ask("logo_churn", "2020-01-01", "2020-01-02", by="plan")
    assert (told["numerator"], told["denominator"], round(Decimal(told["value"]) * 100, 2)) == ("1869", "7043", Decimal("26.54"))
    assert {group["key"]: int(group["denominator"]) for group in told["groups"]} == {"Month-to-Month": 3610, "Two Year": 1883, "One Year": 1550}
    reasons = {group["key"]: int(group["numerator"]) for group in ask("logo_churn", "2020-01-01", "2020-01-02", by="reason")["groups"]}
    assert reasons == {"Competitor": 841, "Attitude": 314, "Dissatisfaction": 303, "Price": 211, "Other": 200}
    scores = ask("csat", "2019-12-01", "2020-01-01")["parts"]
    assert [scores[f"score_{score}"] for score in range(1, 6)] == [922, 518, 2665, 1789, 1149]
    stages = {group["key"]: int(group["denominator"]) for group in ask("logo_churn", "2020-01-01", "2020-01-02", by="lifecycle_stage")["groups"]}
    assert stages == {"churned": 1869, "established": 4720, "onboarding": 454}


def months_before(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 - months
    return dt.date(index // 12, index % 12 + 1, day.day)


def check_shop(table: Path) -> None:
    """Inactivity: customers with an order in the window before an instant, at the start and no longer at the end."""
    orders: dict[str, list[dt.date]] = defaultdict(list)
    with table.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if Decimal(row["amount_usd"]) >= 0:
                orders[row["master_id"]].append(dt.datetime.strptime(row["date"], "%Y%m%d").date())

    def active(at: dt.date, since: dt.date) -> set[str]:
        return {customer for customer, days in orders.items() if any(since <= day < at for day in days)}

    for first, last in (("1997-07-01", "1997-08-01"), ("1997-10-01", "1998-01-01"), ("1998-01-01", "1998-07-01")):
        start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        there, after = active(start, months_before(start, 6)), active(end, months_before(end, 6))
        for name in ("churn_by_inactivity", "logo_churn"):
            told = ask(name, first, last)
            assert (int(told["denominator"]), int(told["numerator"])) == (len(there), len(there - after)), (name, first)
        days = dt.timedelta(days=90)
        there, after = active(start, start - days), active(end, end - days)
        told = ask("churn_by_inactivity", first, last, params={"window_days": "90"})
        assert (int(told["denominator"]), int(told["numerator"])) == (len(there), len(there - after)), first


def check_billing_export() -> None:
    """Few keys join: two subscriptions of placeholder customers. No rate for their currency is a figure of nothing, named; with one it is whole."""
    told = ask("mrr", "2020-01-01", "2026-01-01")
    assert told["value"] is None or told["missing"] == []
    for piece in ask("mrr_movements", "2020-01-01", "2026-01-01", interval="quarter")["series"]:
        parts = {name: value if isinstance(value, int) or value is None else Decimal(value) for name, value in piece["parts"].items()}
        if piece["missing"]:
            assert piece["value"] is None
        else:
            closing = parts["opening"] + parts["new"] + parts["expansion"] - parts["contraction"] - parts["churned"] + parts["reactivation"] + parts["fx"]
            assert closing == parts["closing"]


__all__ = ["check_billing_export", "check_playbook", "check_shop", "check_simulated_vendor", "check_telephone_churn", "check_telephone_churn_with_reasons"]
