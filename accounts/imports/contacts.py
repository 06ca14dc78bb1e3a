"""People whom answers, tickets and events name by their address alone."""

from __future__ import annotations

from accounts.actions.spelling import spell_contacts
from accounts.importing.staging import Loading
from accounts.importing.writing import record_side_rows


def resolve_contacts(load: Loading, *, column: str = "contact_email", create: bool = True) -> None:
    """Adds `contact_id` to `incoming` by account and address.

    An address that the account does not know makes a contact who is never surveyed until a person or
    a newer event says so. Without an account, an address that exactly one contact has is that contact.
    """
    load.run("ALTER TABLE incoming ADD contact_id bigint")
    if column not in load.given:
        return
    find = (
        "UPDATE incoming i SET contact_id = (SELECT min(c.id) FROM accounts_contact c WHERE c.account_id = i.account_id AND c.email = i.{column}) "
        "WHERE i.{column} IS NOT NULL AND i.account_id IS NOT NULL AND i.contact_id IS NULL"
    ).format(column=f'"{column}"')
    load.run(find)
    if create:
        _create(load, column)
        load.run(find)
    load.run(
        f"UPDATE incoming i SET contact_id = c.id FROM (SELECT email, min(id) AS id FROM accounts_contact GROUP BY email HAVING count(*) = 1) AS c "
        f'WHERE i."{column}" IS NOT NULL AND i.account_id IS NULL AND c.email = i."{column}"'
    )


def _create(load: Loading, column: str) -> None:
    """Contacts for the addresses that no account knows yet."""
    load.run(
        "CREATE TEMPORARY TABLE made_contacts AS SELECT gen_random_uuid() AS key, account_id, "
        f'"{column}" AS email FROM incoming WHERE contact_id IS NULL AND account_id IS NOT NULL AND "{column}" IS NOT NULL GROUP BY account_id, "{column}"'
    )
    made = load.fetch(
        "INSERT INTO accounts_contact (external_id, account_id, email, name, name_sort, name_search, job_title, role, language, time_zone, country, opted_out, "
        "imported_unconfirmed, attributes, version, created_at, updated_at) "
        "SELECT 'vefa-' || key, account_id, email, '', '', '', '', '', '', '', '', false, true, '{}', 1, %(now)s, %(now)s "
        "FROM made_contacts ORDER BY account_id, email RETURNING id"
    )
    ids = [row[0] for row in made]
    if not ids:
        return
    spell_contacts(ids=ids)
    load.warn("contacts_created", len(ids))
    record_side_rows(load, "accounts_contact", "SELECT c.id, true, NULL::jsonb, to_jsonb(c) FROM accounts_contact c WHERE c.id = ANY(%(ids)s)", {"ids": ids})
