"""Importing answers (and invitations that were never answered)."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any, ClassVar

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.collation import search_key
from accounts.importing.field_types import Choice, Text, Whole
from accounts.importing.kinds import Column, Kind, LooseReference
from accounts.importing.staging import Loading
from accounts.importing.writing import fill_from_model, record_side_rows
from accounts.imports.contacts import resolve_contacts
from accounts.imports.fields import BOOLEAN, EMAIL, INSTANT, KEY, LANGUAGE, mark_dirty_accounts, refuse_unless, resolve_accounts, write_events
from surveys.models import Response, Survey

SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "exit": (1, 5), "review": (1, 5)}
SMALL = Whole(-32768, 32767)
_TOUCHED = "f.fate IN ('created', 'changed')"


def pseudonym(address: str) -> str:
    """A name for a respondent who is no contact: keyed, so that nobody can try addresses."""
    return hmac.new(settings.SECRET_KEY.encode(), f"respondent:{address}".encode(), hashlib.sha256).hexdigest()


def _scale(end: int) -> str:
    return "CASE i.kind " + " ".join(f"WHEN '{kind}' THEN {scale[end]}" for kind, scale in SCALES.items()) + " END"


class Responses(Kind):
    """Answers with their own scale. A score outside of it is stored and counted as invalid."""

    name = "responses"
    model = Response
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("kind", Choice(tuple(SCALES)), required=True), Column("score", SMALL), Column("answered_at", INSTANT),
        Column("invited_at", INSTANT), Column("survey", Text(80)), Column("account", KEY), Column("contact_email", EMAIL), Column("scale_min", SMALL), Column("scale_max", SMALL),
        Column("direction", Choice(("high_good", "low_good"))), Column("comment", Text(100_000)), Column("language", LANGUAGE), Column("touchpoint", Text(120)),
        Column("ticket", KEY), Column("rated_object", Text(200)), Column("agent_email", EMAIL), Column("reason", Text(80)), Column("reason_detail", Text(500)),
        Column("bounced", BOOLEAN),
    )  # fmt: skip
    derived = (("respondent_key", "text"),)
    unmanaged = frozenset({"automation_flags", "is_suspect"})

    def __init__(self, ticket_table: str):
        """`ticket_table` holds the tickets that answers may speak of (by external id); surveys know no more of it."""
        self.ticket_table = ticket_table
        self.loose_references = (LooseReference(ticket_table, Response._meta.db_table, "ticket_id"),)

    def derive(self, cells: dict[str, Any]) -> tuple[Any, ...]:
        """The pseudonym of an address; dropped again where it belongs to a contact."""
        return (pseudonym(cells["contact_email"]) if cells.get("contact_email") else "",)

    def resolve(self, load: Loading) -> None:
        """Tickets, accounts, contacts, agents, surveys, touchpoints."""
        for name, kind in (("score", "smallint"), ("answered_at", "timestamptz"), ("invited_at", "timestamptz")):
            if name not in load.given:
                load.run(f"ALTER TABLE incoming ADD {name} {kind}")
        refuse_unless(load, "i.answered_at IS NOT NULL OR i.invited_at IS NOT NULL", "answered_at", _("an answer needs answered_at, an invitation invited_at"))
        refuse_unless(load, "i.score IS NULL OR i.answered_at IS NOT NULL", "answered_at", _("a score needs the instant it was given"))
        if "account" in load.given:
            resolve_accounts(load)
        else:
            load.run("ALTER TABLE incoming ADD account_id bigint")
        load.run("ALTER TABLE incoming ADD ticket_id bigint, ADD agent_id bigint, ADD survey_id bigint, ADD touchpoint_id bigint")
        if "ticket" in load.given:
            load.run(f'UPDATE incoming i SET ticket_id = t.id, account_id = coalesce(i.account_id, t.account_id) FROM "{self.ticket_table}" t WHERE t.external_id = i.ticket')
            load.reject_where("SELECT row, format(%(text)s, ticket) FROM incoming WHERE ticket IS NOT NULL AND ticket_id IS NULL", "ticket", {"text": _("there is no ticket “%s”")})
        resolve_contacts(load)
        load.run("UPDATE incoming i SET account_id = c.account_id FROM accounts_contact c WHERE c.id = i.contact_id AND i.account_id IS NULL")
        load.run("UPDATE incoming SET respondent_key = '' WHERE contact_id IS NOT NULL")
        if "agent_email" in load.given:
            load.run("UPDATE incoming i SET agent_id = u.id FROM accounts_user u WHERE u.email = i.agent_email")
        if "touchpoint" in load.given:
            load.run("UPDATE incoming i SET touchpoint_id = p.id FROM surveys_touchpoint p WHERE p.key = i.touchpoint")
        self._resolve_surveys(load)

    def _resolve_surveys(self, load: Loading) -> None:
        name = "coalesce(i.survey, i.kind)" if "survey" in load.given else "i.kind"
        for given, kind in load.fetch(f"SELECT DISTINCT ON (1) {name}, i.kind FROM incoming i ORDER BY 1, i.row"):
            key = given if re.fullmatch(r"[-a-zA-Z0-9_]{1,80}", given) else slugify(search_key(given))[:80] or "imported"
            survey = Survey.objects.filter(name=given).first() or Survey.objects.filter(key=key).first()
            if survey is None:
                survey = Survey.objects.create(key=key, name=given[:120] if given != kind else kind.upper(), kind=kind)
                record_side_rows(load, "surveys_survey", "SELECT s.id, true, NULL::jsonb, to_jsonb(s) FROM surveys_survey s WHERE s.id = %(made)s", {"made": survey.pk})
            load.run(f"UPDATE incoming i SET survey_id = %(survey)s WHERE {name} = %(given)s", {"survey": survey.pk, "given": given})
        load.reject_where(
            "SELECT i.row, format(%(text)s, s.key, s.kind) FROM incoming i JOIN surveys_survey s ON s.id = i.survey_id WHERE s.kind <> i.kind",
            "kind",
            {"text": _("the survey “%s” is of kind %s")},
        )

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns and references; scales default by kind."""
        given = load.given
        more = {"survey_id": "i.survey_id", "origin": "coalesce(t.origin, 'import')"}
        for name, end in (("scale_min", 0), ("scale_max", 1)):
            more[name] = f"coalesce(i.{name}, {_scale(end)})" if name in given else f"coalesce(t.{name}, {_scale(end)})"
        for name, column in (("account", "account_id"), ("ticket", "ticket_id"), ("contact_email", "contact_id"), ("agent_email", "agent_id")):
            if name in given:
                more[column] = f"i.{column}"
        if {"ticket", "contact_email"} & given:
            more["account_id"] = "coalesce(i.account_id, t.account_id)" if "account" not in given else "i.account_id"
        if "touchpoint" in given:
            more |= {"touchpoint_id": "i.touchpoint_id", "touchpoint_label": "coalesce(i.touchpoint, '')"}
        if "reason" in given:
            more["reasons"] = "CASE WHEN i.reason IS NULL THEN ARRAY[]::text[] ELSE ARRAY[i.reason] END"
        found = fill_from_model(load, more)
        for name in ("answered_at", "invited_at", "score"):
            if name not in given:
                found.pop(name, None)
        if "contact_email" not in given:
            found.pop("respondent_key", None)
        return found

    def check(self, load: Loading) -> None:
        """The complete answer: it is one, and its scale has a length."""
        load.reject_where("SELECT row, %(text)s::text FROM final WHERE scale_max <= scale_min", "scale_max", {"text": _("the scale ends before it starts")})
        load.reject_where(
            "SELECT row, %(text)s::text FROM final WHERE score IS NOT NULL AND answered_at IS NULL", "answered_at", {"text": _("a score needs the instant it was given")}
        )
        load.warn("scores_outside_scale", load.fetch("SELECT count(*) FROM final WHERE score IS NOT NULL AND NOT score BETWEEN scale_min AND scale_max")[0][0])

    def finish(self, load: Loading) -> None:
        """The event of each answer of an account; marks for the health score."""
        write_events(
            load,
            f"""
            SELECT r.account_id, r.contact_id, 'survey.answered', r.answered_at, 'response', r.id::text,
                   jsonb_build_object('response', r.id, 'survey_kind', r.kind, 'survey', s.key, 'score', r.score, 'scale_min', r.scale_min,
                                      'scale_max', r.scale_max, 'ticket', r.ticket_id,
                                      'agent', r.agent_id, 'touchpoint', coalesce(p.key, nullif(r.touchpoint_label, '')), 'reason', r.reasons[1], 'is_suspect', r.is_suspect),
                   'response:' || r.id
            FROM surveys_response r JOIN final f ON f.target = r.id AND {_TOUCHED} JOIN surveys_survey s ON s.id = r.survey_id
                 LEFT JOIN surveys_touchpoint p ON p.id = r.touchpoint_id
            WHERE r.answered_at IS NOT NULL AND r.account_id IS NOT NULL
            """,
        )
        mark_dirty_accounts(load, f"SELECT account_id FROM final f WHERE {_TOUCHED}", "survey")
