"""In words: support and teams."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import Told, Way

_SECONDS = _("Sum of the times")
_RESOLVED = _("Tickets resolved in the period and still so at its end. Spam, tests and merged ones are out.")

TOLD: dict[str, Told] = {
    "first_response_time": Told(
        "support",
        _("Tickets first answered in the period by a person, publicly. Spam, tests and merged ones are out; what still waits is told beside it."),
        {
            "standard": Way(
                _("sum of the times from creation to the first public reply / tickets first answered"), _("Bots and notes are no reply."), _SECONDS, _("Tickets first answered")
            )
        },
        (1,),
    ),
    "resolution_time": Told(
        "support",
        _RESOLVED,
        {
            "full": Way(_("sum of the times from creation to the last resolution / tickets resolved"), _("What the customer waited in all."), _SECONDS, _("Tickets resolved")),
            "first": Way(_("sum of the times from creation to the first resolution / tickets resolved"), _("Whatever was opened again later."), _SECONDS, _("Tickets resolved")),
            "minus_solved_time": Way(_("as in full, without the time it stood resolved / tickets resolved"), _("Only the time it was open."), _SECONDS, _("Tickets resolved")),
        },
        (3, 4),
    ),
    "fcr": Told(
        "support",
        _("Issues opened in the period; for the second variant those resolved in it. A call, a chat or one reply of ours is a contact."),
        {
            "all_issues": Way(
                _("issues resolved at first contact / issues opened"),
                _("Issues, not customers: one customer may have several."),
                _("Issues resolved at first contact"),
                _("Issues opened"),
            ),
            "resolved_only": Way(
                _("issues resolved at first contact / issues resolved"), _("What is still open does not count."), _("Issues resolved at first contact"), _("Issues resolved")
            ),
            "net": Way(
                _("issues resolved at first contact / issues that the first level can solve"),
                _("Without what has to be handed on."),
                _("Issues resolved at first contact"),
                _("Issues for the first level"),
            ),
        },
        (0, 3),
    ),
    "aht": Told(
        "support",
        _("Contacts that ended in the period and were handled; those the customer gave up are told apart."),
        {
            "standard": Way(
                _("(talk + hold + wrap-up, session + follow-up, or work) / contacts handled"), _("All the time of a contact, then the mean."), _SECONDS, _("Contacts handled")
            ),
            "chat_concurrency": Way(
                _("the same, the session of a chat divided by how many ran at once"), _("Where an agent holds several chats."), _SECONDS, _("Contacts handled")
            ),
        },
        (3,),
    ),
    "ticket_backlog": Told(
        "support",
        _("Tickets open at the end of the period, pending and on hold too."),
        {
            "older_than_target": Way(_("open tickets older than their target"), _("What is late."), _("Tickets older than their target")),
            "open": Way(_("all open tickets"), _("What is there at all."), _("Open tickets")),
            "flow": Way(_("opening + new + reopened − resolved − cancelled = closing"), _("What came and went."), _("Open tickets at the end")),
        },
        (3,),
        inputs=("ticket_volume",),
    ),
    "ats": Told(
        "support",
        _("Tickets created in the period that have a severity."),
        {"weighted_mean": Way(_("sum of (severity × tickets) / tickets"), _("From 1, small, to 4, urgent."), _("Sum of the levels"), _("Tickets with a level"))},
        (3,),
    ),
    "ticket_volume": Told(
        "support",
        _("Tickets created in the period, of every channel. Spam, tests and merged ones are out."),
        {"created": Way(_("tickets created"), _("A count; see it beside the customers."), _("Tickets created"))},
        (0,),
    ),
    "team_performance": Told(
        "team",
        _("The tickets, contacts and answers of the team in the period; below 20 tickets nothing is told."),
        {
            "composite": Way(
                _("sum of weight × points of each component / sum of the weights; points run from 0 (worst) to 100 (best)"),
                _("Satisfaction, first contact, times; weights and bounds are the organisation’s."),
                _("Sum of weight × points"),
                _("Sum of the weights"),
            )
        },
        (3,),
        no_rows=_("Points of several figures, weighted: open the rows of each of them."),
        inputs=("csat", "fcr", "resolution_time", "first_response_time", "aht"),
    ),
}
