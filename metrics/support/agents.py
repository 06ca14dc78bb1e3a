"""The agents' card: each agent's figures with their counts and what customers wrote. In order of names, since it is no ranking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, CharField, F, Q, When, Window
from django.db.models.functions import Cast, RowNumber
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import User
from accounts.roles import Role
from metrics import words
from metrics.kpis.figure import Figure
from metrics.kpis.support_contacts import aht, fcr
from metrics.kpis.support_times import replied, resolved
from metrics.kpis.team_performance import compose, targets
from metrics.kpis.voice import SUPPORT, csat
from metrics.support.desk import Desk
from metrics.support.naming import names_of
from metrics.support.panels import between
from surveys.models import Response
from tickets.models import Ticket

AGENTS = 100
COMMENTS = 3


@dataclass(frozen=True)
class Cell:
    """One figure of an agent with its count and the address of its rows."""

    value: SafeString | str
    count: int
    href: str
    note: str = ""


@dataclass(frozen=True)
class Comment:
    """What a customer wrote with a rating."""

    score: int | None
    text: str
    response: Response
    ticket: Ticket | None


@dataclass
class Card:
    """One agent in the period; `points` is empty where too few tickets say nothing, `why` then says so."""

    key: str
    name: str
    csat: Cell
    fcr: Cell
    first_response: Cell
    resolution: Cell
    handle: Cell
    points: str = ""
    why: str = ""
    comments: list[Comment] = field(default_factory=list)


def _share(desk: Desk, figure: Figure | None, name: str, agent: str) -> Cell:
    if figure is None or not figure.denominator:
        return Cell("–", 0, "")
    return Cell(wording.percent(figure.value, 1), int(figure.denominator), desk.link(name, agent=agent), between(figure, lambda value: wording.percent(value, 1)))


def _time(desk: Desk, figure: Figure | None, name: str, agent: str, *, median: bool = True) -> Cell:
    if figure is None or not figure.denominator:
        return Cell("–", 0, "")
    return Cell(words.seconds(figure.parts["median"] if median else figure.value), int(figure.denominator), desk.link(name, agent=agent))


def agents(desk: Desk) -> dict[str, Any]:
    """A card for each agent who has any figure in the period; as many statements for one as for all."""
    clock = desk.chosen.clock
    read = {
        "csat": csat(desk.question("csat"), "agent", only=SUPPORT),
        "fcr": fcr(desk.question("fcr"), "agent"),
        "resolution_time": resolved(desk.question("resolution_time", "full", clock=clock), "agent"),
        "first_response_time": replied(desk.question("first_response_time", clock=clock), "agent"),
        "aht": aht(desk.question("aht"), "agent"),
    }
    performance = desk.question("team_performance", clock=clock)
    wanted = {name: target for name, target in targets(performance.params).items() if target.weight}
    keys = {key for found in read.values() for key, figure in found.items() if key is not None and figure.denominator}
    names = names_of("agent", keys)
    cards = []
    for key in sorted(keys, key=lambda key: names[key].casefold())[:AGENTS]:
        own = {name: found.get(key) for name, found in read.items()}
        whole = compose({name: own[name] for name in wanted}, wanted, performance.params["min_items"])
        card = Card(
            key=key, name=names[key],
            csat=_share(desk, own["csat"], "rated", key), fcr=_share(desk, own["fcr"], "issues", key),
            first_response=_time(desk, own["first_response_time"], "first_response", key), resolution=_time(desk, own["resolution_time"], "resolution", key),
            handle=_time(desk, own["aht"], "handled", key, median=False),
        )  # fmt: skip
        if whole.value is None:
            few = "too_few_items" in whole.flags
            card.why = _("not told below %(count)s tickets") % {"count": performance.params["min_items"]} if few else _("no target applies")
        else:
            card.points = wording.number(round(whole.value, 0))
        cards.append(card)
    said = _comments(desk, [card.key for card in cards])
    for card in cards:
        card.comments = said.get(card.key, [])
    return {"cards": cards, "min_items": performance.params["min_items"], "more": max(0, len(keys) - AGENTS), "tells_comments": desk.sees_rows}


def _comments(desk: Desk, agents: list[str]) -> dict[str, list[Comment]]:
    """The latest words of rated tickets, by agent; an agent reads those about the own work alone. Three statements."""
    told = [agent for agent in agents if desk.sees_rows and (desk.user.role != Role.AGENT or desk.user.email == agent)]
    if not told:
        return {}
    people = dict(User.objects.filter(email__in=told).values_list("pk", "email"))
    start, end = desk.span
    answers: Any = Response.objects.visible_to(desk.user).counted().filter(kind="csat", answered_at__gte=start, answered_at__lt=end).exclude(comment="")
    of = Case(When(agent_id__isnull=False, then=Cast("agent_id", CharField())), default=F("agent_email"), output_field=CharField())
    ranked = answers.filter(Q(agent_id__in=people) | Q(agent_id__isnull=True, agent_email__in=told)).annotate(
        turn=Window(RowNumber(), partition_by=[of], order_by=[F("answered_at").desc(), F("pk").desc()])
    )
    found = list(ranked.filter(turn__lte=COMMENTS).order_by("-answered_at", "-pk"))
    tickets = {row.pk: row for row in Ticket.objects.visible_to(desk.user).filter(pk__in=[row.ticket_id for row in found if row.ticket_id])}
    said: dict[str, list[Comment]] = {}
    for row in found:
        said.setdefault(people.get(row.agent_id, row.agent_email), []).append(Comment(row.score, row.comment, row, tickets.get(row.ticket_id)))
    return said
