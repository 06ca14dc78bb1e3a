"""The page of one programme: its sentence with editable parts, what came of it, its history. And making a new one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Installation, Segment, User
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_PROGRAMMES
from surveys.actions.programme_changes import Changed, change_programme, make_programme
from surveys.actions.programme_values import differences, plain_values
from surveys.actions.programmes import StaleProgramme, published_version
from surveys.models import Survey, Touchpoint
from surveys.programme_checks import oddities
from surveys.programme_forms import CONDITIONS, ProgrammeForm, empty_values, initial_of, survey_choices
from surveys.programme_state import FIELDS, WrongStep, steps_from
from surveys.programme_words import OCCASIONS, phrases
from surveys.programme_words import row as pieces
from surveys.queries.programmes import JOURNEY, around, history, programme_rows, reach, would_end
from surveys.views.programme_wording import Names, field_word, said_changes, said_steps, say_value, sentence_of, state_icon, state_word
from surveys.views.programmes import address, programme_for, reader, refusal_text, seen_version, shown
from surveys.views.tabs import tabs_for
from surveys.wording import shipped_name

# sections of the form: key, rows of the sentence in it
_ROWS = {
    "when": ("event", "rhythm"),
    "whom": ("ask",),
    "hours": ("hours",),
    "often": ("cool_down", "gap"),
    "many": ("sample", "cap"),
    "after": ("reminder", "valid", "link", "priority"),
}


def _form(names: Names, *, data: QueryDict | None = None, initial: dict[str, Any] | None = None) -> ProgrammeForm:
    segments = list(Segment.objects.order_by("position", "id"))
    return ProgrammeForm(data, initial=initial, surveys=survey_choices(names.surveys), segments=segments)


def _rows(form: ProgrammeForm) -> dict[str, Any]:
    """The rows of the sentence, each in pieces: words and bound fields in the order of the reader's language."""
    words = phrases(get_language())

    def filled(template: str, **other: str) -> dict[str, Any]:
        parts = [(part.text, form[other.get(part.field, part.field)] if part.field else None) for part in pieces(template)]
        return {"parts": parts, "errors": [(field, error) for _text, field in parts if field is not None for error in field.errors]}

    found: dict[str, Any] = {key: [{"key": name, **filled(words.rows[name])} for name in rows] for key, rows in _ROWS.items()}
    found["conditions"] = [filled(words.rows["condition"], key=f"condition_key_{number}", value=f"condition_value_{number}") for number in range(CONDITIONS)]
    return found


def _live(form: ProgrammeForm, values: dict[str, Any], names: Names, *, but: int | None) -> dict[str, Any]:
    """What follows from the values: the sentence, what is odd about them, and how many it would have asked."""
    return {"parts": sentence_of(values, names), "odd": oddities(values, around(values, but=but)), "reach": reach(values, now=read_clock()), "form": form, "rows": _rows(form)}


def _live_only(request: HttpRequest) -> bool:
    """Whether a script asks for the live part alone."""
    return "HX-Request" in request.headers


def _look(request: HttpRequest, form: ProgrammeForm, last: dict[str, Any], names: Names, *, but: int | None) -> dict[str, Any]:
    """The live part for what was typed; where that is not whole yet, for what held before."""
    values = form.values() if form.is_valid() else last
    return {**_live(form, values, names, but=but), "incomplete": not form.is_valid(), "changed_event": request.POST.get("seen_event", "") != request.POST.get("event_kind", "")}


@login_required
@require_http_methods(["GET", "POST"])
def programme(request: HttpRequest, key: str) -> HttpResponse:
    """Shows a programme and, to those who may, saves what it shall say; `do=look` shows the sentence of what was typed and saves nothing."""
    user = reader(request)
    row = programme_for(user, key, writing=request.method == "POST")
    names, values = Names.read(), plain_values(row)
    if request.method == "GET":
        form = _form(names, initial=initial_of(values))
        return _page(request, user, row, {**_live(form, values, names, but=row.pk)}, names)
    form = _form(names, data=request.POST)
    if request.POST.get("do") == "look":
        live = _look(request, form, values, names, but=row.pk)
        if _live_only(request):
            return render(request, "surveys/_programme_live.html", {**live, "swap": True})
        return _page(request, user, row, live, names)
    if not form.is_valid():
        return _page(request, user, row, _look(request, form, values, names, but=row.pk), names, status=422)
    try:
        changed = change_programme(touchpoint_id=row.pk, values=form.values(), actor=user, now=read_clock(), version=seen_version(request))
    except StaleProgramme as error:
        theirs = plain_values(error.touchpoint)
        conflict = said_changes(differences(theirs, form.values()), names)
        live = {**_live(form, form.values(), names, but=row.pk), "conflict": conflict, "seen": error.touchpoint.version}
        return _page(request, user, error.touchpoint, live, names, status=409)
    except WrongStep as error:
        messages.error(request, refusal_text(error))
        return redirect("surveys:programme", row.key)
    messages.success(request, _saved_text(changed))
    return redirect("surveys:programme", row.key)


def _saved_text(changed: Changed) -> str:
    if changed.proposed and changed.applied:
        return _("Saved in part: what needs approval waits for a second person.")
    if changed.proposed:
        return _("The change waits for a second person; until then the programme goes on as it is.")
    return _("Saved.") if changed.applied else _("Nothing was changed.")


def _page(request: HttpRequest, user: User, row: Touchpoint, live: dict[str, Any], names: Names, *, status: int = 200) -> HttpResponse:
    now = read_clock()
    entry = programme_rows(user, now=now, key=row.key)[0]
    installation = Installation.current()
    writes = user.role in WRITES_PROGRAMMES
    proposal = entry.proposal
    values = plain_values(row)
    own = user.pk in {row.author_id, row.submitted_by_id}
    context = {
        **live, **shown(entry, names), "names": names, "writes": writes and row.state != "ended", "steps": steps_from(row.state) if writes else (),
        "version": live.get("seen", row.version), "installation": installation, "tabs": tabs_for(user, "surveys:overview"),
        "own": own and installation.approval_needed, "own_proposal": bool(proposal and proposal.actor_id == user.pk and installation.approval_needed),
        "proposal": {"step": proposal, "changes": said_changes(proposal.changes, names)} if proposal else None,
        "history": said_steps(history(row), names), "facts": [(field_word(name), say_value(name, values[name], names)) for name in FIELDS if name != "name"],
        "would_end": would_end(row, now=now) if writes else {}, "address": reverse("surveys:programme", args=[row.key]),
        "guarded": row.state in {"active", "paused"} and installation.approval_needed,
        "previews": _previews(row), "dry_run": address("surveys:dry_run", row.key, row.pk), "texts": address("surveys:editor_survey", row.survey.key),
    }  # fmt: skip
    return render(request, "surveys/programme.html", context, status=status)


def _previews(row: Touchpoint) -> list[tuple[str, str]]:
    """What is sent, as mail and as page in each language: word and address."""
    version = published_version(row.survey_id)
    parts = (("mail", _("mail")), ("page", _("page")))
    found = [(f"{name}, {word}", address("surveys:preview", (version.pk, code, part))) for code, name in settings.LANGUAGES for part, word in parts] if version else []
    return [(word, link) for word, link in found if link]


@login_required
@require_http_methods(["GET", "POST"])
def programme_new(request: HttpRequest) -> HttpResponse:
    """A new programme: empty, as a copy (`?copy=key`), or at one press for a moment of the journey (`quick`)."""
    user = reader(request)
    if not Touchpoint.objects.visible_to(user).exists() and user.role not in WRITES_PROGRAMMES:
        raise Http404
    if user.role not in WRITES_PROGRAMMES:
        raise PermissionDenied
    names = Names.read()
    source = programme_for(user, request.GET["copy"]) if request.GET.get("copy") else None
    values = _copied(source) if source else empty_values(Survey.objects.filter(kind="csat").first() or Survey.objects.first())
    if request.method == "GET":
        return _new_page(request, user, _live(_form(names, initial=initial_of(values)), values, names, but=None), source)
    if request.POST.get("quick"):
        return _quick(request, user, values)
    form = _form(names, data=request.POST)
    if request.POST.get("do") == "look" or not form.is_valid():
        live = _look(request, form, values, names, but=None)
        if request.POST.get("do") == "look" and _live_only(request):
            return render(request, "surveys/_programme_live.html", {**live, "swap": True})
        return _new_page(request, user, live, source, status=200 if request.POST.get("do") == "look" else 422)
    made = make_programme(values=form.values(), actor=user, now=read_clock(), copied_from=source.key if source else "")
    messages.success(request, _("Made. It asks nobody before it is live."))
    return redirect("surveys:programme", made.key)


def _copied(source: Touchpoint) -> dict[str, Any]:
    return plain_values(source) | {"name": (_("Copy of %(name)s") % {"name": shipped_name(source)})[:120]}


def _quick(request: HttpRequest, user: User, values: dict[str, Any]) -> HttpResponse:
    """A draft for a moment of the journey, with what is usually asked there."""
    kind, words = request.POST.get("event", ""), phrases(get_language())
    if kind not in OCCASIONS:
        raise Http404
    survey = Survey.objects.filter(kind=JOURNEY.get(kind, "csat")).order_by("id").first()
    values |= {"event_kind": kind, "name": words.capital(words.at_once[kind])[:120], "survey": survey.key if survey else values["survey"]}
    made = make_programme(values=values, actor=user, now=read_clock())
    messages.success(request, _("A draft is made. It asks nobody before it is live."))
    return redirect("surveys:programme", made.key)


def _new_page(request: HttpRequest, user: User, live: dict[str, Any], source: Touchpoint | None, *, status: int = 200) -> HttpResponse:
    context = {
        **live, "writes": True, "new": True, "source": shipped_name(source) if source else "", "tabs": tabs_for(user, "surveys:overview"), "state": "draft",
        "state_word": state_word("draft"), "state_icon": state_icon("draft"), "address": request.get_full_path(), "installation": Installation.current(), "version": 0,
    }  # fmt: skip
    return render(request, "surveys/programme_new.html", context, status=status)
