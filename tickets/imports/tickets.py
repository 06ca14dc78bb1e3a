"""Importing tickets and handled contacts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from accounts.collation import search_key
from accounts.importing.field_types import Choice, Number, Tags, Text, Whole
from accounts.importing.kinds import Column, Kind
from accounts.importing.staging import Loading
from accounts.importing.writing import fill_from_model, mark_rows_changed
from accounts.imports.contacts import resolve_contacts
from accounts.imports.fields import BOOLEAN, EMAIL, INSTANT, KEY, mark_dirty_accounts, refuse_unless, resolve_accounts, write_events
from tickets.models import Interaction, Ticket

CHANNELS = ("phone", "email", "chat", "web", "social")
STATUSES = ("new", "open", "pending", "on_hold", "solved", "closed", "cancelled")
SECONDS = Whole(0)
_TOUCHED = "f.fate IN ('created', 'changed')"


def resolve_tickets(load: Loading) -> None:
    """Adds `ticket_id` and the ticket's `ticket_account_id`; a row whose ticket does not exist is refused."""
    load.run("ALTER TABLE incoming ADD ticket_id bigint, ADD ticket_account_id bigint")
    if "ticket" not in load.given:
        return
    load.run("UPDATE incoming i SET ticket_id = t.id, ticket_account_id = t.account_id FROM tickets_ticket t WHERE t.external_id = i.ticket")
    load.reject_where("SELECT row, format(%(text)s, ticket) FROM incoming WHERE ticket IS NOT NULL AND ticket_id IS NULL", "ticket", {"text": _("there is no ticket “%s”")})


class Tickets(Kind):
    """Tickets by their present status and instants. Where `ticket_events` exist those win."""

    name = "tickets"
    model = Ticket
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("account", KEY, required=True), Column("opened_at", INSTANT, required=True), Column("contact_email", EMAIL),
        Column("subject", Text(500)), Column("category", Text(120)), Column("channel", Choice(CHANNELS)), Column("severity", Whole(1, 4)), Column("status", Choice(STATUSES)),
        Column("created_by_kind", Choice(("customer", "agent"))), Column("assignee_email", EMAIL), Column("group", Text(120)), Column("location", Text(120)),
        Column("first_replied_at", INSTANT), Column("solved_at", INSTANT), Column("closed_at", INSTANT), Column("reopened_at", INSTANT), Column("replies", Whole(0)),
        Column("escalated", BOOLEAN), Column("first_level_solvable", BOOLEAN), Column("spam", BOOLEAN), Column("test", BOOLEAN), Column("deleted_at", INSTANT),
        Column("merged_into", KEY), Column("tags", Tags()),
    )  # fmt: skip
    derived = (("subject_search", "text"),)
    # ratings come by surveys, clocks are worked out
    unmanaged = frozenset({"rating", "rated_at", "first_reply_due_at", "resolution_due_at", "resolution_left_seconds", "clocks_set_at"})

    def derive(self, cells: dict[str, Any]) -> tuple[Any, ...]:
        """The letters for searching."""
        return (search_key(cells.get("subject") or "")[:500],)

    def resolve(self, load: Loading) -> None:
        """Accounts, contacts, assignees, tickets merged into."""
        resolve_accounts(load)
        resolve_contacts(load)
        if "assignee_email" in load.given:
            load.run("ALTER TABLE incoming ADD assignee_id bigint")
            load.run("UPDATE incoming i SET assignee_id = u.id FROM accounts_user u WHERE u.email = i.assignee_email")
        if "merged_into" in load.given:
            load.run("ALTER TABLE incoming ADD merged_into_id bigint")
            load.run("UPDATE incoming i SET merged_into_id = t.id FROM tickets_ticket t WHERE t.external_id = i.merged_into")
            refuse_unless(load, "i.merged_into IS DISTINCT FROM i.external_id", "merged_into", _("a ticket cannot be merged into itself"))
            load.reject_where(
                "SELECT row, format(%(text)s, merged_into) FROM incoming i WHERE merged_into IS NOT NULL AND merged_into_id IS NULL "
                "AND NOT EXISTS (SELECT 1 FROM incoming o WHERE o.external_id = i.merged_into)",
                "merged_into",
                {"text": _("there is no ticket “%s”")},
            )

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns and references; a status that is not given follows from the instants."""
        more = {"account_id": "i.account_id"}
        if "contact_email" in load.given:
            more["contact_id"] = "i.contact_id"
        if "assignee_email" in load.given:
            # the address stands in for an agent who is no user here
            more["assignee_id"] = "i.assignee_id"
        if "merged_into" in load.given:
            more["merged_into_id"] = "i.merged_into_id"
        if "status" not in load.given:
            at = {name: f"i.{name}" if name in load.given else f"t.{name}" for name in ("closed_at", "solved_at", "reopened_at", "first_replied_at")}
            more["status"] = (
                f"CASE WHEN {at['closed_at']} IS NOT NULL THEN 'closed' "
                f"WHEN {at['solved_at']} IS NOT NULL AND coalesce({at['reopened_at']} <= {at['solved_at']}, true) THEN 'solved' "
                f"WHEN {at['reopened_at']} IS NOT NULL OR {at['first_replied_at']} IS NOT NULL THEN 'open' ELSE coalesce(t.status, 'new') END"
            )
        found = fill_from_model(load, more)
        if "subject" not in load.given:
            found.pop("subject_search", None)
        return found

    def check(self, load: Loading) -> None:
        """Instants in order (else counted, the figures are the file's own); how often it was solved."""
        out_of_order = "solved_at < opened_at OR closed_at < opened_at OR first_replied_at < opened_at"
        load.warn("instants_before_opening", load.fetch(f"SELECT count(*) FROM final WHERE {out_of_order}")[0][0])
        load.run(
            "UPDATE final SET resolutions = greatest(resolutions, CASE WHEN solved_at IS NULL AND reopened_at IS NULL AND closed_at IS NULL THEN 0 "
            "WHEN reopened_at <= coalesce(solved_at, closed_at) THEN 2 ELSE 1 END)"
        )

    def after_insert(self, load: Loading) -> None:
        """Tickets of this file that others are merged into."""
        if "merged_into" in load.given:
            load.run(
                "UPDATE final f SET merged_into_id = t.id FROM incoming i JOIN tickets_ticket t ON t.external_id = i.merged_into WHERE i.row = f.row AND f.merged_into_id IS NULL"
            )
            mark_rows_changed(load, "t.merged_into_id IS DISTINCT FROM f.merged_into_id")
            load.run("UPDATE tickets_ticket t SET merged_into_id = f.merged_into_id FROM final f WHERE f.target = t.id AND f.fate = 'created' AND f.merged_into_id IS NOT NULL")

    def finish(self, load: Loading) -> None:
        """Events of opening, solving and reopening; clocks are worked out anew by the sweep."""
        load.run(f"UPDATE tickets_ticket t SET clocks_set_at = NULL FROM final f WHERE f.target = t.id AND f.fate = 'changed' AND t.clocks_set_at IS NOT NULL AND {_TOUCHED}")
        write_events(
            load,
            f"""
            WITH touched AS (SELECT t.* FROM tickets_ticket t JOIN final f ON f.target = t.id AND {_TOUCHED} WHERE NOT t.spam AND NOT t.test)
            SELECT account_id, contact_id, 'ticket.opened', opened_at, 'ticket', id::text,
                   jsonb_build_object('ticket', id, 'severity', severity, 'channel', channel, 'category', category), 'ticket:' || id FROM touched
            UNION ALL
            SELECT account_id, contact_id, 'ticket.solved', coalesce(solved_at, closed_at), 'ticket', id::text,
                   jsonb_build_object('ticket', id, 'resolution', resolutions, 'agent', assignee_id, 'requester', contact_id, 'person_replied', first_replied_at IS NOT NULL,
                                      'severity', severity, 'channel', channel, 'category', category, 'group', "group"), 'ticket:' || id || ':' || resolutions
            FROM touched WHERE status IN ('solved', 'closed') AND coalesce(solved_at, closed_at) IS NOT NULL
            UNION ALL
            SELECT account_id, contact_id, 'ticket.reopened', reopened_at, 'ticket', id::text, jsonb_build_object('ticket', id, 'resolution', 1), 'ticket:' || id || ':1'
            FROM touched WHERE reopened_at IS NOT NULL
            """,
        )
        mark_dirty_accounts(load, f"SELECT account_id FROM final f WHERE {_TOUCHED}", "ticket")


class Interactions(Kind):
    """Calls, chat sessions and e-mail work with their times in seconds."""

    name = "interactions"
    model = Interaction
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("ended_at", INSTANT, required=True), Column("channel", Choice(CHANNELS), required=True), Column("ticket", KEY),
        Column("agent_email", EMAIL), Column("talk_seconds", SECONDS), Column("hold_seconds", SECONDS), Column("wrap_seconds", SECONDS), Column("session_seconds", SECONDS),
        Column("follow_up_seconds", SECONDS), Column("work_seconds", SECONDS), Column("concurrency", Number(places=2, digits=6, least=Decimal(0))), Column("abandoned", BOOLEAN),
    )  # fmt: skip

    def resolve(self, load: Loading) -> None:
        """Tickets with their accounts, agents."""
        resolve_tickets(load)
        if "agent_email" in load.given:
            load.run("ALTER TABLE incoming ADD agent_id bigint")
            load.run("UPDATE incoming i SET agent_id = u.id FROM accounts_user u WHERE u.email = i.agent_email")

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns and references."""
        more = {"ticket_id": "i.ticket_id", "account_id": "i.ticket_account_id"} if "ticket" in load.given else {}
        return fill_from_model(load, {**more, **({"agent_id": "i.agent_id"} if "agent_email" in load.given else {})})


KINDS: tuple[Kind, ...] = (Tickets(), Interactions())
