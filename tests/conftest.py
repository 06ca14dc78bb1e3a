"""The cast and the common ground of the tests.

Elif is a CSM in the Bosphorus team led by Mert; Can is a CSM of another team; Deniz is a support
agent; Ada is the admin; Vera only looks on; Ana sees figures alone.
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from accounts.models import Account, Contact, Team, User

# how long an example takes says more about the machine than about the code
hypothesis_settings.register_profile("vefa", deadline=None)
hypothesis_settings.load_profile("vefa")


@pytest.fixture(autouse=True, scope="session")
def _fast_and_private() -> None:
    """Cheap password hashes; every other setting is the product's own."""
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _no_language_of_the_test_before() -> None:
    """A Turkish reader's request leaves Turkish on in this thread: every test begins with the default."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nothing_kept_of_the_test_before() -> None:
    """Panels are kept in the cache, which every worker has for itself: every test begins with an empty one."""
    cache.clear()


@pytest.fixture(autouse=True)
def _shipped_rows_after_a_flush(request: pytest.FixtureRequest) -> None:
    """A transactional test empties all tables afterwards: bring the shipped rows back before the next."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None and not {"db", "transactional_db", "live_server"} & set(request.fixturenames):
        return
    request.getfixturevalue("transactional_db" if {"transactional_db", "live_server"} & set(request.fixturenames) or (marker and marker.kwargs.get("transaction")) else "db")
    from django.apps import apps

    from accounts.models import Segment

    if not Segment.objects.exists():
        for migration in (
            "accounts.migrations.0003_shipped_rows",
            "accounts.migrations.0023_shipped_segment_rules",
            "accounts.migrations.0010_starter_topics",
            "accounts.migrations.0026_shipped_playbooks",
            "accounts.migrations.0027_shipped_plan_templates",
            "accounts.migrations.0022_work_ranks",
            "accounts.migrations.0028_shipped_stage_goals",
            "tickets.migrations.0007_shipped_replies",
            "metrics.migrations.0002_score_history",
            "metrics.migrations.0006_funnels",
            "surveys.migrations.0003_shipped_rows",
            "surveys.migrations.0005_letters_steps_and_deadlines",
        ):
            try:
                module = importlib.import_module(migration)
            except ModuleNotFoundError:
                continue
            module.add(apps, None)


@pytest.fixture
def cast(db: None) -> SimpleNamespace:
    """Users of every role, two accounts with contacts. Fields: see the module's text."""
    bosphorus, aegean = Team.objects.create(name="Bosphorus"), Team.objects.create(name="Aegean")

    def user(email: str, name: str, role: str, team: Team | None = None, language: str = "en") -> User:
        return User.objects.create_user(email=email, password="correct horse battery", name=name, role=role, team=team, language=language)

    people = SimpleNamespace(
        bosphorus=bosphorus,
        aegean=aegean,
        ada=user("ada@vefa.test", "Ada Admin", "admin"),
        mert=user("mert@vefa.test", "Mert Lider", "manager", bosphorus),
        elif_=user("elif@vefa.test", "Elif Yıldız", "csm", bosphorus),
        can=user("can@vefa.test", "Can Polat", "csm", aegean),
        deniz=user("deniz@vefa.test", "Deniz Kaya", "agent"),
        ana=user("ana@vefa.test", "Ana List", "analyst"),
        vera=user("vera@vefa.test", "Vera Viewer", "viewer"),
    )
    people.boga = Account.objects.create(
        external_id="boga", name="Boğaziçi Lojistik A.Ş.", owner=people.elif_, language="tr", time_zone="Europe/Istanbul", country="TR", currency="EUR"
    )
    people.north = Account.objects.create(
        external_id="north", name="Northgate Freight Ltd", owner=people.can, language="en", time_zone="Europe/London", country="GB", currency="GBP"
    )
    people.selin = Contact.objects.create(external_id="selin", account=people.boga, email="selin@bogazici.test", name="Selin Aydın", language="tr", role="sponsor")
    people.harry = Contact.objects.create(external_id="harry", account=people.north, email="harry@northgate.test", name="Harry Hill", language="en", role="champion")
    return people
