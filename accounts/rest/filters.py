"""Filters of lists: allow-listed by a FilterSet, and whatever is not on the list is refused."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import fields as form_fields
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework.request import Request

from accounts.models import Account
from accounts.rest.fields import EARLIEST, LATEST
from accounts.rest.problems import Malformed


class AllowListedFilters(filters.DjangoFilterBackend):
    """django-filter, but a parameter that is no filter is a fault instead of being ignored."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        """The filtered rows. Raises Malformed, ValidationError."""
        chosen = self.get_filterset_class(view, queryset)
        allowed = set(chosen.base_filters) if chosen else set()
        paging = view.pagination_class.parameters if view.pagination_class else set()
        refuse_strangers(request, allowed | paging)
        return super().filter_queryset(request, queryset, view)


def refuse_strangers(request: Request, allowed: set[str] | frozenset[str]) -> None:
    """Raises Malformed naming every query parameter that is not `allowed`."""
    strangers = [name for name in request.query_params if name not in allowed]
    if strangers:
        detail = _("There is no such parameter; allowed: %(names)s.") % {"names": ", ".join(sorted(allowed)) or "–"}
        raise Malformed(detail, "unknown_parameter", extra={"errors": [{"field": name, "pointer": "", "detail": detail, "code": "unknown_parameter"} for name in strangers]})


class InstantFormField(form_fields.DateTimeField):
    """An ISO instant in a query; a `+` that arrived as a space is taken back."""

    def to_python(self, value: Any) -> Any:
        """The instant. Raises ValidationError."""
        if isinstance(value, str):
            value = value.strip().replace(" ", "+") if "T" in value else value.strip()
        instant = super().to_python(value)
        if instant is not None:
            try:
                if not EARLIEST <= instant < LATEST:
                    raise OverflowError
            except OverflowError:
                raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        return instant


class InstantFilter(filters.IsoDateTimeFilter):
    """Compares a column with an instant."""

    field_class = InstantFormField


class FlagFilter(filters.TypedChoiceFilter):
    """`true` or `false`; anything else is a fault."""

    def __init__(self, **kwargs: Any):
        super().__init__(choices=[("true", "true"), ("false", "false")], coerce=lambda value: value == "true", **kwargs)


class AccountOwnedFilters(filters.FilterSet):
    """What every list of account rows can be filtered by."""

    account = filters.CharFilter(field_name="account__external_id", help_text="External id of the account.")
    created_since = InstantFilter(field_name="created_at", lookup_expr="gte")
    updated_since = InstantFilter(field_name="updated_at", lookup_expr="gte")


class AccountFilters(filters.FilterSet):
    """Filters of accounts."""

    external_id = filters.CharFilter()
    domain = filters.CharFilter(lookup_expr="iexact")
    owner_email = filters.CharFilter(field_name="owner__email", lookup_expr="iexact")
    segment = filters.CharFilter(field_name="segment__key")
    lifecycle_stage = filters.CharFilter(field_name="lifecycle_stage_id")
    plan = filters.CharFilter()
    country = filters.CharFilter()
    tag = filters.CharFilter(method="with_tag")
    band = filters.ChoiceFilter(field_name="snapshot__band", choices=[("healthy", "healthy"), ("watch", "watch"), ("at_risk", "at_risk")])
    excluded = FlagFilter()
    created_since = InstantFilter(field_name="created_at", lookup_expr="gte")
    updated_since = InstantFilter(field_name="updated_at", lookup_expr="gte")

    class Meta:
        model = Account
        fields: list[str] = []

    def with_tag(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """Accounts that carry a tag."""
        return queryset.filter(tags__contains=[value])
