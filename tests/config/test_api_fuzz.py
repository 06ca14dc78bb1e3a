"""Whatever is sent, the API answers with a problem or does it; it never breaks."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api_client import ApiClient

pytestmark = pytest.mark.django_db
STRANGE = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "İ",
        "boga",
        "selin",
        "nps",
        "2026-01-01",
        "0000-00-00",
        "9999-12-31T23:59:59+00:00",
        "1e400",
        "-0",
        "NaN",
        "EUR",
        "a@b.c",
        "%s",
        "'; --",
        "x" * 300,
        "🂡",
        "\u202e",
        "null",
    ]
)
LEAF = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20) | STRANGE
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)

# a body that works, and what of it may be replaced
BODIES = {
    "/accounts/": {"external_id": "f", "name": "F", "domain": "", "owner_email": None, "business_model": "ecommerce", "segment": "vip", "lifecycle_stage": "trial", "country": "TR", "time_zone": "UTC", "currency": "EUR", "revenue_potential": "1", "signed_up_at": "2026-01-01T00:00:00Z", "churned_at": None, "excluded": False, "parent_external_id": None, "tags": ["a"], "attributes": {}},
    "/contacts/": {"external_id": "f", "account": "boga", "email": "f@f.test", "name": "F", "role": "user", "birth_year": 1980, "opted_out": False, "consent_at": None, "attributes": {}},
    "/subscriptions/": {"external_id": "f", "account": "boga", "subscription": "g", "start": "2026-01-01T00:00:00Z", "end": None, "quantity": "1", "amount": "1", "currency": "EUR", "interval": "month", "interval_count": 1, "discount_percent": "0", "status": "active", "cancelled_at": None, "paused_from": None, "paused_until": None, "voluntary": None},
    "/transactions/": {"external_id": "f", "account": "boga", "occurred_at": "2026-01-01T00:00:00Z", "amount": "1", "currency": "EUR", "kind": "order", "status": "succeeded", "tax": None, "contract_years": "1", "attempt": 1, "invoice": "i"},
    "/tickets/": {"external_id": "f", "account": "boga", "contact": "selin", "subject": "S", "body": "B", "channel": "web", "severity": 1, "created_by_kind": "agent", "assignee_email": None, "opened_at": "2026-01-01T00:00:00Z", "tags": [], "spam": False, "escalated": False},
    "/work-items/": {"account": "boga", "contact": None, "type": "risk", "reason": "r", "title": "t", "why": "w", "priority": 1, "due_at": "2026-12-01T00:00:00Z", "owner_email": None},
    "/notes/": {"account": "boga", "body": "B", "pinned": True},
    "/events/": {"account": "boga", "kind": "trial.started", "occurred_at": "2026-01-01T00:00:00Z", "dedupe_key": "k", "contact_email": "selin@bogazici.test", "payload": {"plan": "x"}},
    "/usage/": {"account": "boga", "day": "2026-01-01", "count": 1, "feature": "", "users": 1, "seconds": None, "errors": 0},
    "/invitations/": {"contact": "selin", "survey": "nps", "ticket": "1"},
}  # fmt: skip


def check(client, path, body, **headers):
    answer = client.post(path, json.dumps(body), **headers)
    assert answer.status_code < 500, (path, body, answer.content)
    assert answer.status_code in {200, 201} or answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", list(BODIES))
def test_no_value_of_any_field_breaks_it(cast, path):
    client = ApiClient(cast.ada)
    client.http.raise_request_exception = False

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def attempt(data):
        body = dict(BODIES[path])
        for field in data.draw(st.sets(st.sampled_from(sorted(body)), min_size=1, max_size=3)):
            body[field] = data.draw(ANYTHING)
        wrap = data.draw(st.sampled_from(["plain", "list", "stranger"]))
        check(client, path, [body] if wrap == "list" else {**body, **({data.draw(st.text(max_size=5)): 1} if wrap == "stranger" else {})})

    attempt()


@pytest.mark.parametrize("path", list(BODIES))
def test_no_body_breaks_it(cast, path):
    client = ApiClient(cast.ada)
    client.http.raise_request_exception = False

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(body=ANYTHING)
    def attempt(body):
        check(client, path, body)

    attempt()


@pytest.mark.parametrize(
    "path",
    ["/accounts/", "/contacts/", "/subscriptions/", "/transactions/", "/tickets/", "/work-items/", "/notes/", "/invitations/", "/responses/", "/touchpoints/", "/metrics/mrr/"],
)
def test_no_query_breaks_it(cast, path):
    from urllib.parse import urlencode

    client = ApiClient(cast.ada)
    client.http.raise_request_exception = False
    names = st.sampled_from(
        [
            "limit",
            "cursor",
            "ordering",
            "account",
            "status",
            "kind",
            "external_id",
            "updated_since",
            "decided_since",
            "start",
            "end",
            "segment",
            "by",
            "filter.country",
            "param.pause",
            "tag",
            "severity",
        ]
    )

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(query=st.dictionaries(names, st.text(max_size=12).filter(lambda text: text.isprintable()) | STRANGE.filter(lambda text: text != "\ud800"), max_size=3))
    def attempt(query):
        answer = client.get(f"{path}?{urlencode(query)}")
        assert answer.status_code in {200, 400}, (path, query, answer.content)

    attempt()
