"""Letters for sorting and searching, recomputed set-wise after bulk writes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from accounts.collation import search_key, sort_key
from accounts.models import Contact


def spell_contacts(*, ids: Sequence[int]) -> None:
    """Renews `name_sort` and `name_search` of these contacts."""
    rows = Contact.objects.filter(pk__in=ids).values_list("pk", "name", "email")
    spelled = [(pk, sort_key(name)[:400], search_key(f"{name} {email}")[:400]) for pk, name, email in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_contact c SET name_sort = q.sort, name_search = q.search FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS q (id, sort, search) WHERE c.id = q.id",
            [[row[0] for row in spelled], [row[1] for row in spelled], [row[2] for row in spelled]],
        )
