"""Importing promises, business hours and holidays."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.importing.field_types import Choice, ClockTime, Day, Text, Whole
from accounts.importing.kinds import Column, Kind
from accounts.importing.staging import Loading
from accounts.importing.writing import fill_from_model
from accounts.imports.customers import resolve_segments
from accounts.imports.fields import ZONE, refuse_unless
from tickets.models import BusinessHours, Holiday, ServiceLevel

# promises that changed: the sweep works out the clocks of open tickets anew
_RESET_CLOCKS = (
    "UPDATE tickets_ticket SET clocks_set_at = NULL WHERE status IN ('new', 'open', 'pending', 'on_hold') AND EXISTS (SELECT 1 FROM final WHERE fate IN ('created', 'changed'))"
)


class ServiceLevels(Kind):
    """Target times of a severity, possibly of one segment."""

    name = "service_levels"
    model = ServiceLevel
    key = ("severity", "segment")
    key_targets = ("severity", "segment_id")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("severity", Whole(1, 4), required=True), Column("segment", Text(80)), Column("first_reply_seconds", Whole(0)), Column("resolution_seconds", Whole(0)),
        Column("clock", Choice(("calendar", "business"))),
    )  # fmt: skip

    def resolve(self, load: Loading) -> None:
        """Segments."""
        if "segment" in load.given:
            resolve_segments(load)
        else:
            load.run("ALTER TABLE incoming ADD segment_id bigint")

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns and the segment."""
        return fill_from_model(load, {"segment_id": "i.segment_id"})

    def finish(self, load: Loading) -> None:
        """Clocks of open tickets."""
        load.run(_RESET_CLOCKS)


class Hours(Kind):
    """Opening hours, one interval of a weekday a row."""

    name = "business_hours"
    model = BusinessHours
    key = key_targets = ("valid_from", "weekday", "opens")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("weekday", Whole(1, 7), required=True), Column("opens", ClockTime(), required=True), Column("closes", ClockTime(), required=True), Column("valid_from", Day()),
        Column("time_zone", ZONE),
    )  # fmt: skip

    def resolve(self, load: Loading) -> None:
        """An interval has a length, and without a date it holds always."""
        if "valid_from" not in load.given:
            load.run("ALTER TABLE incoming ADD valid_from date")
        refuse_unless(load, "i.opens <> i.closes OR i.opens = '00:00'", "closes", _("the hours close when they open"))

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns."""
        return fill_from_model(load, {"valid_from": "i.valid_from"})

    def finish(self, load: Loading) -> None:
        """Clocks of open tickets."""
        load.run(_RESET_CLOCKS)


class Holidays(Kind):
    """Days on which no business clock runs."""

    name = "holidays"
    model = Holiday
    key = key_targets = ("day",)
    columns: ClassVar[tuple[Column, ...]] = (Column("day", Day(), required=True), Column("name", Text(120)))

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns."""
        return fill_from_model(load)

    def finish(self, load: Loading) -> None:
        """Clocks of open tickets."""
        load.run(_RESET_CLOCKS)


KINDS: tuple[Kind, ...] = (ServiceLevels(), Hours(), Holidays())
