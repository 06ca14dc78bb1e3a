"""Entries of what customers say: surveys."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import ACCOUNT, ANSWER, Kpi, Param, choice, key

ENTRIES: tuple[Kpi, ...] = (
    Kpi(
        "nps",
        _("Net promoter score"),
        _("Share of promoters (9-10) less share of detractors (0-6) among the valid answers, times 100."),
        "points",
        ("nps_0_10", "nps_1_10"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER)),
        {"survey": Param(key), "answers": Param(choice("latest_per_contact", "all_responses"), "latest_per_contact")},
        timing="leading",
    ),
    Kpi(
        "csat",
        _("Customer satisfaction"),
        _("Share of answers of 4 or 5 among the valid answers on the scale of 1 to 5."),
        "fraction",
        ("top2_share", "mean"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER + ("agent", "group", "category", "channel", "severity"))),
        {"survey": Param(key)},
        {"mean": "scale"},
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "ces",
        _("Customer effort score"),
        _("How easy it was: the mean of the valid answers on the scale of 1 to 7, 7 is easiest."),
        "scale",
        ("mean_7", "agree_share_7", "index_7", "mean_5_effort"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER + ("agent", "group", "category", "channel", "severity"))),
        {"survey": Param(key)},
        {"agree_share_7": "fraction", "index_7": "points"},
        goods={"mean_5_effort": "down"},
        kind="operational",
        timing="leading",
    ),
    Kpi(
        "response_rate",
        _("Survey response rate"),
        _("Surveys of the period that were answered, divided by those that were delivered."),
        "fraction",
        ("delivered", "sent"),
        tuple(dict.fromkeys(ACCOUNT + ANSWER + ("kind",))),
        {"survey": Param(key), "kind": Param(choice("all", "nps", "csat", "ces", "exit", "review"), "all")},
        kind="functional",
        timing="leading",
    ),
)
