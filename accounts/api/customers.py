"""Endpoints of accounts, contacts and the timeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework.serializers import ValidationError

from accounts.actions import contacts, customers
from accounts.actions.contacts import RefusalStands
from accounts.actions.rows import Taken
from accounts.api.serializers import AccountShape, ContactShape, TimelineShape
from accounts.event_kinds import EVENT_KINDS
from accounts.models import Account, AccountEvent, Contact
from accounts.models.events import Origin
from accounts.rest.endpoints import ByExternalId, Changing, Collection, Creating, Endpoint, ordered_by
from accounts.rest.filters import AccountFilters, AccountOwnedFilters, FlagFilter, InstantFilter
from accounts.rest.problems import Conflict


def put(action: Callable[..., tuple[Any, bool]], **values: Any) -> tuple[Any, bool]:
    """Runs an upsert; what is taken by another book or account is a conflict."""
    try:
        return action(**values)
    except Taken as fault:
        raise Conflict(_("The external id is taken."), "unique") from fault


class _Accounts(Endpoint):
    scope, row_route = "accounts", "api-account"
    serializer_class = AccountShape
    queryset = Account.objects.select_related("owner", "parent", "segment", "lifecycle_stage")


class AccountList(_Accounts, Creating):
    """Accounts."""

    filterset_class = AccountFilters
    orderings = {**ordered_by("updated_at"), "name": ("name_sort", "id")}

    def create(self, values: dict[str, Any]) -> tuple[Account, bool]:
        """By the action."""
        return customers.create_account(fields=values, actor=self.user, now=self.now, origin=Origin.API), True


class AccountDetail(_Accounts, Changing):
    """One account."""

    def change(self, row: Account, values: dict[str, Any], version: int | None) -> Account:
        """By the action."""
        return customers.change_account(account_id=row.pk, fields=values, actor=self.user, now=self.now, origin=Origin.API, version=version)


class AccountByExternalId(_Accounts, ByExternalId):
    """One account under the key other systems know it by."""

    def put_row(self, external_id: str, values: dict[str, Any], version: int | None) -> tuple[Account, bool]:
        """By the action."""
        return put(customers.put_account, external_id=external_id, fields=values, actor=self.user, now=self.now, origin=Origin.API, version=version)


class TimelineFilters(filters.FilterSet):
    """Filters of the timeline."""

    kind = filters.MultipleChoiceFilter(choices=[(kind, kind) for kind in EVENT_KINDS])
    since = InstantFilter(field_name="occurred_at", lookup_expr="gte", help_text="From this instant on.")
    until = InstantFilter(field_name="occurred_at", lookup_expr="lt", help_text="Before this instant.")

    class Meta:
        model = AccountEvent
        fields: list[str] = []


class Timeline(Collection):
    """What happened to an account, the latest first."""

    scope = "accounts"
    serializer_class = TimelineShape
    queryset = AccountEvent.objects.select_related("contact", "actor")
    filterset_class = TimelineFilters
    orderings = {"-occurred_at": ("-occurred_at", "-id"), "occurred_at": ("occurred_at", "id")}

    def scoped(self) -> QuerySet:
        """Events of one account that the user sees. Raises Http404 for any other."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        if not Account.objects.visible_to(self.user).filter(pk=self.kwargs["pk"]).exists():
            raise Http404
        return AccountEvent.objects.visible_to(self.user).select_related("contact", "actor").filter(account_id=self.kwargs["pk"])


class ContactFilters(AccountOwnedFilters):
    """Filters of contacts."""

    external_id = filters.CharFilter()
    email = filters.CharFilter(lookup_expr="iexact")
    role = filters.ChoiceFilter(choices=Contact.ContactRole.choices)
    opted_out = FlagFilter()

    class Meta:
        model = Contact
        fields: list[str] = []


class _Contacts(Endpoint):
    scope, row_route = "contacts", "api-contact"
    serializer_class = ContactShape
    queryset = Contact.objects.select_related("account")


def _refused(fault: RefusalStands) -> ValidationError:
    return ValidationError({"opted_out": _("The contact refused surveys. Only a consent given later takes that back: send its instant as consent_at.")}, code="refusal_stands")


class ContactList(_Contacts, Creating):
    """Contacts."""

    filterset_class = ContactFilters
    orderings = ordered_by("updated_at")

    def create(self, values: dict[str, Any]) -> tuple[Contact, bool]:
        """By the action."""
        return contacts.create_contact(fields=values, actor=self.user, now=self.now, origin=Origin.API), True


class ContactDetail(_Contacts, Changing):
    """One contact."""

    def change(self, row: Contact, values: dict[str, Any], version: int | None) -> Contact:
        """By the action."""
        try:
            return contacts.change_contact(contact_id=row.pk, fields=values, actor=self.user, now=self.now, origin=Origin.API, version=version)
        except RefusalStands as fault:
            raise _refused(fault) from fault


class ContactByExternalId(_Contacts, ByExternalId):
    """One contact under the key other systems know it by."""

    def put_row(self, external_id: str, values: dict[str, Any], version: int | None) -> tuple[Contact, bool]:
        """By the action."""
        try:
            return put(contacts.put_contact, external_id=external_id, fields=values, actor=self.user, now=self.now, origin=Origin.API, version=version)
        except RefusalStands as fault:
            raise _refused(fault) from fault
