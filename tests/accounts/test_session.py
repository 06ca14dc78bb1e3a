"""Signing in by e-mail, the counters before it, signing out, preferences."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client, override_settings

from accounts import lockout
from accounts.models import User

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_tries_yet():
    connection = redis.Redis.from_url(settings.REDIS_URL)
    for key in connection.scan_iter("vefa:login:*"):
        connection.delete(key)


def sign_in(client, email="elif@vefa.test", password=PASSWORD, **more):
    return client.post("/login/", {"email": email, "password": password, **more})


def test_the_right_password_opens_a_session_under_a_new_id(client, cast):
    client.get("/login/")
    before = client.session.session_key
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.session[SESSION_KEY] == str(cast.elif_.pk)
    assert client.session.session_key != before


def test_capitals_in_the_address_do_not_matter(client, cast):
    assert sign_in(client, email=" ELIF@Vefa.test ").status_code == 302


@pytest.mark.parametrize(("email", "password"), [("elif@vefa.test", "wrong"), ("nobody@vefa.test", PASSWORD)])
def test_a_wrong_pair_is_refused_with_words_that_do_not_tell_which_part_is_wrong(client, cast, email, password):
    response = sign_in(client, email=email, password=password)
    assert response.status_code == 200
    assert "E-mail and password do not match." in response.content.decode()
    assert SESSION_KEY not in client.session


def test_somebody_switched_off_cannot_sign_in(client, cast):
    User.objects.filter(pk=cast.elif_.pk).update(is_active=False)
    assert sign_in(client).status_code == 200
    assert SESSION_KEY not in client.session


def test_an_unknown_address_costs_a_hash_too(client, cast):
    """With the product's own hasher a known and an unknown address take about the same time."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.Argon2PasswordHasher"]):
        cast.elif_.set_password(PASSWORD)
        cast.elif_.save()
        spent = {}
        for email in ("elif@vefa.test", "nobody@vefa.test"):
            start = time.perf_counter()
            sign_in(client, email=email, password="wrong")
            spent[email] = time.perf_counter() - start
    assert spent["nobody@vefa.test"] > spent["elif@vefa.test"] / 3


def test_five_failures_lock_the_address_for_this_place_even_for_the_right_password(client, cast):
    for _try in range(5):
        assert sign_in(client, password="wrong").status_code == 200
    locked = sign_in(client)
    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    assert SESSION_KEY not in client.session
    assert sign_in(client, email="can@vefa.test").status_code == 302, "another person from there goes on"


def test_an_unknown_address_is_locked_in_the_same_way(client, cast):
    answers = [sign_in(client, email="nobody@vefa.test").status_code for _try in range(6)]
    assert answers == [200] * 5 + [429]


def test_another_place_is_not_locked(client, cast):
    for _try in range(6):
        sign_in(client, password="wrong")
    assert sign_in(Client(REMOTE_ADDR="192.0.2.7")).status_code == 302


def test_a_success_starts_the_count_anew(client, cast):
    for _try in range(4):
        sign_in(client, password="wrong")
    assert sign_in(client).status_code == 302
    client.post("/logout/")
    for _try in range(4):
        assert sign_in(client, password="wrong").status_code == 200
    assert sign_in(client).status_code == 302


def test_tries_at_the_same_moment_are_all_counted():
    with ThreadPoolExecutor(20) as pool:
        allowed = list(pool.map(lambda _n: lockout.count_try("many@vefa.test", "192.0.2.1"), range(20)))
    assert sum(allowed) == 5


def test_every_counter_has_an_end():
    lockout.count_try("many@vefa.test", "192.0.2.1")
    connection = redis.Redis.from_url(settings.REDIS_URL)
    assert all(0 < connection.ttl(key) <= 3600 for key in connection.scan_iter("vefa:login:*"))


def test_a_hundred_tries_from_many_places_stop_strangers_but_not_a_known_place(cast):
    lockout.count_try("elif@vefa.test", "192.0.2.200")
    lockout.forgive("elif@vefa.test", "192.0.2.200")
    for number in range(100):
        lockout.count_try("elif@vefa.test", f"198.51.100.{number}")
    assert lockout.count_try("elif@vefa.test", "203.0.113.9") is False
    assert lockout.count_try("elif@vefa.test", "192.0.2.200") is True


def test_without_counters_nobody_is_let_in(client, cast):
    lockout._valkey.cache_clear()
    try:
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            response = sign_in(client)
    finally:
        lockout._valkey.cache_clear()
    assert response.status_code == 503
    assert SESSION_KEY not in client.session


@pytest.mark.parametrize("wanted", ["https://evil.test/", "//evil.test/", "javascript:alert(1)", "/\\evil.test"])
def test_next_never_leads_elsewhere(client, cast, wanted):
    assert sign_in(client, next=wanted)["Location"] == "/"


def test_next_leads_on_inside(client, cast):
    assert sign_in(client, next="/accounts/?sort=name")["Location"] == "/accounts/?sort=name"


def test_signing_out_needs_a_post_and_ends_the_session(client, cast):
    client.force_login(cast.elif_)
    assert client.get("/logout/").status_code == 405
    assert SESSION_KEY in client.session
    assert client.post("/logout/")["Location"] == "/login/"
    assert SESSION_KEY not in client.session


def test_a_session_ends_after_a_week_and_an_admins_after_half_a_day(client, cast):
    for user, days, alive in ((cast.elif_, 6, True), (cast.elif_, 8, False), (cast.ada, 1, False)):
        client.force_login(user)
        session = client.session
        now = int(time.time())
        session["since"], session["seen"] = now - days * 86400, now
        session.save()
        assert (client.get("/preferences/").status_code == 200) is alive


def test_the_admin_signs_in_at_the_same_door(client, cast):
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/login/?next=%2Fadmin%2F"
    client.force_login(cast.elif_)
    assert client.get("/admin/login/?next=/admin/").status_code == 403


def test_a_fragment_asked_for_after_the_session_ended_sends_the_page_to_sign_in(client, cast):
    response = client.get("/accounts/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/accounts/?band=watch"})
    assert response.status_code == 204
    assert response["HX-Redirect"] == "/login/?next=http%3A%2F%2Ftestserver%2Faccounts%2F%3Fband%3Dwatch"


def test_the_form_is_checked_for_forgery(cast):
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict).status_code == 403
    assert strict.post("/preferences/", {"language": "tr"}).status_code == 403


def test_a_stranger_chooses_a_language_and_a_cookie_keeps_it(client, db):
    assert client.post("/preferences/", {"language": "tr", "next": "/login/"})["Location"] == "/login/"
    assert '<html lang="tr"' in client.get("/login/").content.decode()


@pytest.mark.parametrize(("name", "value"), [("language", "tr"), ("theme", "dark"), ("density", "compact")])
def test_a_switch_is_kept_for_the_person_without_script(client, cast, name, value):
    client.force_login(cast.elif_)
    assert client.post("/preferences/", {name: value, "next": "/preferences/"}).status_code == 302
    cast.elif_.refresh_from_db()
    assert getattr(cast.elif_, name) == value
    page = client.get("/preferences/").content.decode()
    assert {"language": '<html lang="tr"', "theme": 'data-theme="dark"', "density": 'data-density="compact"'}[name] in page


@pytest.mark.parametrize(("name", "value"), [("language", "xx"), ("theme", "pink"), ("density", "")])
def test_a_switch_to_nothing_known_changes_nothing(client, cast, name, value):
    client.force_login(cast.elif_)
    before = getattr(cast.elif_, name)
    assert client.post("/preferences/", {name: value}).status_code == 400
    cast.elif_.refresh_from_db()
    assert getattr(cast.elif_, name) == before


def test_the_page_of_preferences_saves_name_and_zone_but_never_the_role(client, cast):
    client.force_login(cast.elif_)
    fields = {"name": "Elif Y.", "language": "en", "time_zone": "Asia/Tokyo", "theme": "system", "density": "compact", "role": "admin", "email": "x@y.test"}
    assert client.post("/preferences/", fields).status_code == 302
    cast.elif_.refresh_from_db()
    assert (cast.elif_.name, cast.elif_.time_zone, cast.elif_.role, cast.elif_.email) == ("Elif Y.", "Asia/Tokyo", "csm", "elif@vefa.test")


def test_an_unknown_zone_is_refused_with_a_word_and_nothing_is_saved(client, cast):
    client.force_login(cast.elif_)
    response = client.post("/preferences/", {"name": "X", "language": "en", "time_zone": "Mars/Base", "theme": "system", "density": "compact"})
    assert response.status_code == 422
    assert "is no time zone" in response.content.decode()
    cast.elif_.refresh_from_db()
    assert (cast.elif_.name, cast.elif_.time_zone) == ("Elif Yıldız", "")


def test_the_page_of_preferences_is_for_those_who_are_signed_in(client, db):
    assert client.get("/preferences/")["Location"] == "/login/?next=/preferences/"
    assert client.post("/preferences/password/", {}).status_code == 302


def test_a_new_password_ends_all_other_sessions(cast):
    here, there = Client(), Client()
    here.force_login(cast.elif_)
    there.force_login(cast.elif_)
    fields = {"old_password": PASSWORD, "new_password1": "staple battery horse", "new_password2": "staple battery horse"}
    assert here.post("/preferences/password/", fields).status_code == 302
    assert here.get("/preferences/").status_code == 200
    assert there.get("/preferences/").status_code == 302


def test_a_wrong_old_password_changes_nothing(client, cast):
    client.force_login(cast.elif_)
    fields = {"old_password": "wrong", "new_password1": "staple battery horse", "new_password2": "staple battery horse"}
    assert client.post("/preferences/password/", fields).status_code == 422
    cast.elif_.refresh_from_db()
    assert cast.elif_.check_password(PASSWORD)
