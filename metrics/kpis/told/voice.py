"""In words: what customers say."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.kpis.entry import Told, Way

_VALID = _("Valid answers")
_SUM = _("Sum of the scores")

TOLD: dict[str, Told] = {
    "nps": Told(
        "voice",
        _("The latest valid answer of each person in the period to a survey of the kind NPS. Off the scale, tests, suspected automatic ones and answers by others are out."),
        {
            "nps_0_10": Way(
                _("100 × (promoters − detractors) / valid answers; 9 and 10 promote, 0 to 6 detract"),
                _("The usual scale, from −100 to +100; a bare number, not a percentage."),
                _("Promoters less detractors"),
                _VALID,
            ),
            "nps_1_10": Way(
                _("100 × (promoters − detractors) / valid answers; 9 and 10 promote, 1 to 6 detract"),
                _("For surveys that ask from 1; the two scales never stand in one figure."),
                _("Promoters less detractors"),
                _VALID,
            ),
        },
        (0, 3, 4),
    ),
    "csat": Told(
        "voice",
        _("One answer for each rated ticket or order in the period, the latest, on the scale 1 to 5. Scales whose low end is good are turned round first."),
        {
            "top2_share": Way(_("answers of 4 or 5 / valid answers"), _("How many were satisfied: 11 of 15 are 73 %."), _("Answers of 4 or 5"), _VALID),
            "mean": Way(_("sum of the scores / valid answers"), _("How satisfied on average: 4.12 of 5. One and the same month, another number."), _SUM, _VALID),
        },
        (0, 3, 4),
    ),
    "ces": Told(
        "voice",
        _("One answer for each rated ticket or order in the period, the latest. Scale and direction are part of the question: others are never mixed in."),
        {
            "mean_7": Way(_("sum of the scores 1 to 7 / valid answers; 7 is easiest"), _("“It was made easy for me”: high is good."), _SUM, _VALID),
            "agree_share_7": Way(_("answers of 5 to 7 / valid answers"), _("How many found it easy."), _("Answers of 5 to 7"), _VALID),
            "index_7": Way(_("100 × (answers of 6 and 7 − answers of 1 to 3) / valid answers"), _("Very easy less hard, from −100 to +100."), _("Easy less hard"), _VALID),
            "mean_5_effort": Way(_("sum of the scores 1 to 5 / valid answers; 5 is most effort"), _("The older wording, “how much effort”: low is good."), _SUM, _VALID),
        },
        (1,),
    ),
    "response_rate": Told(
        "voice",
        _("Surveys sent in the period, by us or imported, with what was answered until now. A reminder is no second survey."),
        {
            "delivered": Way(_("answered / delivered; delivered = sent − bounced"), _("What the survey itself achieves."), _("Answered"), _("Delivered")),
            "sent": Way(_("answered / sent"), _("What the addresses cost is in it."), _("Answered"), _("Sent")),
        },
    ),
}
