"""What the demo company wants of its figures: targets and owners, with a change of last year."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from accounts.models import Segment, User
from metrics.actions.kpi_settings import set_target
from metrics.models import KpiSetting

# KPI, variant, segment, target, warning line, owner, note, months before now
_TARGETS = (
    ("nrr", "", "", "1.00", "0.97", "lead@kervan.example", "What the board asked for.", 10),
    ("logo_churn", "", "", "0.02", "0.03", "lead@kervan.example", "", 22),
    ("logo_churn", "", "", "0.015", "0.025", "lead@kervan.example", "Tightened with the plan of the year.", 10),
    ("logo_churn", "", "vip", "0.005", "0.01", "lead@kervan.example", "", 10),
    ("mrr", "", "", "220000", "200000", "admin@kervan.example", "", 10),
    ("nps", "", "", "20", "0", "lead2@kervan.example", "", 10),
    ("csat", "", "", "0.85", "0.75", "deniz@kervan.example", "", 10),
    ("csat", "mean", "", "4.2", "3.9", "deniz@kervan.example", "", 10),
    ("first_response_time", "", "", "7200", "14400", "deniz@kervan.example", "", 10),
    ("ticket_backlog", "", "", "5", "15", "omar@kervan.example", "", 10),
    ("crc", "", "", "250", "300", "admin@kervan.example", "", 10),
)


def set_targets(*, now: dt.datetime) -> int:
    """Writes them; none a second time. Returns how many there are."""
    if not KpiSetting.objects.exists():
        people = {user.email: user for user in User.objects.all()}
        segments = {segment.key: segment for segment in Segment.objects.all()}
        for kpi, variant, segment, target, warn, owner, note, months in _TARGETS:
            set_target(
                kpi=kpi, variant=variant, segment=segments.get(segment), target=Decimal(target), warn=Decimal(warn), owner=people.get(owner), note=note,
                valid_from=(now - dt.timedelta(days=30 * months)).date().replace(day=1), actor=people["admin@kervan.example"],
            )  # fmt: skip
    return len(_TARGETS)
