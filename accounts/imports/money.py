"""Importing transactions, costs and rates of exchange."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.importing.field_types import Choice, Day, Number, Tags, Text, Whole
from accounts.importing.kinds import Column, Kind
from accounts.importing.staging import Loading
from accounts.importing.writing import fill_from_model
from accounts.imports.customers import resolve_segments
from accounts.imports.fields import BOOLEAN, CURRENCY, INSTANT, KEY, MONEY, currency_of_account, mark_dirty_accounts, refuse_unless, resolve_accounts, write_events
from accounts.models import CostEntry, ExchangeRate, Transaction


class Transactions(Kind):
    """Orders, invoices, contracts; paid, failed or refunded."""

    name = "transactions"
    model = Transaction
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True), Column("account", KEY, required=True), Column("occurred_at", INSTANT, required=True), Column("amount", MONEY, required=True),
        Column("currency", CURRENCY), Column("kind", Choice(("order", "invoice", "one_time", "contract"))),
        Column("status", Choice(("succeeded", "failed", "refunded", "cancelled"))),
        Column("refunded_amount", MONEY), Column("refunded_at", INSTANT), Column("tax", MONEY), Column("shipping", MONEY), Column("contract_years", Number(places=3, digits=6)),
        Column("one_time_fees", MONEY), Column("invoice", KEY), Column("attempt", Whole(0, 32767)), Column("failure_code", Text(80)), Column("hard_decline", BOOLEAN),
    )  # fmt: skip

    def resolve(self, load: Loading) -> None:
        """Accounts."""
        resolve_accounts(load)

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns, the account, its currency."""
        return fill_from_model(load, {"account_id": "i.account_id", "currency": currency_of_account(load)})

    def check(self, load: Loading) -> None:
        """Amounts that no payment can have, as `Transaction.clean` refuses them."""
        for condition, column, text in (
            ("amount < 0", "amount", _("an amount cannot be below 0: what was given back stands in refunded_amount")),
            ("refunded_amount < 0", "refunded_amount", _("what was given back cannot be below 0")),
            ("refunded_amount > amount", "refunded_amount", _("more was given back than was paid")),
            ("refunded_at < occurred_at", "refunded_at", _("the money came back before it was paid")),
            ("tax < 0", "tax", _("tax cannot be below 0")),
            ("shipping < 0", "shipping", _("shipping cannot be below 0")),
            ("contract_years <= 0", "contract_years", _("a contract runs for more than 0 years")),
            ("one_time_fees < 0 OR one_time_fees > amount", "one_time_fees", _("one-time fees lie between 0 and the amount, which holds them")),
        ):
            load.reject_where(f"SELECT row, %(text)s::text FROM final WHERE {condition}", column, {"text": text})

    def finish(self, load: Loading) -> None:
        """Purchases, failed and recovered payments as events."""
        write_events(
            load,
            """
            WITH touched AS (SELECT t.*, trim_scale(t.amount)::text AS worth FROM accounts_transaction t JOIN final f ON f.target = t.id AND f.fate IN ('created', 'changed'))
            SELECT account_id, NULL::bigint, 'payment.failed', occurred_at, 'transaction', id::text,
                   jsonb_build_object('transaction', id, 'invoice', nullif(invoice, ''), 'attempt', attempt, 'failure_code', nullif(failure_code, ''), 'hard_decline', hard_decline,
                                      'amount', worth, 'currency', currency), 'transaction:' || id
            FROM touched WHERE status = 'failed'
            UNION ALL
            SELECT account_id, NULL, 'payment.recovered', occurred_at, 'transaction', id::text,
                   jsonb_build_object('transaction', id, 'invoice', invoice, 'amount', worth, 'currency', currency), 'transaction:' || id
            FROM touched t WHERE status = 'succeeded' AND invoice <> '' AND EXISTS (
                SELECT 1 FROM accounts_transaction b WHERE b.account_id = t.account_id AND b.invoice = t.invoice AND b.status = 'failed' AND b.occurred_at < t.occurred_at)
            UNION ALL
            SELECT account_id, NULL, 'purchase.completed', occurred_at, 'transaction', id::text,
                   jsonb_build_object('transaction', id, 'amount', worth, 'currency', currency), 'transaction:' || id
            FROM touched WHERE status IN ('succeeded', 'refunded') AND kind IN ('order', 'one_time')
            """,
        )
        mark_dirty_accounts(load, "SELECT account_id FROM final WHERE fate IN ('created', 'changed')", "transaction")


class Costs(Kind):
    """Costs of the programme."""

    name = "costs"
    model = CostEntry
    columns: ClassVar[tuple[Column, ...]] = (
        Column("external_id", KEY, required=True),
        Column("category", Choice(("team", "programme", "onboarding", "training", "tools", "marketing", "support", "quality", "service")), required=True),
        Column("amount", MONEY, required=True), Column("start", Day(), required=True), Column("end", Day()), Column("currency", CURRENCY), Column("segment", Text(80)),
        Column("tags", Tags()), Column("description", Text(500)),
    )  # fmt: skip

    def resolve(self, load: Loading) -> None:
        """Segments."""
        if "segment" in load.given:
            resolve_segments(load)

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns; without a currency the reporting currency."""
        more = {"currency": "coalesce(i.currency, %(currency)s)" if "currency" in load.given else "coalesce(t.currency, %(currency)s)"}
        return fill_from_model(load, {**more, **({"segment_id": "i.segment_id"} if "segment" in load.given else {})})

    def check(self, load: Loading) -> None:
        """The order of days."""
        load.reject_where('SELECT row, %(text)s::text FROM final WHERE "end" <= start', "end", {"text": _("the cost must end after it starts")})
        load.warn("costs_below_zero", load.fetch("SELECT count(*) FROM final WHERE amount < 0")[0][0])


class ExchangeRates(Kind):
    """Units of the reporting currency for one unit of another, from a day on."""

    name = "exchange_rates"
    model = ExchangeRate
    key = key_targets = ("currency", "day")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("currency", CURRENCY, required=True),
        Column("day", Day(), required=True),
        Column("rate", Number(places=12, digits=24), required=True),
    )

    def resolve(self, load: Loading) -> None:
        """Only positive rates, and one alone for the reporting currency."""
        refuse_unless(load, "i.rate > 0", "rate", _("a rate must be more than 0"))
        refuse_unless(
            load, "i.currency <> %(currency)s OR i.rate = 1", "rate", _("the rate of the reporting currency %(currency)s is 1") % {"currency": settings.REPORTING_CURRENCY}
        )

    def targets(self, load: Loading) -> dict[str, str]:
        """Plain columns."""
        return fill_from_model(load)


KINDS: tuple[Kind, ...] = (Transactions(), Costs(), ExchangeRates())
