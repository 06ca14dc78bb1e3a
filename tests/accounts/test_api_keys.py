"""Keys: hashed, scoped, over, revoked; the command prints one once."""

import datetime as dt
import hashlib
import re

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.actions.api_keys import create_key, revoke_key
from accounts.models import ApiKey
from accounts.scopes import UnknownScope
from tests.api_client import ApiClient

pytestmark = pytest.mark.django_db


def test_a_key_has_an_id_and_a_secret_and_only_its_hash_is_stored(cast):
    key, token = create_key(user=cast.ada, scopes=["accounts:read"], now=timezone.now())
    assert re.fullmatch(r"csk_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}", token)
    stored = ApiKey.objects.get(pk=key.pk)
    assert bytes(stored.digest) == hashlib.sha256(token.encode()).digest()
    assert token.split("_")[2] not in str(ApiKey.objects.values().get(pk=key.pk))


def test_a_key_lives_a_year_and_no_longer(cast):
    now = timezone.now()
    assert create_key(user=cast.ada, scopes=["*"], now=now)[0].expires_at == now + dt.timedelta(days=365)
    for days in (0, 366):
        with pytest.raises(ValueError, match="365"):
            create_key(user=cast.ada, scopes=["*"], now=now, days=days)
    with pytest.raises(UnknownScope):
        create_key(user=cast.ada, scopes=["accounts:delete"], now=now)
    with pytest.raises(ValueError, match="at least one"):
        create_key(user=cast.ada, scopes=[], now=now)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer csk_short", "Bearer a b", "Basic YWRhOmFkYQ==", "Bearer csk_aaaaaaaa_" + "b" * 43, "Bearer \xff\xfe"])
def test_without_a_living_key_it_is_401_and_says_how(cast, header):
    client = ApiClient(None)
    answer = client.get("/accounts/", **({"Authorization": header} if header is not None else {}))
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 401


def test_a_key_of_another_secret_is_401(cast):
    client = ApiClient(cast.ada)
    client.token = client.token[:-1] + ("a" if client.token[-1] != "a" else "b")
    assert client.get("/accounts/").status_code == 401


def test_a_key_in_the_address_is_no_key(cast):
    client = ApiClient(cast.ada)
    token, client.token = client.token, ""
    assert client.get(f"/accounts/?key={token}").status_code == 401


@pytest.mark.parametrize("end", ["revoked", "over", "user not active"])
def test_a_key_ends_at_once(cast, end):
    client = ApiClient(cast.ada)
    assert client.get("/accounts/").status_code == 200
    if end == "revoked":
        assert revoke_key(key=client.key, now=timezone.now()) is True
        assert revoke_key(key=client.key, now=timezone.now()) is False
    elif end == "over":
        ApiKey.objects.update(expires_at=timezone.now())
    else:
        type(cast.ada).objects.filter(pk=cast.ada.pk).update(is_active=False)
    assert client.get("/accounts/").status_code == 401


def test_use_is_written_down_once_a_minute(cast, django_assert_num_queries):
    client = ApiClient(cast.ada)
    client.get("/accounts/")
    first = ApiKey.objects.get().last_used_at
    assert timezone.now() - first < dt.timedelta(seconds=10)
    client.get("/accounts/")
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - dt.timedelta(seconds=61))
    client.get("/accounts/")
    assert ApiKey.objects.get().last_used_at > first


def test_scopes_are_asked_for_reading_and_writing_apart(cast):
    reader, writer = ApiClient(cast.ada, "accounts:read"), ApiClient(cast.ada, "accounts:write")
    assert reader.get("/accounts/").status_code == 200
    refused = reader.post("/accounts/", {"name": "Yeni"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope"), refused.content
    assert "accounts:write" in refused.json()["detail"]
    assert writer.get("/accounts/").status_code == 403
    assert writer.post("/accounts/", {"name": "Yeni"}).status_code == 201


def test_the_command_prints_the_key_alone(cast, capsys):
    call_command("create-key", "--user", "ADA@vefa.test", "--scope", "accounts:read", "contacts:read", "--scope", "usage:write", "--name", "billing", "--days", "30")
    out = capsys.readouterr().out
    assert re.fullmatch(r"csk_\w{8}_\w{43}\n", out)
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.user) == ("billing", ["accounts:read", "contacts:read", "usage:write"], cast.ada)
    assert (key.expires_at - timezone.now()).days == 29
    client = ApiClient(None)
    client.token = out.strip()
    assert client.get("/accounts/").status_code == 200


@pytest.mark.parametrize(
    ("user", "scope", "days", "code"),
    [("nobody@vefa.test", "*", "365", 1), ("ada@vefa.test", "accounts:eat", "365", 2), ("ada@vefa.test", "*", "366", 2), ("ada@vefa.test", ",", "1", 2)],
)
def test_the_command_refuses_with_its_exit_codes(cast, user, scope, days, code):
    with pytest.raises(CommandError) as refusal:
        call_command("create-key", "--user", user, "--scope", scope, "--days", days)
    assert refusal.value.returncode == code
    assert ApiKey.objects.count() == 0
