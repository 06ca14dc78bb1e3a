"""Importing accounts and contacts."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any, ClassVar

from django.utils.text import slugify
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts.actions.segments import override_segments
from accounts.actions.stages import BEGUN_ELSEWHERE, begin_stays, keep_stays
from accounts.collation import search_key, sort_key
from accounts.importing.field_types import Choice, Number, Tags, Text, Whole
from accounts.importing.kinds import Column, DerivedRows, Kind, LooseReference
from accounts.importing.staging import Loading
from accounts.importing.writing import fill_from_model, mark_rows_changed, record_side_rows
from accounts.imports.fields import BOOLEAN, COUNTRY, CURRENCY, EMAIL, INSTANT, KEY, LANGUAGE, ZONE, mark_dirty_accounts, refuse_unless, resolve_accounts, write_events
from accounts.models import Account, Contact, Segment, StageStay
from accounts.models.events import Origin
from accounts.models.segments import SegmentMembership

# an imported override without any date holds for all time that is known
BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# imported people are left in peace for a week
REST = dt.timedelta(days=7)


def resolve_segments(load: Loading, column: str = "segment") -> None:
    """Adds `segment_id` to `incoming`; a segment that is not known is created."""
    load.run("ALTER TABLE incoming ADD segment_id bigint")
    named = [row[0] for row in load.fetch(f'SELECT DISTINCT "{column}" FROM incoming WHERE "{column}" IS NOT NULL ORDER BY 1')]
    known = list(Segment.objects.values_list("id", "key", "name"))
    for name in named:
        found = segment_named(name, known)
        if found is None:
            key = name if re.fullmatch(r"[-a-zA-Z0-9_]{1,60}", name) else slugify(search_key(name))[:60] or f"segment-{len(known) + 1}"
            made = Segment.objects.create(key=key, name=name[:80])
            known.append((made.pk, made.key, made.name))
            record_side_rows(load, Segment._meta.db_table, "SELECT s.id, true, NULL::jsonb, to_jsonb(s) FROM accounts_segment s WHERE s.id = %(made)s", {"made": made.pk})
            found = made.pk
        load.run(f'UPDATE incoming SET segment_id = %(found)s WHERE "{column}" = %(name)s', {"found": found, "name": name})


def segment_named(name: str, known: list[tuple[int, str, str]]) -> int | None:
    """The segment of a name: by key, by name, or by key with other separators and case."""
    for pk, key, title in known:
        if name in {key, title}:
            return pk
    loose = slugify(search_key(name)).replace("-", "_")
    return next((pk for pk, key, _title in known if loose and loose == key.lower().replace("-", "_")), None)


class Accounts(Kind):
    """Customers. Columns that nobody knows land in `attributes`."""

    name = "accounts"
    model = Account
    keeps_unknown = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("name", Text(200), required=True), Column("domain", Text(253)), Column("owner_email", EMAIL),
        Column("business_model", Choice(("subscription", "ecommerce"))), Column("segment", Text(80)), Column("segment_from", INSTANT),
        Column("lifecycle_stage", Text(40), target="lifecycle_stage_id"), Column("stage_since", INSTANT), Column("plan", Text(120)),
        Column("industry", Text(120)), Column("country", COUNTRY), Column("time_zone", ZONE), Column("language", LANGUAGE),
        Column("currency", CURRENCY), Column("revenue_potential", Number(places=6, least=Decimal(0))),
        Column("signed_up_at", INSTANT), Column("trial_started_at", INSTANT), Column("trial_ended_at", INSTANT), Column("churned_at", INSTANT),
        Column("churn_reason", Text(80)), Column("churn_reason_detail", Text(500)), Column("excluded", BOOLEAN), Column("parent_external_id", KEY), Column("tags", Tags()),
    )  # fmt: skip
    derived = (("name_sort", "text"), ("name_search", "text"))
    # the segment follows its history, which is undone on its own
    unmanaged = frozenset({"segment_id"})
    moved_by_rules = frozenset({"lifecycle_stage_id"})
    loose_references = (LooseReference("accounts_account", "accounts_usageday", "account_id"),)
    derived_rows = (
        DerivedRows("accounts_account", "accounts_accountsnapshot", "account_id"),
        DerivedRows("accounts_account", "accounts_accountdirty", "account_id"),
        DerivedRows("accounts_account", "accounts_pastplan", "account_id"),
        DerivedRows("accounts_account", "accounts_subscriptionchange", "account_id"),
        DerivedRows("accounts_account", "accounts_segmentmembership", "account_id", "c.reason = 'rule'"),
        # moves by hand and by the API keep the import: somebody worked with the account
        DerivedRows("accounts_account", "accounts_stagestay", "account_id", "c.reason IN ('rule', 'import', 'known')"),
        DerivedRows(
            "accounts_account",
            "accounts_accountevent",
            "account_id",
            "c.origin = 'app' AND c.actor_id IS NULL AND c.kind IN ('segment.changed', 'stage.changed', 'health.band_changed')",
        ),
    )

    def derive(self, cells: dict[str, Any]) -> tuple[Any, ...]:
        """The letters for sorting and searching."""
        name = cells["name"] or ""
        return sort_key(name)[:400], search_key(name)[:400]

    def resolve(self, load: Loading) -> None:
        """Owners, stages, parents, segments."""
        if "owner_email" in load.given:
            load.run("ALTER TABLE incoming ADD owner_id bigint")
            load.run("UPDATE incoming i SET owner_id = u.id FROM accounts_user u WHERE u.email = i.owner_email")
            load.reject_where(
                "SELECT row, format(%(text)s, owner_email) FROM incoming WHERE owner_email IS NOT NULL AND owner_id IS NULL", "owner_email", {"text": _("there is no user “%s”")}
            )
        if "lifecycle_stage" in load.given:
            known = ", ".join(row[0] for row in load.fetch("SELECT key FROM accounts_lifecyclestage ORDER BY position"))
            load.reject_where(
                "SELECT row, format(%(text)s, lifecycle_stage, %(known)s::text) FROM incoming i WHERE lifecycle_stage IS NOT NULL "
                "AND NOT EXISTS (SELECT 1 FROM accounts_lifecyclestage s WHERE s.key = i.lifecycle_stage)",
                "lifecycle_stage",
                {"text": _("“%s” is no lifecycle stage; there are %s"), "known": known},
            )
        if "stage_since" in load.given:
            named = "i.lifecycle_stage IS NOT NULL" if "lifecycle_stage" in load.given else "false"
            refuse_unless(load, f"i.stage_since IS NULL OR {named}", "stage_since", _("it says since when the account is in a stage: name the stage"))
            refuse_unless(load, "coalesce(i.stage_since <= %(now)s, true)", "stage_since", _("no stage begins in the future"))
        if "parent_external_id" in load.given:
            load.run("ALTER TABLE incoming ADD parent_id bigint")
            load.run("UPDATE incoming i SET parent_id = a.id FROM accounts_account a WHERE a.external_id = i.parent_external_id")
            refuse_unless(load, "i.parent_external_id IS DISTINCT FROM i.external_id", "parent_external_id", _("an account cannot be its own parent"))
            load.reject_where(
                "SELECT row, format(%(text)s, parent_external_id) FROM incoming i WHERE parent_external_id IS NOT NULL AND parent_id IS NULL "
                "AND NOT EXISTS (SELECT 1 FROM incoming p WHERE p.external_id = i.parent_external_id)",
                "parent_external_id",
                {"text": _("there is no account “%s”")},
            )
        if "segment" in load.given:
            resolve_segments(load)

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns and resolved references."""
        more = {}
        if "owner_email" in load.given:
            more["owner_id"] = "i.owner_id"
        if "parent_external_id" in load.given:
            more["parent_id"] = "i.parent_id"
        return fill_from_model(load, more)

    def after_insert(self, load: Loading) -> None:
        """Parents that the same file made."""
        if "parent_external_id" in load.given:
            load.run(
                "UPDATE final f SET parent_id = p.id FROM incoming i JOIN accounts_account p ON p.external_id = i.parent_external_id WHERE i.row = f.row AND f.parent_id IS NULL"
            )
            mark_rows_changed(load, "t.parent_id IS DISTINCT FROM f.parent_id")
            load.run("UPDATE accounts_account a SET parent_id = f.parent_id FROM final f WHERE f.target = a.id AND f.fate = 'created' AND f.parent_id IS NOT NULL")

    def mark_changed(self, load: Loading) -> None:
        """Stages that began at another instant; segments: overrides with reason import, in force from their own date or the signing up."""
        if "stage_since" in load.given:
            told = "(SELECT f.target, i.stage_since FROM incoming i JOIN final f USING (row) WHERE f.fate IS NULL AND i.stage_since IS NOT NULL)"
            begun = f"SELECT account_id FROM ({BEGUN_ELSEWHERE.format(told=told)}) begun"
            load.run(f"UPDATE final f SET fate = 'changed', before = to_jsonb(t) FROM \"{self.table}\" t WHERE t.id = f.target AND f.target IN ({begun})")
        if "segment" not in load.given:
            return
        own = "i.segment_from" if "segment_from" in load.given else "CASE WHEN m.is_override AND m.reason = 'import' AND m.segment_id = i.segment_id THEN m.valid_from END"
        rows = load.fetch(
            f"SELECT f.target, i.segment_id, CASE WHEN i.segment_id IS NULL THEN %(now)s ELSE coalesce({own}, f.signed_up_at, %(beginning)s) END "
            "FROM incoming i JOIN final f USING (row) LEFT JOIN accounts_segmentmembership m ON m.account_id = f.target AND m.valid_to IS NULL "
            "WHERE i.segment_id IS NOT NULL OR m.is_override",
            {"beginning": BEGINNING},
        )
        # what stood in the accounts before their segment follows the override
        load.run(f'UPDATE final f SET before = to_jsonb(t) FROM "{self.table}" t WHERE t.id = f.target AND f.fate IS NULL')
        done = override_segments(overrides=rows, reason=SegmentMembership.Reason.IMPORT, now=load.now, origin=Origin.IMPORT, batch_id=load.batch_id)
        load.run("UPDATE final SET fate = 'changed' WHERE fate IS NULL AND target = ANY(%(ids)s)", {"ids": done.accounts})
        load.run("UPDATE final SET before = NULL WHERE fate IS NULL")
        record_side_rows(
            load, SegmentMembership._meta.db_table,
            "SELECT * FROM unnest(%(ids)s::bigint[], %(new)s::boolean[], %(before)s::jsonb[], %(after)s::jsonb[])",
            {"ids": [row[0] for row in done.rows], "new": [row[1] for row in done.rows], "before": _json(row[2] for row in done.rows), "after": _json(row[3] for row in done.rows)},
        )  # fmt: skip

    def finish(self, load: Loading) -> None:
        """Events of what the rows tell; marks for the health score."""

        def told(kind: str, at: str, payload: str, key: str, where: str) -> int:
            return write_events(load, f"SELECT f.target, NULL::bigint, '{kind}', {at}, 'account', f.target::text, {payload}, {key} FROM final f WHERE {where}")

        told("account.created", "coalesce(f.signed_up_at, %(now)s)", "jsonb_build_object('source', 'import')", "'created'", "f.fate = 'created'")
        touched = "f.fate IN ('created', 'changed')"
        since = "coalesce((SELECT i.stage_since FROM incoming i WHERE i.row = f.row), %(now)s)" if "stage_since" in load.given else "%(now)s"
        told(
            "trial.started",
            "f.trial_started_at",
            "jsonb_build_object('plan', nullif(f.plan, ''), 'ends_at', f.trial_ended_at)",
            "f.trial_started_at::text",
            f"{touched} AND f.trial_started_at IS NOT NULL",
        )
        told("trial.ended", "f.trial_ended_at", "jsonb_build_object('plan', nullif(f.plan, ''))", "f.trial_ended_at::text", f"{touched} AND f.trial_ended_at IS NOT NULL")
        told(
            "account.churned", "f.churned_at", "jsonb_build_object('reason', nullif(f.churn_reason, ''), 'reason_detail', nullif(f.churn_reason_detail, ''))",
            "'churned_at:' || f.churned_at::text", f"{touched} AND f.churned_at IS NOT NULL",
        )  # fmt: skip
        told(
            "stage.changed", since, "jsonb_build_object('stage', f.lifecycle_stage_id, 'stage_before', f.before->>'lifecycle_stage_id', 'reason', 'import')", "NULL::text",
            "f.fate = 'changed' AND f.lifecycle_stage_id IS DISTINCT FROM f.before->>'lifecycle_stage_id'",
        )  # fmt: skip
        if "lifecycle_stage" in load.given:
            moved = load.fetch("SELECT target FROM final WHERE fate IN ('created', 'changed') AND lifecycle_stage_id IS DISTINCT FROM before->>'lifecycle_stage_id' ORDER BY 1")
            told_since = "SELECT f.target, i.stage_since FROM incoming i JOIN final f USING (row) WHERE i.stage_since IS NOT NULL"
            begins = dict(load.fetch(told_since)) if "stage_since" in load.given else {}
            keep_stays(account_ids=[row[0] for row in moved], reason=StageStay.Reason.IMPORT, now=load.now, batch_id=load.batch_id, since=begins)
            begin_stays(since=begins, batch_id=load.batch_id)
        mark_dirty_accounts(load, "SELECT target FROM final WHERE fate IN ('created', 'changed')", "import")


def _json(rows: Any) -> list[Any]:
    return [None if row is None else Jsonb(row) for row in rows]


class Contacts(Kind):
    """People at customers; they rest for a week before any survey. Unknown columns land in `attributes`."""

    name = "contacts"
    model = Contact
    keeps_unknown = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("account", KEY, required=True), Column("email", EMAIL, required=True), Column("name", Text(200)),
        Column("job_title", Text(200)), Column("role", Choice(("champion", "sponsor", "user", "billing"))), Column("language", LANGUAGE), Column("time_zone", ZONE),
        Column("country", COUNTRY), Column("birth_year", Whole(1900, 2100)), Column("opted_out", BOOLEAN), Column("consent_at", INSTANT),
    )  # fmt: skip
    derived = (("name_sort", "text"), ("name_search", "text"))
    unmanaged = frozenset({"bounced_at", "surveyable_from", "imported_unconfirmed"})

    def derive(self, cells: dict[str, Any]) -> tuple[Any, ...]:
        """The letters for sorting and searching; without a name column the stored name comes in later."""
        name = cells.get("name") or ""
        return sort_key(name)[:400], search_key(f"{name} {cells['email']}")[:400]

    def resolve(self, load: Loading) -> None:
        """Accounts; letters of names that the file does not give."""
        resolve_accounts(load)
        if "name" not in load.given:
            rows = load.fetch("SELECT i.row, c.name, i.email FROM incoming i JOIN accounts_contact c USING (external_id) WHERE c.name <> ''")
            load.run(
                "UPDATE incoming i SET name_sort = q.sort, name_search = q.search "
                "FROM unnest(%(rows)s::bigint[], %(sorts)s::text[], %(searches)s::text[]) AS q (row, sort, search) WHERE i.row = q.row",
                {"rows": [row[0] for row in rows], "sorts": [sort_key(row[1])[:400] for row in rows], "searches": [search_key(f"{row[1]} {row[2]}")[:400] for row in rows]},
            )

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns and the account."""
        return fill_from_model(load, {"account_id": "i.account_id"})

    def after_insert(self, load: Loading) -> None:
        """New people rest; a refusal gets its instant."""
        load.run("UPDATE accounts_contact c SET surveyable_from = %(rested)s FROM final f WHERE c.id = f.target AND f.fate = 'created'", {"rested": load.now + REST})

    def finish(self, load: Loading) -> None:
        """A refusal of surveys gets its instant, a refusal taken back loses it."""
        load.run(
            "UPDATE accounts_contact c SET opted_out_at = CASE WHEN c.opted_out THEN %(now)s END FROM final f WHERE c.id = f.target AND f.fate IN ('created', 'changed') "
            "AND c.opted_out IS DISTINCT FROM (c.opted_out_at IS NOT NULL)"
        )
        mark_dirty_accounts(load, "SELECT c.account_id FROM final f JOIN accounts_contact c ON c.id = f.target WHERE f.fate IN ('created', 'changed')", "contact")


KINDS: tuple[Kind, ...] = (Accounts(), Contacts())
