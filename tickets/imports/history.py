"""Importing the history of tickets: who did what when, and what was said."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.importing.field_types import Choice, Text
from accounts.importing.kinds import Column, Kind
from accounts.importing.staging import Loading
from accounts.importing.writing import fill_from_model, record_side_rows
from accounts.imports.fields import EMAIL, INSTANT, KEY, mark_dirty_accounts, refuse_unless, write_events
from tickets.imports.tickets import STATUSES, resolve_tickets
from tickets.models import TicketChange

_TICKETS = "SELECT ticket_id FROM told_of"

# the columns of a ticket as its log tells them; what the log does not speak of stays
_FROM_LOG = f"""
WITH stated AS (
    SELECT c.*, lag(c.value) OVER (PARTITION BY c.ticket_id, c.kind = 'status' ORDER BY c.occurred_at, c.id) AS state_before
    FROM tickets_ticketchange c WHERE c.ticket_id IN ({_TICKETS})
), log AS (
    SELECT *, kind = 'public_reply' AND actor_kind = 'agent' AS is_reply,
        kind = 'status' AND value IN ('solved', 'closed') AND coalesce(state_before, 'new') NOT IN ('solved', 'closed') AS solves,
        kind = 'status' AND value NOT IN ('solved', 'closed') AND coalesce(state_before, 'new') IN ('solved', 'closed') AS reopens
    FROM stated
), told AS (
    SELECT ticket_id AS id,
        min(occurred_at) FILTER (WHERE is_reply) AS first_replied_at,
        count(*) FILTER (WHERE is_reply) AS replies,
        (array_agg(value ORDER BY occurred_at DESC, id DESC) FILTER (WHERE kind = 'status'))[1] AS status,
        max(occurred_at) FILTER (WHERE solves) AS solved_at,
        max(occurred_at) FILTER (WHERE kind = 'status' AND value = 'closed') AS closed_at,
        max(occurred_at) FILTER (WHERE reopens) AS reopened_at,
        count(*) FILTER (WHERE solves) AS resolutions,
        (array_agg(nullif(value, '') ORDER BY occurred_at DESC, id DESC) FILTER (WHERE kind = 'severity'))[1]::smallint AS severity,
        (array_agg(value ORDER BY occurred_at DESC, id DESC) FILTER (WHERE kind = 'assigned'))[1] AS assignee_email
    FROM log GROUP BY ticket_id
)
SELECT t.id,
    coalesce(d.first_replied_at, t.first_replied_at) AS first_replied_at,
    CASE WHEN d.replies > 0 THEN d.replies ELSE t.replies END AS replies,
    coalesce(d.status, t.status) AS status,
    CASE WHEN d.status IS NULL THEN t.solved_at WHEN d.status IN ('solved', 'closed') THEN d.solved_at END AS solved_at,
    CASE WHEN d.status IS NULL THEN t.closed_at WHEN d.status = 'closed' THEN d.closed_at END AS closed_at,
    CASE WHEN d.status IS NULL THEN t.reopened_at ELSE d.reopened_at END AS reopened_at,
    CASE WHEN d.status IS NULL THEN t.resolutions ELSE d.resolutions END AS resolutions,
    coalesce(d.severity, t.severity) AS severity,
    CASE WHEN d.assignee_email IS NULL THEN t.assignee_id ELSE (SELECT u.id FROM accounts_user u WHERE u.email = d.assignee_email) END AS assignee_id,
    coalesce(d.assignee_email, t.assignee_email) AS assignee_email
FROM told d JOIN tickets_ticket t USING (id)
"""
_TOLD = ("first_replied_at", "replies", "status", "solved_at", "closed_at", "reopened_at", "resolutions", "severity", "assignee_id", "assignee_email")


class TicketEvents(Kind):
    """Entries of the log; replies and notes with a body become messages."""

    name = "ticket_events"
    model = TicketChange
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("ticket", KEY, required=True), Column("occurred_at", INSTANT, required=True),
        Column("kind", Choice(("created", "public_reply", "internal_note", "customer_reply", "status", "assigned", "severity")), required=True),
        Column("actor_email", EMAIL), Column("actor_kind", Choice(("agent", "customer", "bot"))), Column("value", Text(200)), Column("body", Text(200_000)),
    )  # fmt: skip

    def resolve(self, load: Loading) -> None:
        """Tickets, actors, and values that their kind can have."""
        resolve_tickets(load)
        if "actor_email" in load.given:
            load.run("ALTER TABLE incoming ADD actor_id bigint, ADD contact_id bigint")
            load.run("UPDATE incoming i SET actor_id = u.id FROM accounts_user u WHERE u.email = i.actor_email")
            load.run(
                "UPDATE incoming i SET contact_id = (SELECT min(c.id) FROM accounts_contact c WHERE c.account_id = i.ticket_account_id AND c.email = i.actor_email) "
                "WHERE i.actor_id IS NULL"
            )
        if "value" not in load.given:
            load.run("ALTER TABLE incoming ADD value text")
        listed = ", ".join(f"'{status}'" for status in STATUSES)
        refuse_unless(
            load, f"i.kind <> 'status' OR coalesce(i.value IN ({listed}), false)", "value", _("a change of status needs one of: %(values)s") % {"values": ", ".join(STATUSES)}
        )
        refuse_unless(load, "i.kind <> 'severity' OR coalesce(i.value, '') IN ('', '1', '2', '3', '4')", "value", _("a severity is a number from 1 to 4"))

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns and references; who acted follows from the kind where it is not said."""
        by_kind = "CASE WHEN i.kind = 'customer_reply' OR i.kind = 'created' THEN 'customer' ELSE 'agent' END"
        more = {"ticket_id": "i.ticket_id", "actor_kind": f"coalesce(i.actor_kind, {by_kind})" if "actor_kind" in load.given else f"coalesce(t.actor_kind, {by_kind})"}
        if "actor_email" in load.given:
            more["actor_id"] = "i.actor_id"
        if "value" in load.given:
            more["value"] = "coalesce(i.value, CASE WHEN i.kind = 'created' THEN 'new' ELSE '' END)"
        else:
            more["value"] = "coalesce(t.value, CASE WHEN i.kind = 'created' THEN 'new' ELSE '' END)"
        return fill_from_model(load, more)

    def check(self, load: Loading) -> None:
        """Nothing happens to a ticket before it is opened: counted, not refused."""
        load.warn("events_before_opening", load.fetch("SELECT count(*) FROM final f JOIN tickets_ticket t ON t.id = f.ticket_id WHERE f.occurred_at < t.opened_at")[0][0])

    def finish(self, load: Loading) -> None:
        """What stood before each entry, messages, the columns of the tickets, and the events of the bus."""
        # by an index of their own: the statements below look tickets up in it
        load.run("DROP TABLE IF EXISTS pg_temp.told_of")
        load.run("CREATE TEMPORARY TABLE told_of (ticket_id bigint PRIMARY KEY)")
        load.run("INSERT INTO told_of SELECT DISTINCT ticket_id FROM final WHERE fate IN ('created', 'changed')")
        load.run("ANALYZE told_of")
        self._say_what_stood_before(load)
        self._write_messages(load)
        self._renew_tickets(load)
        write_events(
            load,
            f"""
            WITH moves AS (
                SELECT c.ticket_id, c.occurred_at, c.id, c.value IN ('solved', 'closed') AS is_resolved,
                       coalesce(lag(c.value) OVER (PARTITION BY c.ticket_id ORDER BY c.occurred_at, c.id), 'new') IN ('solved', 'closed') AS was_resolved
                FROM tickets_ticketchange c WHERE c.kind = 'status' AND c.ticket_id IN ({_TICKETS})
            ), counted AS (
                SELECT m.*, count(*) FILTER (WHERE is_resolved AND NOT was_resolved) OVER (PARTITION BY ticket_id ORDER BY occurred_at, id) AS resolution FROM moves m
            )
            SELECT t.account_id, t.contact_id, CASE WHEN c.is_resolved THEN 'ticket.solved' ELSE 'ticket.reopened' END, c.occurred_at, 'ticket', t.id::text,
                   CASE WHEN c.is_resolved THEN jsonb_build_object('ticket', t.id, 'resolution', c.resolution, 'agent', t.assignee_id, 'requester', t.contact_id,
                        'person_replied', coalesce(t.first_replied_at < c.occurred_at, false),
                        'severity', t.severity, 'channel', t.channel, 'category', t.category, 'group', t."group")
                        ELSE jsonb_build_object('ticket', t.id, 'resolution', c.resolution) END, 'ticket:' || t.id || ':' || c.resolution
            FROM counted c JOIN tickets_ticket t ON t.id = c.ticket_id AND NOT t.spam AND NOT t.test WHERE c.is_resolved <> c.was_resolved
            """,
        )
        mark_dirty_accounts(load, f"SELECT account_id FROM tickets_ticket WHERE id IN ({_TICKETS})", "ticket")

    @staticmethod
    def _say_what_stood_before(load: Loading) -> None:
        load.run(
            f"""
            WITH log AS (
                SELECT c.id, c.kind, lag(c.value) OVER (PARTITION BY c.ticket_id, c.kind ORDER BY c.occurred_at, c.id) AS earlier, t.severity
                FROM tickets_ticketchange c JOIN tickets_ticket t ON t.id = c.ticket_id WHERE c.kind IN ('status', 'assigned', 'severity') AND c.ticket_id IN ({_TICKETS})
            )
            UPDATE tickets_ticketchange c SET value_before = coalesce(l.earlier, CASE WHEN c.kind = 'status' THEN 'new'
                   WHEN c.kind = 'severity' AND l.severity::text IS DISTINCT FROM c.value THEN coalesce(l.severity::text, '') ELSE '' END)
            FROM log l JOIN final f ON f.target = l.id AND f.fate = 'created' WHERE c.id = l.id
            """
        )

    @staticmethod
    def _write_messages(load: Loading) -> None:
        if "body" not in load.given:
            return
        contact = "i.contact_id" if "actor_email" in load.given else "NULL::bigint"
        made = load.fetch(
            "INSERT INTO tickets_ticketmessage (ticket_id, external_id, public, author_kind, author_id, contact_id, body, quoted, mail_id, written_at, created_at) "
            f"SELECT f.ticket_id, f.external_id, f.kind <> 'internal_note', f.actor_kind, f.actor_id, {contact}, i.body, '', '', f.occurred_at, %(now)s "
            "FROM final f JOIN incoming i USING (row) "
            "WHERE f.fate = 'created' AND i.body <> '' AND f.kind IN ('created', 'public_reply', 'internal_note', 'customer_reply') ORDER BY f.row "
            "ON CONFLICT (external_id) DO NOTHING RETURNING id"
        )
        ids = [row[0] for row in made]
        record_side_rows(load, "tickets_ticketmessage", "SELECT m.id, true, NULL::jsonb, to_jsonb(m) FROM tickets_ticketmessage m WHERE m.id = ANY(%(ids)s)", {"ids": ids})

    @staticmethod
    def _renew_tickets(load: Loading) -> None:
        load.run("DROP TABLE IF EXISTS pg_temp.told_tickets")
        differs = " OR ".join(f"t.{name} IS DISTINCT FROM d.{name}" for name in _TOLD)
        load.run(f"CREATE TEMPORARY TABLE told_tickets AS SELECT d.*, to_jsonb(t) AS before FROM ({_FROM_LOG}) AS d JOIN tickets_ticket t USING (id) WHERE {differs}")
        sets = ", ".join(f"{name} = d.{name}" for name in _TOLD)
        load.run(f"UPDATE tickets_ticket t SET {sets}, clocks_set_at = NULL, version = t.version + 1, updated_at = %(now)s FROM told_tickets d WHERE t.id = d.id")
        record_side_rows(load, "tickets_ticket", "SELECT t.id, false, d.before, to_jsonb(t) FROM told_tickets d JOIN tickets_ticket t USING (id)")
        load.run("DROP TABLE told_tickets")


KINDS: tuple[Kind, ...] = (TicketEvents(),)
