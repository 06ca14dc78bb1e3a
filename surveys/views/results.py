"""The pages of results: one survey, all surveys, whom surveys reach, and the rows behind every figure."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Account, User
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest
from surveys.models import Survey
from surveys.queries import reach as reaching
from surveys.queries.results import NO_ACCOUNTS, main_figures, scale_groups, scale_of
from surveys.queries.results_choices import choices_of
from surveys.queries.results_filter import ResultsFilter, read_scale
from surveys.queries.results_overview import all_surveys
from surveys.queries.results_rows import Show, answer_rows, ask_rows, never_rows, read_show
from surveys.queries.rows import verbatims
from surveys.readings import FEW
from surveys.scoring import Scale
from surveys.views import reach_wording
from surveys.views import results_wording as wording
from surveys.views.results_panels import AT_ONCE, PANELS, Panels
from surveys.views.tabs import tabs_for
from surveys.wording import shipped_name


def chosen_of(request: SignedInRequest, now: dt.datetime) -> ResultsFilter:
    """What the address narrows to. Raises Http404 for an account the reader may not see (analysts see none)."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    chosen = ResultsFilter.read(request.GET.dict(), today=now.astimezone(zone).date(), zone=zone)
    if chosen.account is not None and (request.user.role == Role.ANALYST or not Account.objects.visible_to(request.user).filter(pk=chosen.account).exists()):
        raise Http404
    return chosen


def may_see_rows(user: User) -> bool:
    """Analysts see figures, no rows."""
    return user.role != Role.ANALYST


@login_required
@require_GET
def results(request: SignedInRequest, key: str) -> HttpResponse:
    """One survey: figures with their intervals, distribution, trend, breakdown, from ask to answer, what people said."""
    user, now = request.user, read_clock()
    survey = get_object_or_404(Survey, key=key)
    chosen = chosen_of(request, now)
    tone = request.GET.get("show", "") if request.GET.get("show") in {"low", "said"} else ""
    if request.headers.get("HX-Target") == "says":
        return render(request, "surveys/_says.html", _says(request, survey, chosen, tone))
    part, of_scale = request.GET.get("part", ""), read_scale(request.GET.get("of", ""))
    if part in PANELS and of_scale is not None:
        return render(request, f"surveys/_results_{part}.html", Panels(user, survey, chosen, of_scale, sees_rows=may_see_rows(user)).of(part))
    version = survey.versions.filter(published_at__isnull=False).first() or survey.versions.first()
    groups, of_accounts = main_figures(user, chosen, survey=survey)
    shown = scale_of(Scale(version.scale_min, version.scale_max, version.direction == "high_good") if version else None, groups, chosen.scale, survey.kind)
    sees_rows = may_see_rows(user)
    page = reverse("surveys:results", args=[survey.key])
    choices = choices_of(user, chosen, survey=survey)
    panels = Panels(user, survey, chosen, shown.scale, sees_rows=sees_rows, choices=choices)
    opens, late = panels.opens, part != "all" and sum(group.answers for group in groups.values()) > AT_ONCE
    context: dict[str, Any] = {
        "survey": survey,
        "name": shipped_name(survey),
        "version": version,
        "chosen": chosen,
        "shown": shown,
        "scales": wording.scale_tabs(groups, shown, chosen, page),
        "headlines": wording.headlines(shown),
        "accounts": wording.account_figures(of_accounts.get(shown.name, NO_ACCOUNTS) if survey.kind == "nps" else None),
        "bars": wording.bars(shown, opens, hide=not sees_rows),
        "distribution": wording.drawn_distribution(shown, opens, hide=not sees_rows),
        "spread": wording.spread(shown, opens, hide=not sees_rows),
        "late": panels.addresses() if late else None,
        **({} if late else panels.all_at_once()),
        "scale_words": wording.scale_words(shown.scale),
        "answers_told": sees_rows or shown.answers >= FEW,
        "answers_href": opens.to("answers") if opens and shown.answers else "",
        "compared": (chosen.period.before[0], chosen.period.before[1] - dt.timedelta(days=1)) if chosen.period.before else None,
        "opens_invalid": opens.to("invalid") if opens and shown.invalid else "",
        "sees_rows": sees_rows,
        **wording.filters(choices),
        **_frame(survey, chosen, "results"),
        **_says(request, survey, chosen, tone),
    }
    response = render(request, "surveys/results.html", context)
    return _at(response, request, page, chosen)


def _at(response: HttpResponse, request: SignedInRequest, page: str, chosen: ResultsFilter) -> HttpResponse:
    """A filter's change leaves the short address of what was chosen in the address bar."""
    if request.htmx:
        query = chosen.query()
        response["HX-Push-Url"] = f"{page}?{query}" if query else page
    return response


def _frame(survey: Survey, chosen: ResultsFilter, here: str) -> dict[str, Any]:
    """The addresses that the pages of one survey share."""
    query = chosen.query()
    tail = f"?{query}" if query else ""
    return {
        "pages": [
            (reverse("surveys:results", args=[survey.key]) + tail, _("Results"), here == "results"),
            (reverse("surveys:reach", args=[survey.key]) + tail, _("Who is reached"), here == "reach"),
        ],
        "page": reverse(f"surveys:{here}", args=[survey.key]),
        "export_figures": reverse("surveys:export_figures", args=[survey.key]) + tail,
        "export_rows": reverse("surveys:export_rows", args=[survey.key]) + tail,
        "export_address": reverse("surveys:export_rows", args=[survey.key]),
        "without_account": f"?{chosen.query(account=None)}",
        "without_agent": f"?{chosen.query(agent='')}",
        "reset": reverse(f"surveys:{here}", args=[survey.key]),
    }


def _says(request: SignedInRequest, survey: Survey, chosen: ResultsFilter, tone: str) -> dict[str, Any]:
    user = request.user
    return {
        "survey": survey,
        "says": verbatims(survey, user, mark=request.GET.get("after", ""), tone=tone, chosen=chosen),
        "says_query": chosen.query(),
        "show": tone,
        "choices": [("", _("All answers")), ("low", _("Unhappy")), ("said", _("With words"))],
        "may_confirm": user.role in WRITES_ACCOUNTS,
        "sees_rows": may_see_rows(user),
    }


@login_required
@require_GET
def overview(request: SignedInRequest) -> HttpResponse:
    """All surveys side by side, narrowed the same way; one line a survey and scale."""
    user, now = request.user, read_clock()
    chosen = chosen_of(request, now)
    page = reverse("surveys:results_overview")
    context = {
        "chosen": chosen,
        "lines": wording.overview_lines(all_surveys(user, chosen), chosen, hide=not may_see_rows(user)),
        "tabs": tabs_for(user, "surveys:results_overview"),
        "page": page,
        "reset": page,
        "without_account": f"?{chosen.query(account=None)}",
        "without_agent": f"?{chosen.query(agent='')}",
        **wording.filters(choices_of(user, chosen, survey=None)),
    }
    return _at(render(request, "surveys/results_overview.html", context), request, page, chosen)


@login_required
@require_GET
def reach(request: SignedInRequest, key: str) -> HttpResponse:
    """Who never gets asked and why, how those who answer differ from the base, and NPS weighted back to it."""
    user, now = request.user, read_clock()
    survey = get_object_or_404(Survey, key=key)
    chosen = chosen_of(request, now)
    never, aspects = reaching.unasked(user, chosen, survey=survey, now=now), reaching.bias(user, chosen, survey=survey, now=now)
    weighted = plain = None
    if survey.kind == "nps":
        groups = scale_groups(user, chosen, survey=survey)
        shown = scale_of(None, groups, chosen.scale, survey.kind)
        plain = shown.readings[0]
        weighted = reaching.reweighted(user, chosen, survey=survey, scale=shown.scale, contacts={row.key: row.base for row in aspects["segment"]})
    opens = wording.Opens(reverse("surveys:results_rows", args=[survey.key]), chosen, "") if may_see_rows(user) else None
    choices = choices_of(user, chosen, survey=survey)
    names = wording.names_for("segment", choices)
    context = {
        "survey": survey,
        "name": shipped_name(survey),
        "chosen": chosen,
        "never": reach_wording.never_rows(never, opens, names),
        "never_total": reach_wording.never_total(never),
        "why": reach_wording.why_rows(reaching.why_unasked(user, chosen, survey=survey, now=now), opens),
        "aspects": reach_wording.aspect_tables(aspects, names, hide=not may_see_rows(user)),
        "silent": reaching.silent(user, chosen, survey=survey),
        "reweighted": reach_wording.reweighted(weighted, plain),
        "sees_rows": may_see_rows(user),
        **wording.filters(choices),
        **_frame(survey, chosen, "reach"),
    }
    return _at(render(request, "surveys/results_reach.html", context), request, context["page"], chosen)


def shown_of(request: SignedInRequest) -> Show:
    """Which rows are asked for. Raises Http404 for none, and for those who see no rows."""
    show = read_show(request.GET.get("what", "answers"), request.GET.get("reason", ""))
    if show is None or not may_see_rows(request.user):
        raise Http404
    return show


@login_required
@require_GET
def rows(request: SignedInRequest, key: str) -> HttpResponse:
    """The rows behind one figure, page by page; further rows as a fragment."""
    user, now = request.user, read_clock()
    survey = get_object_or_404(Survey, key=key)
    show, chosen, mark = shown_of(request), chosen_of(request, now), request.GET.get("after", "")
    if show.kind == "contacts":
        found = never_rows(user, chosen, survey=survey, show=show, mark=mark, now=now)
    else:
        found = (answer_rows if show.kind == "answers" else ask_rows)(user, chosen, survey=survey, show=show, mark=mark)
    here = {"what": show.name if show.score is None else f"score-{show.score}", "reason": show.reason}
    context = {
        "survey": survey,
        "name": shipped_name(survey),
        "chosen": chosen,
        "show": show,
        "title": wording.title_of(show, survey.kind),
        "found": reach_wording.told(found.rows) if show.kind == "contacts" else wording.shown_rows(found.rows, show, survey.kind),
        "reason_word": reach_wording.reason_word(show.reason) if show.reason else "",
        "more": f"?{chosen.query(extra={**here, 'after': found.mark})}" if found.mark else "",
        "narrowed": wording.narrowed(chosen, choices_of(user, chosen, survey=survey)),
        "export_rows": f"{reverse('surveys:export_rows', args=[survey.key])}?{chosen.query(extra=here)}",
        "beginning": f"?{chosen.query(extra=here)}",
        "back": reverse("surveys:reach" if show.kind == "contacts" else "surveys:results", args=[survey.key]) + f"?{chosen.query()}",
        "continued": bool(mark),
    }
    template = "surveys/_results_rows.html" if request.htmx and mark else "surveys/results_rows.html"
    return render(request, template, context)
