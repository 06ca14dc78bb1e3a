"""Types of cells that several kinds share, and the resolving of references they have in common."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.importing.field_types import Boolean, Code, Email, Instant, Number, Text, Zone
from accounts.importing.staging import Loading
from accounts.models.people import normalise_email

KEY = Text(200)
EMAIL = Email(normalise_email)
CURRENCY = Code(3, "EUR")
COUNTRY = Code(2, "TR")
LANGUAGE = Text(10)
ZONE = Zone()
INSTANT = Instant()
BOOLEAN = Boolean()
MONEY = Number(places=6)


def resolve_accounts(load: Loading, *, column: str = "account", into: str = "account_id") -> None:
    """Adds `account_id` to `incoming`; a row whose account does not exist is refused."""
    load.run(f"ALTER TABLE incoming ADD {into} bigint")
    load.run(f'UPDATE incoming i SET {into} = a.id FROM accounts_account a WHERE a.external_id = i."{column}"')
    load.reject_where(f'SELECT row, format(%(text)s, "{column}") FROM incoming WHERE "{column}" IS NOT NULL AND {into} IS NULL', column, {"text": _("there is no account “%s”")})


def currency_of_account(load: Loading, *, account: str = "i.account_id") -> str:
    """SQL for the currency of a row: its own, else the account's, else the reporting currency."""
    fallback = f"coalesce((SELECT nullif(a.currency, '') FROM accounts_account a WHERE a.id = {account}), %(currency)s)"
    return f"coalesce(i.currency, {fallback})" if "currency" in load.given else f"CASE WHEN t.id IS NOT NULL THEN t.currency ELSE {fallback} END"


def refuse_unless(load: Loading, condition: str, column: str, reason: str) -> None:
    """Refuses rows of `incoming` for which a condition over `i` is false."""
    load.reject_where(f"SELECT i.row, %(reason)s::text FROM incoming i WHERE NOT ({condition})", column, {"reason": reason})


def marking(query: str) -> str:
    """SQL that asks for a recompute of the accounts that a query names; binds `reason`."""
    return (
        "INSERT INTO accounts_accountdirty (account_id, reason, marked_at) "
        f"SELECT q.id, %(reason)s, clock_timestamp() FROM (SELECT DISTINCT p.id FROM ({query}) AS p (id) WHERE p.id IS NOT NULL ORDER BY 1) AS q "
        "ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at, reason = excluded.reason"
    )


def mark_dirty_accounts(load: Loading, query: str, reason: str) -> None:
    """Asks for a recompute of the accounts that a query names."""
    load.run(marking(query), {"reason": reason})


def write_events(load: Loading, query: str) -> int:
    """Records the events a query names: account_id, contact_id, kind, occurred_at, subject_type, subject_id, payload, dedupe_key.

    What has not happened yet is left out; what is known by its dedupe key is not written again.
    """
    return load.run(
        "INSERT INTO accounts_accountevent (account_id, contact_id, kind, occurred_at, origin, subject_type, subject_id, payload, dedupe_key, batch_id) "
        "SELECT q.account_id, q.contact_id, q.kind, q.occurred_at, 'import', q.subject_type, q.subject_id, jsonb_strip_nulls(q.payload), q.dedupe_key, %(batch)s "
        f"FROM ({query}) AS q (account_id, contact_id, kind, occurred_at, subject_type, subject_id, payload, dedupe_key) "
        "WHERE q.account_id IS NOT NULL AND q.occurred_at <= %(now)s ORDER BY q.occurred_at, q.subject_id "
        "ON CONFLICT (account_id, kind, dedupe_key) DO NOTHING"
    )
