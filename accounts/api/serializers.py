"""Shapes of accounts, contacts, events and the timeline. Fields are listed one by one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.event_kinds import EVENT_KINDS
from accounts.models import Account, AccountEvent, Contact, Subscription, Transaction, User
from accounts.rest.fields import AccountField, ColleagueField, ContactField, InstantField, ObjectField, SegmentField, StageField
from accounts.rest.shapes import StrictModelShape, StrictShape
from accounts.roles import Role

_STAMPS = ["version", "created_at", "updated_at"]


class AccountShape(StrictModelShape):
    """A customer. `segment` in a body is set by hand, over the rules; null leaves it to the rules again."""

    create_only = ("external_id",)
    owner_email = ColleagueField(source="owner", required=False, allow_null=True)
    segment = SegmentField(required=False, allow_null=True)
    lifecycle_stage = StageField(required=False, allow_null=True)
    stage_since = InstantField(required=False, write_only=True, help_text="When the stage began, for one that began before it is told.")
    parent_external_id = AccountField(source="parent", required=False, allow_null=True)
    attributes = ObjectField(required=False)

    class Meta:
        model = Account
        fields = [
            "id", "external_id", "name", "domain", "owner_email", "business_model", "segment", "lifecycle_stage", "stage_since", "plan", "industry", "country",
            "time_zone", "language", "currency", "revenue_potential", "signed_up_at", "trial_started_at", "trial_ended_at", "churned_at",
            "churn_reason", "churn_reason_detail", "excluded", "parent_external_id", "tags", "attributes", *_STAMPS,
        ]  # fmt: skip
        read_only_fields = ["id", *_STAMPS]

    def validate_parent_external_id(self, parent: Account | None) -> Account | None:
        """An account is not above itself."""
        above, steps = parent, 0
        while above is not None and self.instance is not None:
            if above.pk == self.instance.pk or steps > 50:
                raise serializers.ValidationError(_("An account cannot stand above itself."), code="circle")
            above, steps = above.parent, steps + 1
        return parent

    def complete(self, row: Account, attrs: dict[str, Any]) -> None:
        """Who does not see everything keeps what he creates: he owns it unless he names another. A stage begins by now, and there is one."""
        since = attrs.get("stage_since")
        if since is not None and row.lifecycle_stage_id is None:
            raise serializers.ValidationError({"stage_since": _("It says since when the account is in a stage: name the stage.")}, code="invalid")
        if since is not None and since > self.context["view"].now:
            raise serializers.ValidationError({"stage_since": _("No stage begins in the future.")}, code="invalid")
        user: User = self.context["request"].user
        if self.instance is None and attrs.get("owner") is None and user.role != Role.ADMIN:
            row.owner = attrs["owner"] = user


class ContactShape(StrictModelShape):
    """A person at an account."""

    create_only = ("external_id", "account")
    account = AccountField()
    attributes = ObjectField(required=False)

    class Meta:
        model = Contact
        fields = [
            "id", "external_id", "account", "email", "name", "job_title", "role", "language", "time_zone", "country", "birth_year",
            "opted_out", "opted_out_at", "consent_at", "bounced_at", "attributes", *_STAMPS,
        ]  # fmt: skip
        read_only_fields = ["id", "opted_out_at", "bounced_at", *_STAMPS]
        extra_kwargs = {"email": {"required": True, "allow_blank": False}, "birth_year": {"min_value": 1900, "max_value": 2100}}


class _InAccountCurrency(StrictModelShape):
    """Money of an account: without a currency it is the account's, else the reporting one."""

    def complete(self, row: Any, attrs: dict[str, Any]) -> None:
        """Fills the currency of a new row."""
        if self.instance is None and not attrs.get("currency"):
            row.currency = attrs["currency"] = row.account.currency or settings.REPORTING_CURRENCY


class SubscriptionShape(_InAccountCurrency):
    """One span of constant terms. Spans of one (account, subscription) never overlap; `end` is exclusive."""

    create_only = ("external_id", "account")
    account = AccountField()
    mrr = serializers.SerializerMethodField(help_text="Monthly recurring revenue of the span in its currency, every discount subtracted.")

    class Meta:
        model = Subscription
        fields = [
            "id", "external_id", "account", "subscription", "start", "end", "product", "kind", "quantity", "amount", "currency", "interval",
            "interval_count", "discount_percent", "discount_forever", "status", "trial_until", "cancelled_at", "paused_from", "paused_until",
            "past_due_since", "unpaid_at", "end_reason", "voluntary", "mrr", *_STAMPS,
        ]  # fmt: skip
        read_only_fields = ["id", *_STAMPS]
        extra_kwargs = {"currency": {"required": False}, "interval_count": {"min_value": 1}, "discount_percent": {"min_value": 0, "max_value": 100}}

    def get_mrr(self, row: Subscription) -> str:
        """In units of the currency, six decimals."""
        whole, rest = divmod(abs(row.mrr_micros), 1_000_000)
        return f"{'-' if row.mrr_micros < 0 else ''}{whole}.{rest:06d}"


class TransactionShape(_InAccountCurrency):
    """A purchase, an invoice or a contract, paid or not."""

    create_only = ("external_id", "account")
    account = AccountField()

    class Meta:
        model = Transaction
        fields = [
            "id", "external_id", "account", "occurred_at", "amount", "currency", "kind", "status", "refunded_amount", "refunded_at", "tax",
            "shipping", "contract_years", "one_time_fees", "invoice", "attempt", "failure_code", "hard_decline", *_STAMPS,
        ]  # fmt: skip
        read_only_fields = ["id", *_STAMPS]
        extra_kwargs = {"currency": {"required": False}}


# what a customer's own systems can know; the rest is told by Vefa itself
_FAMILIES = ("account.", "trial.", "onboarding.", "purchase.", "subscription.", "payment.", "usage.", "stage.")
EVENT_CHOICES = [(kind, kind) for kind in EVENT_KINDS if kind.startswith(_FAMILIES)]
TIMELINE_CHOICES = [(kind, kind) for kind in EVENT_KINDS]


class EventBody(StrictShape):
    """Something that happened to a customer, as his own systems tell it."""

    account = AccountField()
    kind = serializers.ChoiceField(choices=EVENT_CHOICES)
    occurred_at = InstantField()
    dedupe_key = serializers.CharField(max_length=200, required=False, allow_null=True)
    contact_email = serializers.EmailField(required=False, allow_null=True, max_length=254)
    payload = ObjectField(required=False)


class EventResult(serializers.Serializer):
    """What became of one event of the request."""

    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["created", "duplicate"])
    id = serializers.IntegerField(allow_null=True)


class EventsAnswer(serializers.Serializer):
    """What became of the events, in their order."""

    created = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    results = EventResult(many=True)


class UsageBody(StrictShape):
    """Use of one feature by one account on one day of the organisation's zone; the row that exists is replaced."""

    account = serializers.CharField(max_length=200)
    day = serializers.DateField()
    count = serializers.IntegerField(min_value=0, max_value=2_147_483_647)
    feature = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    users = serializers.IntegerField(min_value=0, max_value=2_147_483_647, required=False, allow_null=True)
    seconds = serializers.IntegerField(min_value=0, max_value=2_147_483_647, required=False, allow_null=True)
    errors_ = serializers.IntegerField(min_value=0, max_value=2_147_483_647, required=False, allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """`errors` is a property of serializers, so the field cannot be declared under its name."""
        fields = super().get_fields()
        fields["errors"] = fields.pop("errors_")
        return fields


class UsageAnswer(serializers.Serializer):
    """How many rows were set."""

    rows = serializers.IntegerField()


class TimelineShape(serializers.ModelSerializer):
    """One event of an account."""

    contact = ContactField(read_only=True, allow_null=True)
    actor_email = ColleagueField(source="actor", read_only=True, allow_null=True)
    payload = serializers.DictField(read_only=True)

    class Meta:
        model = AccountEvent
        fields = ["id", "kind", "occurred_at", "recorded_at", "origin", "contact", "actor_email", "subject_type", "subject_id", "payload", "dedupe_key"]
        read_only_fields = fields
