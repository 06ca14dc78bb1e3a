"""Who logs in to the demo: users of every role, in two teams."""

from __future__ import annotations

from dataclasses import dataclass

DEMO_PASSWORD = "vefa-demo-2026"  # noqa: S105 - printed at the start, for a company that does not exist


@dataclass(frozen=True)
class Person:
    """A demo user."""

    email: str
    name: str
    role: str
    team: str = ""
    language: str = "en"


PEOPLE = (
    Person("admin@kervan.example", "Ada Demir", "admin"),
    Person("lead@kervan.example", "Mert Aksoy", "manager", "Bosphorus"),
    Person("elif@kervan.example", "Elif Yıldız", "csm", "Bosphorus"),
    Person("can@kervan.example", "Can Polat", "csm", "Bosphorus", "tr"),
    Person("lead2@kervan.example", "Sanne Visser", "manager", "North Sea"),
    Person("james@kervan.example", "James Whitlock", "csm", "North Sea"),
    Person("greta@kervan.example", "Greta Lindqvist", "csm", "North Sea"),
    Person("deniz@kervan.example", "Deniz Kaya", "agent", "Bosphorus", "tr"),
    Person("omar@kervan.example", "Omar Haddad", "agent", "North Sea"),
    Person("analyst@kervan.example", "Ana Petrov", "analyst"),
    Person("viewer@kervan.example", "Vera Stein", "viewer"),
)

CSMS = {"tr": ("elif@kervan.example", "can@kervan.example"), "en": ("james@kervan.example", "greta@kervan.example")}
AGENTS = {"tr": "deniz@kervan.example", "en": "omar@kervan.example"}
