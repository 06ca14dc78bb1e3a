"""What OpenAPI cannot see in the views: keys, problems, headers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers


class KeyScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer csk_…`."""

    target_class = "accounts.api.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """For OpenAPI."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "csk_{id}_{secret}", "description": "A key of `manage.py create-key`, with scopes."}


class FaultShape(serializers.Serializer):
    """One fault of one field."""

    field = serializers.CharField(help_text="Path of the field, parts joined by dots.")
    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body.")
    detail = serializers.CharField()
    code = serializers.CharField()


class ProblemShape(serializers.Serializer):
    """A problem (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FaultShape(many=True, required=False)  # type: ignore[assignment]


_MEANING = {
    400: "The request has faults.", 401: "No key, or one that is unknown, revoked or over.", 403: "The key lacks a scope, or its user's role does not write this.",
    404: "There is no such row, or the key's user may not see it.", 409: "It meets something that exists, or the same Idempotency-Key is still being worked on.",
    412: "It was changed since it was read.", 422: "The Idempotency-Key was used for another request.", 428: "`If-Match` is missing.", 429: "Over 600 requests in this minute.",
}  # fmt: skip
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="At most 200 signs, a UUID for instance. Within 24 hours the same key and body get the first answer again."
)
_IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag of what was read.")
_IF_MATCH_MAY = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag of what was read; without it the last one wins.")
_IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="An ETag: 304 where nothing changed.")


class ProblemSchema(AutoSchema):
    """Adds the headers of writes and the problems every operation may answer."""

    def get_override_parameters(self) -> list[Any]:
        """Headers by method."""
        headers = {"POST": [_IDEMPOTENCY_KEY], "PATCH": [_IF_MATCH], "PUT": [_IF_MATCH_MAY]}.get(self.method, [])
        if self.method == "GET" and getattr(self.view, "answers_with_etag", False):
            headers = [_IF_NONE_MATCH]
        return [*super().get_override_parameters(), *headers]

    def get_description(self) -> str:  # type: ignore[override]
        """The text of the view, and the scope it needs."""
        scope = self.view.scope_for(self.method)  # type: ignore[attr-defined]
        return f"{super().get_description() or ''}\n\nScope: `{scope}`".strip()

    def get_tags(self) -> list[str]:
        """The first part of the address."""
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.method == "GET" and self.view.many_rows  # type: ignore[attr-defined]

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)  # type: ignore[arg-type]
        codes = [400, 401, 403, 404, 429]
        codes += {"POST": [409, 422], "PATCH": [409, 412, 428], "PUT": [409, 412]}.get(self.method, [])
        for code in sorted(codes):
            if str(code) not in bodies:
                bodies[str(code)] = self._get_response_for_code(OpenApiResponse(ProblemShape, _MEANING[code]), str(code), media_types=["application/problem+json"])
        return bodies


def answer_shape(name: str, **fields: Any) -> Any:
    """A named shape of an answer that no serializer makes."""
    return inline_serializer(name, fields)
