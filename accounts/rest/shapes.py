"""Serializers that refuse what they do not know and run the model's own rules."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ValidationError as ModelFault
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.fields import CurrencyField
from accounts.rest.fields import CodeField, InstantField, ObjectField
from accounts.rest.problems import of_model


class StrictShape(serializers.Serializer):
    """A serializer that names every field of a body that it does not take."""

    def to_internal_value(self, data: Any) -> Any:
        """The values; all faults of the body at once. Raises ValidationError."""
        faults = self._strangers(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as fault:
            raise serializers.ValidationError({**fault.detail, **faults} if isinstance(fault.detail, Mapping) else fault.detail) from fault
        if faults:
            raise serializers.ValidationError(faults)
        return values

    def _strangers(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        faults = {}
        for name in data:
            field = self.fields.get(name)
            if field is None:
                faults[name] = [ErrorDetail(str(_("There is no such field.")), "unknown_field")]
            elif field.read_only:
                faults[name] = [ErrorDetail(str(_("This field is set by Vefa; leave it out.")), "read_only")]
        return faults


class StrictModelShape(StrictShape, serializers.ModelSerializer):
    """A strict serializer of a model: fields are listed one by one, and `full_clean()` has the last word.

    Fields in `create_only` may be given again later, but only as they are. It never saves: endpoints
    hand `validated_data` to an action.
    """

    create_only: ClassVar[tuple[str, ...]] = ()
    # constraints that the action answers in its own way
    left_to_the_action: ClassVar[frozenset[str]] = frozenset()
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        CurrencyField: CodeField,
        models.DateTimeField: InstantField,
        models.JSONField: ObjectField,
    }

    def get_unique_together_validators(self) -> list[Any]:
        """The model's `full_clean()` does it."""
        return []

    def get_unique_for_date_validators(self) -> list[Any]:
        """The model's `full_clean()` does it."""
        return []

    def build_standard_field(self, field_name: str, model_field: models.Field) -> Any:
        """Uniqueness is left to the model, so that it is said once and as a conflict."""
        field, kwargs = super().build_standard_field(field_name, model_field)
        if validators := kwargs.get("validators"):
            kwargs["validators"] = [one for one in validators if not hasattr(one, "queryset")]
        return field, kwargs

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Tries the values on a copy of the row; returns them as the model spells them."""
        self._keep_fixed(attrs)
        row = copy.copy(self.instance) if self.instance is not None else self.Meta.model()  # type: ignore[misc]
        for name, value in attrs.items():
            setattr(row, name, value)
        self.complete(row, attrs)
        self._run_model_rules(row, attrs)
        return {name: getattr(row, name) for name in attrs}

    def complete(self, row: Any, attrs: dict[str, Any]) -> None:
        """Room for defaults that depend on other values; may add to `attrs`."""

    def _keep_fixed(self, attrs: dict[str, Any]) -> None:
        if self.instance is None:
            return
        for name in self.create_only:
            source = self.fields[name].source
            if source in attrs and attrs.pop(source) != getattr(self.instance, source):
                raise serializers.ValidationError({name: _("This cannot be changed once the row exists.")}, code="immutable")

    def _run_model_rules(self, row: Any, attrs: dict[str, Any]) -> None:
        names = {str(field.source): name for name, field in self.fields.items()}
        hidden = {field.name for field in row._meta.fields if not field.editable}
        if self.context.get("upsert"):
            # another request may have made the row since; the action finds that out
            hidden.add("external_id")
        # what a change leaves alone may be older than today's rules
        untouched = {field.name for field in row._meta.fields if self.instance is not None and field.name not in attrs}
        faults: dict[str, list[ErrorDetail]] = {}
        try:
            row.full_clean(exclude=hidden | untouched, validate_constraints=False)
        except ModelFault as fault:
            faults = of_model(fault, names)
        constraints = [(model, constraint) for model, found in row.get_constraints() for constraint in found if constraint.name not in self.left_to_the_action]
        # checks first: a range that ends before it starts cannot even be compared with others
        for model, constraint in sorted(constraints, key=lambda pair: not isinstance(pair[1], models.CheckConstraint)):
            if faults and not isinstance(constraint, models.CheckConstraint):
                break
            try:
                constraint.validate(model, row, exclude=hidden)
            except ModelFault as fault:
                code = _code(constraint)
                for key, details in of_model(fault, names).items():
                    faults.setdefault(key, []).extend(ErrorDetail(str(detail), code or detail.code) for detail in details)
        if faults:
            raise serializers.ValidationError(faults)


def _code(constraint: models.BaseConstraint) -> str | None:
    if isinstance(constraint, models.UniqueConstraint):
        return "unique"
    return "overlap" if isinstance(constraint, ExclusionConstraint) else None
