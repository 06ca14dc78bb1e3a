"""Probes, the inbox of the mail catcher, and what doctor says."""

from __future__ import annotations

import datetime as dt
import json
import smtplib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.actions.heartbeats import note_heartbeats
from accounts.models import Heartbeat, Installation
from config.services import inbox
from config.services.catcher import embedded_catcher


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


# ── Probes ──────────────────────────────────────────────────────────────────
def test_healthz_answers_any_host_without_a_database() -> None:
    answer = Client().get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_probes_change_nothing() -> None:
    assert Client().post("/healthz").status_code == 405
    assert Client().post("/readyz").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_readyz_names_the_worker_that_gave_no_sign_for_a_minute() -> None:
    note_heartbeats(parts=["worker", "beat"], now=timezone.now() - dt.timedelta(seconds=61))
    answer = Client().get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["ready"]) == (503, False)
    assert body["parts"]["worker"]["ok"] is False
    assert 61 <= body["parts"]["worker"]["seconds"] <= 70
    assert all(body["parts"][part]["ok"] for part in ("broker", "database", "migrations"))
    note_heartbeats(parts=["worker", "beat"], now=timezone.now())
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


@pytest.mark.django_db
def test_an_older_heartbeat_never_replaces_a_newer_one() -> None:
    now = timezone.now()
    note_heartbeats(parts=["worker"], now=now)
    note_heartbeats(parts=["worker"], now=now - dt.timedelta(minutes=5))
    assert Heartbeat.objects.get(part="worker").beaten_at == now


# ── The inbox ───────────────────────────────────────────────────────────────
@pytest.fixture
def catcher(settings: LazySettings, tmp_path: Path) -> Iterator[Path]:
    """A real catcher in this process; Django sends to it through SMTP."""
    settings.VEFA_DATA = tmp_path
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    with embedded_catcher():
        yield tmp_path


def send(subject: str = "Nasıl gidiyor?", html: str = "<html><head><style>p{color:red}</style></head><body><p>Merhaba</p></body></html>") -> None:
    message = EmailMultiAlternatives(subject, "Merhaba Selin, https://vefa.test/s/abc", "Vefa <vefa@vefa.test>", ["selin@bogazici.test"])
    if html:
        message.attach_alternative(html, "text/html")
    assert message.send() == 1


def test_an_admin_reads_what_was_sent(catcher: Path, cast: SimpleNamespace) -> None:
    send("First")
    send()
    client = signed_in(cast.ada)
    page = client.get("/inbox/").content.decode()
    assert page.index("Nasıl gidiyor?") < page.index("First")
    assert "selin@bogazici.test" in page
    key = inbox.newest(catcher, limit=1)[0].key
    opened = client.get(f"/inbox/{key}/").content.decode()
    assert "Nasıl gidiyor?" in opened
    assert '<a href="https://vefa.test/s/abc"' in opened
    assert f'src="/inbox/{key}/html/"' in opened


def test_the_html_of_a_mail_is_shown_in_a_cage(catcher: Path, cast: SimpleNamespace) -> None:
    send(html="<p style='color:red'>Merhaba</p><script>alert(1)</script>")
    key = inbox.newest(catcher, limit=1)[0].key
    client = signed_in(cast.ada)
    answer = client.get(f"/inbox/{key}/html/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.content.decode().startswith('<base target="_blank"><p')
    # only this answer may carry inline styles
    assert "unsafe-inline" not in client.get(f"/inbox/{key}/").headers["Content-Security-Policy"]


def test_a_mail_without_html_has_no_frame(catcher: Path, cast: SimpleNamespace) -> None:
    send(html="")
    key = inbox.newest(catcher, limit=1)[0].key
    client = signed_in(cast.ada)
    assert "<iframe" not in client.get(f"/inbox/{key}/").content.decode()
    assert client.get(f"/inbox/{key}/html/").status_code == 404


@pytest.mark.parametrize("who", ["mert", "elif_", "deniz", "ana", "vera"])
def test_nobody_but_an_admin_sees_the_inbox(catcher: Path, cast: SimpleNamespace, who: str) -> None:
    send()
    key = inbox.newest(catcher, limit=1)[0].key
    client = signed_in(getattr(cast, who))
    assert [client.get(path).status_code for path in ("/inbox/", f"/inbox/{key}/", f"/inbox/{key}/html/")] == [404, 404, 404]


def test_a_stranger_is_sent_to_the_login(catcher: Path, db: None) -> None:
    for path in ("/inbox/", "/inbox/1.M1P1Q1.host/", "/inbox/1.M1P1Q1.host/html/"):
        answer = Client().get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("key", ["..", "..%2Fsecret_key", "1.M1P1Q1.nothere", "%00"])
def test_only_kept_mails_are_opened(catcher: Path, cast: SimpleNamespace, key: str) -> None:
    (catcher / "secret_key").write_text("secret")
    assert signed_in(cast.ada).get(f"/inbox/{key}/").status_code == 404


def test_the_list_goes_on_page_by_page_without_a_gap(catcher: Path, cast: SimpleNamespace) -> None:
    from django.conf import settings

    with smtplib.SMTP("127.0.0.1", settings.EMAIL_PORT) as client:
        for n in range(53):
            client.sendmail("a@vefa.test", ["b@vefa.test"], f"Subject: Mail {n:02}\r\n\r\nText")
    admin = signed_in(cast.ada)
    first = admin.get("/inbox/")
    assert [found.subject for found in first.context["mails"]] == [f"Mail {n:02}" for n in range(52, 2, -1)]
    second = admin.get("/inbox/", {"before": first.context["older"]})
    assert [found.subject for found in second.context["mails"]] == ["Mail 02", "Mail 01", "Mail 00"]
    assert second.context["older"] == ""


def test_the_page_says_when_mails_go_to_a_real_server(cast: SimpleNamespace, settings: LazySettings, tmp_path: Path) -> None:
    settings.VEFA_DATA, settings.EMAIL_CONFIGURED, settings.EMAIL_HOST = tmp_path, True, "mail.example.com"
    page = signed_in(cast.ada).get("/inbox/").content.decode()
    assert "mail.example.com" in page
    with embedded_catcher():
        assert settings.EMAIL_HOST == "mail.example.com"
    assert mail.outbox == []


# ── Doctor ──────────────────────────────────────────────────────────────────
def findings() -> dict[str, dict[str, str]]:
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("doctor", "--json", stdout=out)
    assert end.value.code == 1
    answer = json.loads(out.getvalue())
    assert answer["ok"] is False
    return {finding["name"]: finding for finding in answer["checks"]}


@pytest.mark.django_db(transaction=True)
def test_doctor_says_what_is_wrong_and_how_to_mend_it(settings: LazySettings, tmp_path: Path) -> None:
    settings.VEFA_DATA = tmp_path
    settings.EMAIL_CONFIGURED = False
    Installation.objects.update_or_create(pk=1, defaults={"sending_enabled": False, "sending_note": "restored copy"})
    found = findings()
    assert {name: found[name]["state"] for name in ("settings", "database", "migrations", "broker", "clock")} == dict.fromkeys(
        ["settings", "database", "migrations", "broker", "clock"], "ok"
    )
    assert (found["worker"]["state"], found["worker"]["remedy"]) == ("fault", "Start everything with `make up`.")
    assert (found["mail"]["state"], found["sending"]["state"]) == ("fault", "advice")
    assert "restored copy" in found["sending"]["detail"]
    assert all(finding["remedy"] for finding in found.values() if finding["state"] != "ok")


@pytest.mark.django_db(transaction=True)
def test_doctor_names_dangerous_settings_and_an_unreachable_mail_server(settings: LazySettings, tmp_path: Path) -> None:
    settings.VEFA_DATA = tmp_path
    settings.PUBLIC_BASE_URL, settings.DEBUG = "http://vefa.example.com", True
    settings.EMAIL_CONFIGURED, settings.EMAIL_HOST, settings.EMAIL_PORT = True, "127.0.0.1", 1
    found = findings()
    assert found["settings"]["state"] in {"fault", "advice"}
    assert (found["mail"]["state"], "127.0.0.1:1 cannot be used" in found["mail"]["detail"]) == ("fault", True)
