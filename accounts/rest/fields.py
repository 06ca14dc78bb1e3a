"""Fields of bodies and answers: instants, JSON objects, and rows named by the keys clients know."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account, Contact, LifecycleStage, Segment, User
from accounts.models.people import normalise_email
from accounts.roles import WRITES_ACCOUNTS, Role

EARLIEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
ATTRIBUTES_BYTES = 32_768


class InstantField(serializers.DateTimeField):
    """An instant of ISO 8601 from 1900 to 2199; without an offset it is in the organisation's zone."""

    default_error_messages = {"out_of_range": _("The instant must lie between 1900 and 2199.")}

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        """Adds the zone; refuses what cannot be converted."""
        try:
            return super().enforce_timezone(value)
        except (OverflowError, ValueError, serializers.ValidationError):
            self.fail("out_of_range")

    def to_internal_value(self, value: Any) -> dt.datetime:
        """The instant. Raises ValidationError."""
        instant = super().to_internal_value(value)
        try:
            in_range = EARLIEST <= instant < LATEST
        except OverflowError:
            in_range = False
        if not in_range:
            self.fail("out_of_range")
        return instant


class CodeField(serializers.CharField):
    """A code in capitals, however it is sent."""

    def to_internal_value(self, data: Any) -> str:
        """In capitals, before anybody checks it."""
        return super().to_internal_value(data).upper()


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.JSONField):
    """A JSON object of at most 32 kB."""

    default_error_messages = {"no_object": _("A JSON object is expected."), "too_large": _("The object is larger than 32 kB.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The object. Raises ValidationError."""
        if not isinstance(data, dict):
            self.fail("no_object")
        if len(json.dumps(data)) > ATTRIBUTES_BYTES:
            self.fail("too_large")
        return data


class KeyField(serializers.RelatedField):
    """A row named by one of its columns, looked for among what the key's user may see or change.

    A row that is out of scope is reported exactly as one that does not exist.
    """

    model: Any = None
    column = "external_id"
    default_error_messages = {"does_not_exist": _("There is no such row: “%(value)s”."), "no_text": _("A text is expected.")}

    def rows(self) -> QuerySet:
        """Where the row is looked for."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet:
        """DRF asks before the request is there."""
        return self.rows() if "request" in self.context else self.model._default_manager.none()

    def __init__(self, **kwargs: Any):
        if not kwargs.get("read_only"):
            kwargs.setdefault("queryset", self.model._default_manager.none())
        super().__init__(**kwargs)

    @property
    def user(self) -> User:
        """Whom the key acts for."""
        return self.context["request"].user

    def to_internal_value(self, data: Any) -> Any:
        """The row. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("no_text")
        known = self.context.setdefault("rows by key", {})  # type: ignore[attr-defined]
        cached = (type(self), data)
        if cached not in known:
            known[cached] = self.find(data)
        if known[cached] is None:
            self.fail("does_not_exist", value=data[:200])
        return known[cached]

    def fail(self, key: str, **values: Any) -> None:  # type: ignore[override]
        """DRF fills with `format`; these sentences are gettext's."""
        raise serializers.ValidationError(str(self.error_messages[key]) % values if values else self.error_messages[key], code=key)

    def find(self, value: str) -> Any:
        """The row of a key, or None."""
        return self.rows().filter(**{self.column: value}).first()

    def to_representation(self, value: Any) -> str:
        """The key."""
        return getattr(value, self.column)

    def use_pk_only_optimization(self) -> bool:
        """The key is no primary key."""
        return False


@extend_schema_field(OpenApiTypes.STR)
class AccountField(KeyField):
    """An account by its external id. In bodies: one the user may change."""

    model = Account

    def rows(self) -> QuerySet:
        """The user's own."""
        return Account.objects.changeable_by(self.user)


@extend_schema_field(OpenApiTypes.STR)
class VisibleAccountField(AccountField):
    """An account by its external id. In bodies: one the user may see."""

    def rows(self) -> QuerySet:
        """Those he sees."""
        return Account.objects.visible_to(self.user)


@extend_schema_field(OpenApiTypes.STR)
class ContactField(KeyField):
    """A contact by its external id."""

    model = Contact

    def rows(self) -> QuerySet:
        """Those the user may see."""
        return Contact.objects.visible_to(self.user)


@extend_schema_field(OpenApiTypes.STR)
class SegmentField(KeyField):
    """A segment by its key."""

    model, column = Segment, "key"

    def rows(self) -> QuerySet:
        """All."""
        return Segment.objects.all()


@extend_schema_field(OpenApiTypes.STR)
class StageField(KeyField):
    """A lifecycle stage by its key."""

    model, column = LifecycleStage, "key"

    def rows(self) -> QuerySet:
        """All."""
        return LifecycleStage.objects.all()


@extend_schema_field(OpenApiTypes.EMAIL)
class ColleagueField(KeyField):
    """A user by e-mail. Admins may name anybody active, others themselves and their team."""

    model, column = User, "email"
    roles = frozenset(WRITES_ACCOUNTS)

    def rows(self) -> QuerySet:
        """Whom the user may hand things to."""
        people = User.objects.filter(is_active=True, role__in=self.roles)
        if self.user.role == Role.ADMIN:
            return people
        return people.filter(team_id=self.user.team_id) if self.user.team_id else people.filter(pk=self.user.pk)

    def find(self, value: str) -> Any:
        """Addresses are compared as logins are."""
        return super().find(normalise_email(value))
