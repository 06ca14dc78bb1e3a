"""The same file twice changes nothing, and unloading leaves the tables as they were."""

from __future__ import annotations

import datetime as dt
import json
import random

import pytest
from django.db import connection

from accounts.event_kinds import check_payload
from accounts.importing.engine import Report
from accounts.importing.faults import UndoRefused
from accounts.importing.undo import UnknownBatch, undo_batch
from accounts.models import Account, AccountEvent, ImportBatch, Segment, SegmentMembership, Subscription, WorkItem
from config.imports import DERIVED, KINDS, load_rows

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
# what an import leaves on purpose (its own ledger, features, marks, appended sums of months) and what the sweep works out
LEFT = {
    "accounts_importbatch",
    "accounts_mrrtotal",
    "accounts_importchange",
    "accounts_accountdirty",
    "accounts_feature",
    "metrics_latechange",
    "metrics_staleticket",
    "django_migrations",
    "django_session",
}
QUIET = {"tickets_ticket": ["clocks_set_at"], "accounts_subscriptionchange": ["id"], "accounts_accountsnapshot": []}


def put(kind: str, rows: list[dict], **more: object) -> Report:
    faults: list = []
    report = load_rows(kind, rows, now=more.pop("now", NOW), listener=faults.append, **more)
    assert not faults, faults
    return report


def undo(report: Report) -> None:
    undo_batch(batch_id=report.batch or "", kinds=KINDS.values(), derived=DERIVED, now=NOW)


def dump() -> dict[str, list]:
    """Every row of every table of the product, in order."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1")
        for (table,) in cursor.fetchall():
            if table in LEFT:
                continue
            cursor.execute(f'SELECT (to_jsonb(t) - %s::text[])::text FROM "{table}" t ORDER BY 1', [QUIET.get(table, [])])
            rows = [row[0] for row in cursor.fetchall()]
            if rows:
                found[table] = rows
    return found


def day(dice: random.Random) -> str:
    return (dt.date(2024, 1, 1) + dt.timedelta(days=dice.randrange(700))).isoformat()


def small_files(dice: random.Random) -> list[tuple[str, list[dict]]]:
    """Small random files of every kind that hold together."""
    names = [f"a{number}" for number in range(4)]
    columns = dice.sample(["segment", "plan", "tags", "lifecycle_stage", "parent_external_id", "seats", "currency", "churned_at"], dice.randrange(9))
    choices = {
        "segment": ["vip", "core", "Büyük", ""], "plan": ["Pro", ""], "tags": ["x;y", ""], "lifecycle_stage": ["trial", "churned", ""], "parent_external_id": ["", "a0"],
        "seats": ["5", "7", ""], "currency": ["EUR", "TRY", ""], "churned_at": ["", "2025-03-01"],
    }  # fmt: skip
    accounts = [
        {"external_id": name, "name": dice.choice(["İlk", "Second", "Üç"]), "signed_up_at": dice.choice(["", "2024-01-05"])}
        | {column: dice.choice(choices[column]) if not (name == "a0" and column == "parent_external_id") else "" for column in columns}
        for name in names
    ]
    spans = []
    for name in names[:3]:
        cuts = sorted({day(dice) for _ in range(dice.randrange(2, 5))})
        for number, (start, end) in enumerate(zip(cuts, [*cuts[1:], ""], strict=True)):
            spans.append(
                {
                    "external_id": f"{name}-{number}",
                    "account": name,
                    "subscription": "S",
                    "start": start,
                    "end": end,
                    "amount": str(dice.randrange(0, 900)),
                    "interval": dice.choice(["month", "year", "week"]),
                }
            )
    usage = [{"account": name, "day": day(dice), "feature": dice.choice(["", "f1", "f2"]), "count": str(dice.randrange(90))} for name in names for _ in range(3)]
    usage = list({(row["account"], row["day"], row["feature"]): row for row in usage}.values())
    tickets = [
        {
            "external_id": f"t{number}",
            "account": dice.choice(names),
            "opened_at": "2025-01-01",
            "solved_at": dice.choice(["", "2025-01-03"]),
            "severity": str(dice.randrange(1, 5)),
            "contact_email": dice.choice(["", "new@a.test"]),
        }
        for number in range(3)
    ]
    history = [
        {
            "external_id": f"e{number}",
            "ticket": f"t{dice.randrange(3)}",
            "occurred_at": f"2025-01-0{number + 2}T10:00",
            "kind": "status",
            "value": dice.choice(["open", "solved", "closed"]),
            "body": "",
        }
        for number in range(4)
    ]
    history.append({"external_id": "e9", "ticket": "t0", "occurred_at": "2025-01-02", "kind": "public_reply", "value": "", "body": dice.choice(["Hello", ""])})
    answers = [
        {
            "external_id": f"r{number}",
            "kind": "nps",
            "score": str(dice.randrange(11)),
            "answered_at": day(dice),
            "account": dice.choice([*names, ""]),
            "contact_email": dice.choice(["", "p@q.test"]),
            "survey": dice.choice(["", "yearly"]),
        }
        for number in range(4)
    ]
    people = [{"external_id": f"c{number}", "account": name, "email": f"p{dice.randrange(3)}@x.test", "name": dice.choice(["Ada", ""])} for number, name in enumerate(names)]
    payments = [
        {"external_id": f"x{number}", "account": dice.choice(names), "occurred_at": day(dice), "amount": "12.5", "status": dice.choice(["failed", "succeeded"])}
        for number in range(4)
    ]
    return [
        ("accounts", accounts),
        ("contacts", people),
        ("subscriptions", spans),
        ("transactions", payments),
        ("usage", usage),
        ("costs", [{"external_id": "k1", "category": "team", "amount": str(dice.randrange(1, 90)), "start": "2025-01-01", "segment": dice.choice(["", "vip", "Nur Demo"])}]),
        ("exchange_rates", [{"currency": "TRY", "day": "2025-01-01", "rate": str(dice.randrange(1, 9))}]),
        ("service_levels", [{"severity": "1", "segment": dice.choice(["", "vip"]), "first_reply_seconds": "60"}]),
        ("business_hours", [{"weekday": "1", "opens": "09:00", "closes": dice.choice(["17:00", "18:00"])}]),
        ("holidays", [{"day": "2025-01-01", "name": dice.choice(["New year", ""])}]),
        ("tickets", tickets),
        ("ticket_events", history),
        ("interactions", [{"external_id": "i1", "ended_at": "2025-02-01", "channel": "phone", "ticket": dice.choice(["t0", ""]), "talk_seconds": str(dice.randrange(90))}]),
        ("responses", answers),
        ("events", [{"account": "a1", "kind": "onboarding.completed", "occurred_at": "2025-01-01", "dedupe_key": "k", "payload": json.dumps({"days": dice.randrange(9)})}]),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_loading_twice_changes_nothing_and_unloading_restores_every_row(seed: int) -> None:
    dice = random.Random(f"undo {seed}")
    empty = dump()
    first, stages = [], []
    for kind, rows in small_files(dice):
        stages.append(dump())
        first.append(put(kind, rows))
        again = put(kind, rows)
        assert (kind, again.created, again.changed, again.unchanged) == (kind, 0, 0, len(rows))
        undo(again)
    loaded = dump()
    changed, before_each = [], []
    for kind, rows in small_files(dice):
        # the second file knows other cuts: spans that only the first has might overlap
        if kind == "subscriptions" and set(Subscription.objects.values_list("external_id", flat=True)) - {row["external_id"] for row in rows}:
            continue
        before_each.append(dump())
        changed.append(put(kind, rows, now=NOW + dt.timedelta(hours=1)))
    for report, before in zip(reversed(changed), reversed(before_each), strict=True):
        undo(report)
        assert dump() == before, report.kind
    assert dump() == loaded
    for report, before in zip(reversed(first), reversed(stages), strict=True):
        undo(report)
        assert dump() == before, report.kind
    assert dump() == empty


def test_every_event_an_import_writes_fits_its_kind_and_stands_once() -> None:
    dice = random.Random("events")
    for _ in range(3):
        for kind, rows in small_files(dice):
            if kind != "subscriptions" or not Subscription.objects.exists():
                put(kind, rows)
    put("accounts", [{"external_id": "a0", "name": "A", "trial_started_at": "2024-01-01", "trial_ended_at": "2024-02-01", "churned_at": "2025-01-01", "churn_reason": "price"}])
    put(
        "transactions",
        [
            {"external_id": "o", "account": "a0", "occurred_at": "2024-01-01", "amount": "9", "status": "failed", "invoice": "I"},
            {"external_id": "p", "account": "a0", "occurred_at": "2024-01-02", "amount": "9", "status": "succeeded", "invoice": "I"},
        ],
    )
    kinds = set()
    for event in AccountEvent.objects.all():
        check_payload(event.kind, event.payload)
        assert event.origin == "import"
        assert event.batch_id is not None
        assert event.occurred_at <= NOW
        kinds.add(event.kind)
    assert {
        "account.created", "account.churned", "trial.started", "trial.ended", "subscription.started", "subscription.changed", "payment.failed", "payment.recovered",
        "purchase.completed", "ticket.opened", "ticket.solved", "survey.answered", "segment.changed", "onboarding.completed",
    } <= kinds  # fmt: skip


def test_unloading_is_refused_where_a_row_was_changed_since_and_names_it() -> None:
    report = put("accounts", [{"external_id": "a", "name": "A"}, {"external_id": "b", "name": "B"}])
    Account.objects.filter(external_id="b").update(plan="Pro")
    with pytest.raises(UndoRefused) as refusal:
        undo(report)
    assert [reason for reason in refusal.value.reasons if "“b” was changed since" in reason]
    assert Account.objects.count() == 2
    assert ImportBatch.objects.get(pk=report.batch).undone_at is None


def test_unloading_is_refused_where_later_rows_refer_to_what_was_made() -> None:
    accounts = put("accounts", [{"external_id": "a", "name": "A"}])
    contacts = put("contacts", [{"external_id": "c", "account": "a", "email": "c@a.test"}])
    usage = put("usage", [{"account": "a", "day": "2025-01-01", "count": 3}])
    for later in (contacts, usage):
        with pytest.raises(UndoRefused, match="“a” is referred to"):
            undo(accounts)
        undo(later)
    undo(accounts)
    assert not Account.objects.exists()
    with pytest.raises(UnknownBatch):
        undo(accounts)


def test_unloading_is_refused_while_somebody_works_on_an_imported_account(cast) -> None:
    report = put("accounts", [{"external_id": "a", "name": "A"}])
    WorkItem.objects.create(account=Account.objects.get(external_id="a"), type="risk", reason="r", why={}, due_at=NOW, source="rule")
    with pytest.raises(UndoRefused, match="accounts_workitem"):
        undo(report)


def test_what_rules_worked_out_for_an_imported_account_goes_with_it() -> None:
    report = put("accounts", [{"external_id": "a", "name": "A"}])
    account = Account.objects.get()
    SegmentMembership.objects.create(account=account, segment=Segment.objects.get(key="core"), valid_from=NOW, reason="rule")
    AccountEvent.objects.create(account=account, kind="segment.changed", occurred_at=NOW, origin="app", payload={"segment": "core"})
    undo(report)
    assert not Account.objects.exists()
    assert not SegmentMembership.objects.exists()
