"""Settings from the environment: what is taken, and how a wrong one stops the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import LONGEST_DATA_FOLDER, ROOT, WrongSetting, read_environment

MINIMAL: dict[str, str] = {}


def test_nothing_set_means_the_documented_defaults() -> None:
    given = read_environment({})
    assert (given.port, given.public_base_url) == (8000, "http://127.0.0.1:8000")
    assert (given.organisation_time_zone, given.reporting_currency) == ("UTC", "EUR")
    assert given.allowed_hosts == ["127.0.0.1", "127.0.0.1", "localhost", "[::1]"]
    assert (given.database_url, given.redis_url, given.secret_key, given.email) == (None, None, None, None)
    assert given.data == ROOT / "var"
    assert (given.demo, given.debug, given.behind_proxy) == (True, False, False)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read_environment({"PORT": "", "DATABASE_URL": "", "EMAIL_URL": ""}) == read_environment({})


def test_the_address_follows_the_port_and_the_hosts_follow_the_address() -> None:
    assert read_environment({"PORT": "8123"}).public_base_url == "http://127.0.0.1:8123"
    assert read_environment({"PUBLIC_BASE_URL": "https://vefa.example.com/"}).allowed_hosts[0] == "vefa.example.com"
    assert read_environment({"PUBLIC_BASE_URL": "https://vefa.example.com/"}).public_base_url == "https://vefa.example.com"
    assert read_environment({"PUBLIC_BASE_URL": "http://[::1]:80"}).allowed_hosts[0] == "[::1]"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 25, "", "", False, False)),
        ("smtp://ali:p%40ss@mail.example.com:587?tls=1", ("mail.example.com", 587, "ali", "p@ss", False, True)),
        ("smtps://mail.example.com", ("mail.example.com", 465, "", "", True, False)),
    ],
)
def test_mail_servers(url: str, expected: tuple[object, ...]) -> None:
    email = read_environment({"EMAIL_URL": url}).email
    assert email is not None
    assert (email.host, email.port, email.user, email.password, email.use_ssl, email.use_starttls) == expected


def test_a_list_of_those_who_may_get_mail() -> None:
    assert read_environment({}).mail_allowlist == []
    assert read_environment({"MAIL_ALLOWLIST": " Ada@Example.com, @example.org ,b.test"}).mail_allowlist == ["ada@example.com", "example.org", "b.test"]


WRONG = [
    ("MAIL_ALLOWLIST", "ada@example.com; b.test"),
    ("MAIL_ALLOWLIST", ","),
    ("DATABASE_URL", "mysql://root@localhost/vefa"),
    ("DATABASE_URL", "postgresql://vefa@localhost"),
    ("DATABASE_URL", "postgresql://vefa@localhost:99999/vefa"),
    ("REDIS_URL", "localhost:6379"),
    ("REDIS_URL", "redis:///0"),
    ("REDIS_URL", "redis://localhost/first"),
    ("SECRET_KEY", "short"),
    ("ALLOWED_HOSTS", "https://vefa.example.com"),
    ("ALLOWED_HOSTS", " , "),
    ("PUBLIC_BASE_URL", "vefa.example.com"),
    ("PUBLIC_BASE_URL", "ftp://vefa.example.com"),
    ("PUBLIC_BASE_URL", "https://vefa.example.com/app"),
    ("PUBLIC_BASE_URL", "https://vefa.example.com:port"),
    ("EMAIL_URL", "mail.example.com:25"),
    ("EMAIL_URL", "smtp://mail.example.com?tsl=1"),
    ("EMAIL_URL", "smtp://mail.example.com?tls=perhaps"),
    ("DEFAULT_FROM_EMAIL", "Vefa"),
    ("DEFAULT_FROM_EMAIL", "Vefa <a@b.example>\r\nBcc: c@d.example"),
    ("SECRET_KEY_FALLBACKS", "short"),
    ("UNSUBSCRIBE_MAILTO", "Somebody <a@b.example>"),
    ("EMAIL_WEBHOOK_SECRET", "only-a-password-without-a-name"),
    ("EMAIL_WEBHOOK_SECRET", "name:short"),
    ("MAILGUN_WEBHOOK_SIGNING_KEY", "two words"),
    ("ORGANISATION_TIME_ZONE", "Istanbul"),
    ("ORGANISATION_TIME_ZONE", "Europe"),
    ("ORGANISATION_TIME_ZONE", "../../etc/passwd"),
    ("REPORTING_CURRENCY", "euro"),
    ("REPORTING_CURRENCY", "eur"),
    ("REPORTING_CURRENCY", "ZZZ"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "eight"),
    ("VEFA_DATA", "/" + "x" * LONGEST_DATA_FOLDER),
    ("VEFA_DATA", str(ROOT / "manage.py")),
    ("VEFA_DEMO", "maybe"),
    ("BEHIND_PROXY", "2"),
    ("PLAYBOOK_PRIVATE_CALLS", "inside"),
    ("OUTWARD_NETWORKS", "10.1.0.0/33"),
    ("DEBUG", "no thanks"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named_with_what_is_expected(name: str, value: str) -> None:
    with pytest.raises(WrongSetting) as refusal:
        read_environment({name: value})
    assert refusal.value.name == name
    assert str(refusal.value).startswith(f"{name}=")
    assert "expected" in str(refusal.value)


def test_a_wrong_value_shows_no_password() -> None:
    for variables in ({"DATABASE_URL": "mysql://vefa:hunter2@db/vefa"}, {"SECRET_KEY": "hunter2"}, {"EMAIL_URL": "imap://a:hunter2@mail"}, {"EMAIL_WEBHOOK_SECRET": "x:hunter2"}):
        with pytest.raises(WrongSetting) as refusal:
            read_environment(variables)
        assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("arguments", [["up"], ["check"], ["kpi", "nps"]])
def test_a_wrong_value_stops_every_command_in_one_line(arguments: list[str], tmp_path: Path) -> None:
    variables = {**os.environ, "ORGANISATION_TIME_ZONE": "Mars/Olympus", "VEFA_DATA": str(tmp_path / "data")}
    answer = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert answer.stderr.strip() == "ORGANISATION_TIME_ZONE='Mars/Olympus' cannot be used: expected an IANA time zone name such as Europe/Istanbul."
    assert not (tmp_path / "data" / "pg").exists()


def test_every_setting_stands_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    for name in {name for name, _ in WRONG}:
        assert f"#{name}=" in example


def test_a_key_that_nothing_installed_could_check_is_refused() -> None:
    with pytest.raises(WrongSetting) as refusal:
        read_environment({"RESEND_SIGNING_SECRET": "whsec_x"})
    assert "svix" in str(refusal.value)
    assert "whsec_x" not in str(refusal.value)


def test_the_keys_of_mail_providers_are_taken_by_the_names_they_have() -> None:
    given = read_environment({"EMAIL_WEBHOOK_SECRET": "vefa:sixteen-letters-at-least, vefa:another-sixteen-letters", "MAILGUN_WEBHOOK_SIGNING_KEY": "k"})
    assert given.email_webhook_secrets == ["vefa:sixteen-letters-at-least", "vefa:another-sixteen-letters"]
    assert given.provider_keys == {"MAILGUN_WEBHOOK_SIGNING_KEY": "k"}
