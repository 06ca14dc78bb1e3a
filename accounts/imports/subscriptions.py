"""Importing spans of subscriptions."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.actions.subscription_ledger import rebuild_ledger_of
from accounts.importing.field_types import Choice, Number, Text, Whole
from accounts.importing.kinds import Column, Kind
from accounts.importing.staging import Loading
from accounts.importing.writing import fill_from_model
from accounts.imports.fields import BOOLEAN, CURRENCY, INSTANT, KEY, MONEY, currency_of_account, mark_dirty_accounts, resolve_accounts, write_events
from accounts.models import Subscription
from accounts.money import INTERVALS, MOST_A_MONTH

_INTERVAL_NUMERATOR = "CASE interval WHEN 'quarter' THEN 3 WHEN 'half_year' THEN 6 WHEN 'month' THEN 1 ELSE 12 END"
_INTERVAL_DENOMINATOR = "CASE interval WHEN 'day' THEN 365 WHEN 'week' THEN 52 ELSE 1 END"
# a span may have moved from one account to another: both books change
_TOUCHED = """SELECT account_id FROM final WHERE fate IN ('created', 'changed')
UNION SELECT (before->>'account_id')::bigint FROM final WHERE fate = 'changed'"""


def monthly_micros_sql(share: str) -> str:
    """SQL for the MRR in millionths of a row of terms, `share` being the percent that is paid.

    The arithmetic of `accounts.money.monthly_micros` with `div`, which is exact: half away from zero.
    """
    paid = f"(amount * quantity * ({share}) * 1000000 * ({_INTERVAL_DENOMINATOR}))"
    by = f"(100::numeric * ({_INTERVAL_NUMERATOR}) * interval_count)"
    return f"(sign({paid}) * div(2 * abs({paid}) + {by}, 2 * {by}))::bigint"


class Subscriptions(Kind):
    """Spans of constant terms; those of one (account, subscription) never overlap."""

    name = "subscriptions"
    model = Subscription
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("account", KEY, required=True), Column("start", INSTANT, required=True), Column("subscription", KEY),
        Column("end", INSTANT), Column("product", Text(200)), Column("quantity", Number(places=4, digits=16, least=Decimal(0))), Column("amount", MONEY),
        Column("currency", CURRENCY), Column("interval", Choice(INTERVALS)), Column("interval_count", Whole(1, 1000)),
        Column("discount_percent", Number(places=4, digits=7, least=Decimal(0), most=Decimal(100))), Column("discount_forever", BOOLEAN), Column("trial_until", INSTANT),
        Column("cancelled_at", INSTANT), Column("paused_from", INSTANT), Column("paused_until", INSTANT), Column("past_due_since", INSTANT), Column("unpaid_at", INSTANT),
        Column("status", Choice(("active", "trialing", "past_due", "unpaid", "paused", "cancelled"))),
        Column("kind", Choice(("plan", "seats", "service", "integration", "product"))),
        Column("end_reason", Text(80)), Column("voluntary", BOOLEAN),
    )  # fmt: skip

    def resolve(self, load: Loading) -> None:
        """Accounts."""
        resolve_accounts(load)

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns; the group is the span's own id where none is given."""
        group = "coalesce(nullif(i.subscription, ''), i.external_id)" if "subscription" in load.given else "coalesce(t.subscription, i.external_id)"
        return fill_from_model(load, {"account_id": "i.account_id", "subscription": group, "currency": currency_of_account(load)})

    def check(self, load: Loading) -> None:
        """The order of instants, overlaps, and the two monthly amounts."""
        load.reject_where('SELECT row, %(text)s::text FROM final WHERE "end" < start', "end", {"text": _("the span ends before it starts")})
        load.reject_where(
            "SELECT row, %(text)s::text FROM final WHERE paused_until IS NOT NULL AND (paused_from IS NULL OR paused_until < paused_from)", "paused_until",
            {"text": _("the pause ends before it starts, or has no start")},
        )  # fmt: skip
        monthly = f"abs(amount * quantity * ({_INTERVAL_DENOMINATOR})) / (({_INTERVAL_NUMERATOR}) * interval_count)"
        too_much = {"text": _("the amount a month is more than can be kept"), "most": MOST_A_MONTH}
        load.reject_where(f"SELECT row, %(text)s::text FROM final WHERE {monthly} >= %(most)s", "amount", too_much)
        load.warn("spans_below_zero", load.fetch("SELECT count(*) FROM final WHERE amount < 0")[0][0])
        load.warn("over_before_start", load.fetch("SELECT count(*) FROM final WHERE unpaid_at < start OR cancelled_at < start")[0][0])
        load.warn("empty_spans", load.fetch('SELECT count(*) FROM final WHERE "end" = start')[0][0])
        # inside the file: each span against the latest end of those that begin before it
        load.reject_where(
            """SELECT row, format(%(text)s, before_row) FROM (
                 SELECT row, start, max(coalesce("end", 'infinity')) OVER earlier AS busy_until,
                        lag(row) OVER (PARTITION BY account_id, subscription ORDER BY start, row) AS before_row
                 FROM final WHERE "end" IS NULL OR "end" > start
                 WINDOW earlier AS (PARTITION BY account_id, subscription ORDER BY start, row ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS spans
               WHERE busy_until > start""",
            "start",
            {"text": _("the span overlaps another one of the same subscription, in row %s")},
        )
        load.reject_where(
            """SELECT f.row, format(%(text)s, t.external_id) FROM final f JOIN accounts_subscription t
               ON t.account_id = f.account_id AND t.subscription = f.subscription AND tstzrange(t.start, t."end", '[)') && tstzrange(f.start, f."end", '[)')
               WHERE NOT EXISTS (SELECT 1 FROM final o WHERE o.target = t.id)""",
            "start",
            {"text": _("the span overlaps “%s” of the same subscription, which is stored already")},
        )
        load.run(
            f"UPDATE final SET mrr_micros = {monthly_micros_sql('100 - discount_percent')}, "
            f"mrr_forever_micros = {monthly_micros_sql('CASE WHEN discount_forever THEN 100 - discount_percent ELSE 100 END')}"
        )

    def before_update(self, load: Loading) -> None:
        """Spans that move shrink to nothing first: the ban on overlaps looks at every row as it is written."""
        load.run(
            'UPDATE accounts_subscription t SET "end" = t.start, paused_from = NULL, paused_until = NULL FROM final f '
            "WHERE t.id = f.target AND f.fate = 'changed' "
            'AND (t.start, t."end", t.account_id, t.subscription) IS DISTINCT FROM (f.start, f."end", f.account_id, f.subscription)'
        )

    def finish(self, load: Loading) -> None:
        """The ledger, the events of the groups that were touched, marks for the health score."""
        rebuild_ledger_of(_TOUCHED)
        write_events(
            load,
            """
            WITH grouped AS (
                SELECT s.*, lag("end") OVER spans AS end_before, lag(mrr_micros) OVER spans AS mrr_before, lead(start) OVER spans AS start_after
                FROM accounts_subscription s
                WHERE (account_id, subscription) IN (SELECT account_id, subscription FROM final WHERE fate IN ('created', 'changed')) AND ("end" IS NULL OR "end" > start)
                WINDOW spans AS (PARTITION BY account_id, subscription ORDER BY start)
            ), touched AS (
                SELECT g.*, trim_scale(g.mrr_micros / 1000000.0)::text AS mrr, trim_scale(g.mrr_before / 1000000.0)::text AS before_text
                FROM grouped g JOIN final f ON f.target = g.id AND f.fate IN ('created', 'changed'))
            SELECT account_id, NULL::bigint, 'subscription.started', start, 'subscription', id::text,
                   jsonb_build_object('subscription', subscription, 'product', product, 'mrr', mrr, 'currency', currency), 'span:' || id
            FROM touched WHERE end_before IS NULL OR end_before < start
            UNION ALL
            SELECT account_id, NULL, 'subscription.changed', start, 'subscription', id::text,
                   jsonb_build_object('subscription', subscription, 'product', product, 'mrr_before', before_text, 'mrr', mrr, 'currency', currency), 'span:' || id
            FROM touched WHERE end_before = start AND mrr_before IS DISTINCT FROM mrr_micros
            UNION ALL
            SELECT account_id, NULL, 'subscription.cancelled', cancelled_at, 'subscription', id::text,
                   jsonb_build_object('subscription', subscription, 'product', product, 'ends_at', "end", 'reason', nullif(end_reason, ''), 'voluntary', voluntary),
                   'span:' || id || ':' || cancelled_at
            FROM touched WHERE cancelled_at IS NOT NULL
            UNION ALL
            SELECT account_id, NULL, 'subscription.ended', "end", 'subscription', id::text,
                   jsonb_build_object('subscription', subscription, 'product', product, 'reason', nullif(end_reason, ''), 'voluntary', voluntary), 'span:' || id || ':' || "end"
            FROM touched WHERE "end" IS NOT NULL AND (start_after IS NULL OR start_after > "end")
            """,
        )
        mark_dirty_accounts(load, _TOUCHED, "subscription")


KINDS: tuple[Kind, ...] = (Subscriptions(),)
