"""Endpoints of work items and notes."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.actions.notes import add_note, change_note
from accounts.actions.work_items import WorkItemClosed, open_work_item
from accounts.actions.work_terms import change_work_item
from accounts.models import Note, WorkItem
from accounts.models.events import Origin
from accounts.rest.endpoints import Changing, Creating, Endpoint, ordered_by
from accounts.rest.fields import AccountField, ColleagueField, ContactField
from accounts.rest.filters import AccountOwnedFilters, FlagFilter, InstantFilter
from accounts.rest.problems import Conflict
from accounts.rest.shapes import StrictModelShape
from accounts.sentences import say, why


@extend_schema_field(OpenApiTypes.STR)
class WhyField(serializers.CharField):
    """One plain sentence; what clients send is kept word for word."""

    def to_internal_value(self, data: Any) -> Any:
        """As a stored sentence."""
        return why("manual", text=super().to_internal_value(data))

    def to_representation(self, value: Any) -> str:
        """In the language of the request."""
        return say(value)


class WorkItemShape(StrictModelShape):
    """Work for a named person. Of one account, type, reason and name only one item is open at a time; most work has no name."""

    create_only = ("account", "contact", "type", "reason", "name", "why")
    # creating what is open already is answered with the open one
    left_to_the_action: ClassVar[frozenset[str]] = frozenset({"work_once_while_open", "work_snoozed_has_date", "work_closed_has_instant"})
    account = AccountField()
    contact = ContactField(required=False, allow_null=True)
    owner_email = ColleagueField(source="owner", required=False, allow_null=True)
    why = WhyField(required=False, max_length=300)
    closed_by_email = ColleagueField(source="closed_by", read_only=True)

    class Meta:
        model = WorkItem
        fields = [
            "id", "account", "contact", "type", "reason", "name", "title", "why", "priority", "status", "owner_email", "due_at", "snoozed_until", "snooze_reason",
            "source", "outcome", "closed_at", "closed_by_email", "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "source", "closed_at", "version", "created_at", "updated_at"]

    def complete(self, row: WorkItem, attrs: dict[str, Any]) -> None:
        """New work is open; the contact is one of the account; a state comes with what it needs."""
        if self.instance is None and not row.why:
            row.why = attrs["why"] = why("manual", text=row.title or row.reason)
        if self.instance is None and attrs.get("status", "open") != "open":
            raise serializers.ValidationError({"status": gettext_lazy("New work is open.")})
        if row.contact is not None and row.contact.account_id != row.account_id:
            raise serializers.ValidationError({"contact": gettext_lazy("The contact is one of another account.")})
        if attrs.get("status") == "snoozed" and row.snoozed_until is None:
            raise serializers.ValidationError({"snoozed_until": gettext_lazy("Say until when.")}, code="required")
        for name, states in (("outcome", {"done", "dropped"}), ("snoozed_until", {"snoozed"}), ("snooze_reason", {"snoozed"})):
            if attrs.get(name) and row.status not in states:
                raise serializers.ValidationError({name: gettext_lazy("This goes with another status.")})


class NoteShape(StrictModelShape):
    """What somebody wrote down about an account; plain text."""

    create_only = ("account",)
    account = AccountField()
    author_email = ColleagueField(source="author", read_only=True)

    class Meta:
        model = Note
        fields = ["id", "account", "author_email", "body", "pinned", "version", "created_at", "updated_at"]
        read_only_fields = ["id", "version", "created_at", "updated_at"]


class WorkItemFilters(AccountOwnedFilters):
    """Filters of work."""

    type = filters.ChoiceFilter(choices=WorkItem.Type.choices)
    status = filters.MultipleChoiceFilter(choices=WorkItem.Status.choices)
    owner_email = filters.CharFilter(field_name="owner__email", lookup_expr="iexact")
    reason = filters.CharFilter()
    due_before = InstantFilter(field_name="due_at", lookup_expr="lt")

    class Meta:
        model = WorkItem
        fields: list[str] = []


class _Work(Endpoint):
    scope, row_route = "work", "api-work-item"
    serializer_class = WorkItemShape
    queryset = WorkItem.objects.select_related("account", "contact__account", "owner", "closed_by")


class WorkItemList(_Work, Creating):
    """Work items."""

    filterset_class = WorkItemFilters
    orderings = ordered_by("due_at", "updated_at")

    def create(self, values: dict[str, Any]) -> tuple[WorkItem, bool]:
        """Opens work; what is open already under this account, type and reason is renewed and answered with 200."""
        contact, owner = values.get("contact"), values.get("owner")
        item, new = open_work_item(
            account_id=values["account"].pk, type=values["type"], reason=values["reason"], why=values.get("why", {}), now=self.now, due_at=values["due_at"],
            title=values.get("title", ""), name=values.get("name", ""), priority=values.get("priority", WorkItem.Priority.NORMAL), owner_id=owner.pk if owner else None,
            contact_id=contact.pk if contact else None, source=WorkItem.Source.API, actor_id=self.user.pk, origin=Origin.API,
        )  # fmt: skip
        return item, new


class WorkItemDetail(_Work, Changing):
    """One work item."""

    def change(self, row: WorkItem, values: dict[str, Any], version: int | None) -> WorkItem:
        """By the action."""
        until = values.get("snoozed_until")
        if until is not None and until <= self.now:
            raise serializers.ValidationError({"snoozed_until": _("A snooze ends in the future.")})
        try:
            return change_work_item(item_id=row.pk, fields=values, actor=self.user, now=self.now, version=version)
        except WorkItemClosed as fault:
            raise Conflict(_("The work item is closed; open it again first."), "closed") from fault


class NoteFilters(AccountOwnedFilters):
    """Filters of notes."""

    pinned = FlagFilter()
    author_email = filters.CharFilter(field_name="author__email", lookup_expr="iexact")

    class Meta:
        model = Note
        fields: list[str] = []


class _Notes(Endpoint):
    scope, row_route = "notes", "api-note"
    serializer_class = NoteShape
    queryset = Note.objects.select_related("account", "author")


class NoteList(_Notes, Creating):
    """Notes."""

    filterset_class = NoteFilters
    orderings = ordered_by("updated_at")

    def create(self, values: dict[str, Any]) -> tuple[Note, bool]:
        """By the action; the author is the key's user."""
        note = add_note(account_id=values["account"].pk, author=self.user, body=values["body"], pinned=values.get("pinned", False), now=self.now, origin=Origin.API)
        return note, True


class NoteDetail(_Notes, Changing):
    """One note."""

    def change(self, row: Note, values: dict[str, Any], version: int | None) -> Note:
        """By the action."""
        body, pinned = values.get("body", row.body), values.get("pinned", row.pinned)
        if (body, pinned) == (row.body, row.pinned):
            return row
        return change_note(note_id=row.pk, body=body, pinned=pinned, version=version if version is not None else row.version)
