"""Endpoints of subscriptions and transactions."""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters

from accounts.actions import subscriptions, transactions
from accounts.api.customers import put
from accounts.api.serializers import SubscriptionShape, TransactionShape
from accounts.models import Subscription, Transaction
from accounts.models.events import Origin
from accounts.rest.endpoints import ByExternalId, Changing, Creating, Endpoint, ordered_by
from accounts.rest.filters import AccountOwnedFilters, InstantFilter


class SubscriptionFilters(AccountOwnedFilters):
    """Filters of spans."""

    external_id = filters.CharFilter()
    subscription = filters.CharFilter()
    product = filters.CharFilter()
    kind = filters.ChoiceFilter(choices=Subscription.Kind.choices)
    status = filters.ChoiceFilter(choices=Subscription.Status.choices)
    in_force_at = InstantFilter(method="in_force", help_text="Spans that contain this instant.")

    class Meta:
        model = Subscription
        fields: list[str] = []

    def in_force(self, queryset: Any, name: str, value: Any) -> Any:
        """Half-open: the start is inside, the end is not."""
        return queryset.filter(start__lte=value).exclude(end__lte=value)


class _Subscriptions(Endpoint):
    scope, row_route = "subscriptions", "api-subscription"
    serializer_class = SubscriptionShape
    queryset = Subscription.objects.select_related("account")


class SubscriptionList(_Subscriptions, Creating):
    """Spans of subscriptions."""

    filterset_class = SubscriptionFilters
    orderings = ordered_by("start", "updated_at")

    def create(self, values: dict[str, Any]) -> tuple[Subscription, bool]:
        """By the action."""
        return subscriptions.create_subscription(fields=values, actor=self.user, now=self.now, origin=Origin.API), True


class SubscriptionDetail(_Subscriptions, Changing):
    """One span."""

    def change(self, row: Subscription, values: dict[str, Any], version: int | None) -> Subscription:
        """By the action."""
        return subscriptions.change_subscription(span_id=row.pk, fields=values, actor=self.user, now=self.now, origin=Origin.API, version=version)


class SubscriptionByExternalId(_Subscriptions, ByExternalId):
    """One span under the key other systems know it by."""

    def put_row(self, external_id: str, values: dict[str, Any], version: int | None) -> tuple[Subscription, bool]:
        """By the action."""
        return put(subscriptions.put_subscription, external_id=external_id, fields=values, actor=self.user, now=self.now, origin=Origin.API, version=version)


class TransactionFilters(AccountOwnedFilters):
    """Filters of transactions."""

    external_id = filters.CharFilter()
    invoice = filters.CharFilter()
    kind = filters.ChoiceFilter(choices=Transaction.Kind.choices)
    status = filters.ChoiceFilter(choices=Transaction.Status.choices)
    since = InstantFilter(field_name="occurred_at", lookup_expr="gte", help_text="From this instant on.")
    until = InstantFilter(field_name="occurred_at", lookup_expr="lt", help_text="Before this instant.")

    class Meta:
        model = Transaction
        fields: list[str] = []


class _Transactions(Endpoint):
    scope, row_route = "transactions", "api-transaction"
    serializer_class = TransactionShape
    queryset = Transaction.objects.select_related("account")


class TransactionList(_Transactions, Creating):
    """Purchases, invoices, contracts."""

    filterset_class = TransactionFilters
    orderings = ordered_by("occurred_at", "updated_at")

    def create(self, values: dict[str, Any]) -> tuple[Transaction, bool]:
        """By the action."""
        return transactions.create_transaction(fields=values, actor=self.user, now=self.now, origin=Origin.API), True


class TransactionDetail(_Transactions, Changing):
    """One transaction."""

    def change(self, row: Transaction, values: dict[str, Any], version: int | None) -> Transaction:
        """By the action."""
        return transactions.change_transaction(transaction_id=row.pk, fields=values, actor=self.user, now=self.now, origin=Origin.API, version=version)
