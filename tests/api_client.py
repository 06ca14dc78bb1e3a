"""A client of the API as an integrator has it: a key, JSON, headers by name."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone

from accounts.actions.api_keys import create_key
from accounts.models import User

# one chain of middleware for all: building it reads the folders of static files
_HANDLER = ClientHandler(enforce_csrf_checks=False)


class ApiClient:
    """Sends JSON with a key of its own."""

    def __init__(self, user: User | None, *scopes: str, base: str = "/api/v1"):
        self.base, self.http = base, Client()
        self.http.handler = _HANDLER
        self.key, self.token = create_key(user=user, scopes=scopes or ["*"], now=timezone.now()) if user else (None, "")

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, bytes | str) else json.dumps(body) if body is not None else ""
        address = path if path.startswith("http") else f"{self.base}{path}"
        return self.http.generic(method, address, data, content_type="application/json", headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self("PATCH", path, body, **headers)

    def edit(self, path: str, body: Any) -> Any:
        """Reads, then changes under the ETag read."""
        return self.patch(path, body, If_Match=self.get(path)["ETag"])


def fields_of(response: Any) -> dict[str, str]:
    """The faults of a problem: field -> code."""
    assert response["Content-Type"] == "application/problem+json", response.content
    return {entry["field"]: entry["code"] for entry in response.json()["errors"]}
