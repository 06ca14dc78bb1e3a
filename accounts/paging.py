"""A paginator for large tables: it stops counting instead of reading the whole table."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.utils.functional import cached_property

COUNT_CAP = 10_000


class CappedPaginator(Paginator):
    """Counts up to a cap; pages behind it are reached by searching and filtering."""

    @cached_property
    def count(self) -> int:
        """How many rows, at most the cap."""
        rows = self.object_list.order_by().values("pk")  # type: ignore[union-attr, attr-defined]
        return rows[:COUNT_CAP].count()
