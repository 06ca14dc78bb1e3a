"""The editor of surveys: the list, a new one, its brand, its drafts with their words, publishing.

Everybody who reads programmes reads surveys; admins and leads write them. Nothing here sends anything.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.work_items import StaleVersion
from accounts.models import Segment, User
from accounts.placeholders import MEANINGS
from accounts.queries.clock import read_clock
from surveys.actions.letters import look_of_text
from surveys.actions.survey_versions import (
    NotReady,
    VersionIsFrozen,
    create_survey,
    discard_draft,
    open_draft,
    publish,
    save_brand,
    save_draft,
    save_letters,
    what_is_missing,
)
from surveys.editor_forms import TEXT_FIELDS, BrandForm, DraftForms, LetterForm, NewSurveyForm, language_name
from surveys.looks import presets_of
from surveys.models import Survey, SurveyText, SurveyVersion
from surveys.models.surveys import Direction
from surveys.queries.versions import differences, published_before, surveys_with_versions
from surveys.views.preview import preview_choices
from surveys.views.tabs import tabs_for
from surveys.wording import shipped_name

STALE = 409


def reader_of(request: HttpRequest) -> User:
    """Who asks. Raises Http404 for roles that read no surveys."""
    user = request.user
    if not isinstance(user, User) or not Survey.objects.visible_to(user).exists():
        raise Http404
    return user


def may_edit(user: User) -> bool:
    """Whether the role writes surveys."""
    return Survey.objects.changeable_by(user).exists()


def _writer(request: HttpRequest) -> User:
    user = reader_of(request)
    if not may_edit(user):
        raise PermissionDenied
    return user


def _version(user: User, pk: int) -> SurveyVersion:
    return get_object_or_404(SurveyVersion.objects.visible_to(user).select_related("survey"), pk=pk)


@login_required
@require_GET
def surveys(request: HttpRequest) -> HttpResponse:
    """All surveys: what is asked now, what is being written."""
    user = reader_of(request)
    rows = surveys_with_versions(user)
    for row in rows:
        row["name"] = shipped_name(row["survey"])
        row["scale"] = scale_in_words(row["published"] or row["draft"])
    return render(request, "surveys/editor/surveys.html", {"rows": rows, "may_edit": may_edit(user), "tabs": tabs_for(user, "surveys:editor")})


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new survey with its first draft."""
    user = _writer(request)
    form = NewSurveyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            version = create_survey(actor=user, key=form.cleaned_data["key"], name=form.cleaned_data["name"], preset=form.cleaned_data["preset"])
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            messages.success(request, _("The survey is there as a draft. Nobody is asked before it is published."))
            return redirect("surveys:version", version.pk)
    return render(request, "surveys/editor/new.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def survey(request: HttpRequest, key: str) -> HttpResponse:
    """One survey: its versions, its sender and brand."""
    user = reader_of(request)
    found = get_object_or_404(Survey.objects.visible_to(user), key=key)
    writes = may_edit(user)
    status = 200
    initial = {name: getattr(found, name) for name in ("name", "sender_name", "sender_address", "reply_to", "brand_color", "revision")}
    form = BrandForm(initial=initial)
    if request.method == "POST":
        if not writes:
            raise PermissionDenied
        form = BrandForm(request.POST, request.FILES)
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                save_brand(survey_id=found.pk, actor=user, revision=data["revision"], fields=data, logo=data["logo"], without_logo=data["without_logo"])
            except StaleVersion:
                status = STALE
                found.refresh_from_db()
                again = request.POST.copy()
                again["revision"] = str(found.revision)
                form = BrandForm(again, request.FILES)
                form.is_valid()
                now_there = ", ".join(
                    f"{form.fields[name].label}: {getattr(found, name) or '–'}" for name in initial if name != "revision" and str(getattr(found, name)) != str(data[name])
                )
                form.add_error(
                    None, _("Somebody else saved this in the meantime. Now there is: %(fields)s. Save again to replace it with what stands here.") % {"fields": now_there or "–"}
                )
            except ValidationError as wrong:
                for name, said in wrong.message_dict.items():
                    form.add_error(name if name in form.fields else None, said)  # type: ignore[arg-type]
            else:
                messages.success(request, _("Saved. Mails and pages look like this from now on."))
                return redirect("surveys:editor_survey", found.key)
    versions = list(found.versions.order_by("-number"))
    context = {
        "survey": found,
        "name": shipped_name(found),
        "form": form,
        "may_edit": writes,
        "versions": [{"row": version, "scale": scale_in_words(version)} for version in versions],
        "draft": next((version for version in versions if not version.is_frozen), None),
    }
    return render(request, "surveys/editor/survey.html", context, status=status)


@login_required
@require_POST
def draft(request: HttpRequest, key: str) -> HttpResponse:
    """Opens the draft of a survey: a copy of its newest version, unless there is one."""
    user = _writer(request)
    found = get_object_or_404(Survey.objects.changeable_by(user), key=key)
    return redirect("surveys:version", open_draft(survey_id=found.pk, actor=user).pk)


@login_required
@require_http_methods(["GET", "POST"])
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: a draft to write in, a published one to read."""
    user = reader_of(request)
    found = _version(user, pk)
    if request.method == "GET":
        return _version_page(request, user, found, DraftForms(found))
    if not may_edit(user):
        raise PermissionDenied
    if found.is_frozen:
        return _is_frozen(request, found)
    drafts = DraftForms(found, request.POST)
    if not drafts.is_valid():
        return _version_page(request, user, found, drafts, status=422)
    revision = request.POST.get("revision", "")
    try:
        save_draft(version_id=found.pk, actor=user, revision=int(revision) if revision.isdecimal() else 0, fields=drafts.fields(), texts=drafts.words())
    except StaleVersion:
        found.refresh_from_db()
        return _version_page(request, user, found, drafts, status=STALE, theirs=_theirs(found, drafts))
    except VersionIsFrozen:
        return _is_frozen(request, found)
    except ValidationError as wrong:
        drafts.add_faults(wrong)
        return _version_page(request, user, found, drafts, status=422)
    messages.success(request, _("Draft saved."))
    return redirect("surveys:version", found.pk)


def _is_frozen(request: HttpRequest, found: SurveyVersion) -> HttpResponse:
    messages.error(request, _("This version is published: make a new one to change anything."))
    return redirect("surveys:version", found.pk)


def _theirs(found: SurveyVersion, drafts: DraftForms) -> list[dict[str, str]]:
    """What stands in the database now where the form says something else."""
    stored = {text.language: text for text in found.texts.all()}
    rows = []
    for form in drafts.texts:
        text = stored.get(form.language) or SurveyText(language=form.language)
        typed = form.values([])
        for name in TEXT_FIELDS:
            if getattr(text, name) != typed[name]:
                rows.append({"field": f"{form.fields[name].label} ({form.title})", "theirs": getattr(text, name), "yours": typed[name]})
    fields = drafts.scale.values()
    labels = {"look": _("Shown as"), "low_score": _("Unhappy from"), "scale_min": _("Lowest score"), "scale_max": _("Highest score")}
    rows += [{"field": label, "theirs": str(getattr(found, name)), "yours": str(fields[name])} for name, label in labels.items() if getattr(found, name) != fields[name]]
    return rows


def _version_page(request: HttpRequest, user: User, found: SurveyVersion, drafts: DraftForms, *, status: int = 200, theirs: list[dict[str, str]] | None = None) -> HttpResponse:
    writes = may_edit(user) and not found.is_frozen
    texts = list(found.texts.order_by("language").prefetch_related("segment_letters__segment"))
    context = {
        "version": found,
        "survey": found.survey,
        "name": shipped_name(found.survey),
        "scale": scale_in_words(found),
        "forms": drafts,
        "columns": [(form.language, form.title) for form in drafts.texts],
        "groups": [(title, [[form[field.name] for form in drafts.texts] for field in fields]) for title, fields in drafts.texts[0].groups],
        "score_rows": [[form[f"score_{score}"] for form in drafts.texts] for score in drafts.texts[0].scores],
        "texts": [{"row": text, "language": language_name(text.language), "look": look_of_text(text), "fields": _words_to_read(text)} for text in texts],
        "placeholders": MEANINGS.items(),
        "theirs": theirs or [],
        "wrong": status == 422,
        "missing": what_is_missing(found) if writes else [],
        "may_edit": writes,
        "draftable": may_edit(user) and found.is_frozen,
        **preview_choices(user, found, texts),
    }
    return render(request, "surveys/editor/version.html", context, status=status)


def _words_to_read(text: SurveyText) -> list[tuple[str, str]]:
    """The words of a text with their labels, for reading."""
    rows = [(str(SurveyText._meta.get_field(name).verbose_name), str(getattr(text, name))) for name in TEXT_FIELDS if getattr(text, name)]  # type: ignore[union-attr]
    rows += [(str(score), str(words)) for score, words in sorted(text.score_labels.items(), key=lambda pair: int(pair[0]) if pair[0].isdecimal() else 0)]
    return rows + [(str(_("reason")), str(words)) for words in text.reason_labels.values()]


@login_required
@require_http_methods(["GET", "POST"])
def letters(request: HttpRequest, pk: int) -> HttpResponse:
    """The mails of a draft for the accounts of single segments."""
    user = reader_of(request)
    found = _version(user, pk)
    writes = may_edit(user) and not found.is_frozen
    if request.method == "POST" and not may_edit(user):
        raise PermissionDenied
    texts = list(found.texts.order_by("language").prefetch_related("segment_letters"))
    stored = {(text.language, letter.segment_id): letter for text in texts for letter in text.segment_letters.all()}
    data = request.POST if request.method == "POST" else None
    segments: list[dict[str, Any]] = []
    for segment in Segment.objects.all():
        rows = []
        for text in texts:
            letter = stored.get((text.language, segment.pk))
            initial = {"mail_subject": letter.mail_subject, "mail_body": letter.mail_body} if letter else {}
            rows.append(LetterForm(data, language=text.language, segment=segment, initial=initial))
        segments.append({"segment": segment, "forms": rows, "filled": any((text.language, segment.pk) in stored for text in texts)})
    status = 200
    if request.method == "POST":
        every = [form for entry in segments for form in entry["forms"]]
        status = 422
        if not [form for form in every if not form.is_valid()]:
            words = {(form.language, form.segment.pk): (form.cleaned_data["mail_subject"], form.cleaned_data["mail_body"].replace("\r\n", "\n")) for form in every}
            revision = request.POST.get("revision", "")
            try:
                save_letters(version_id=found.pk, actor=user, revision=int(revision) if revision.isdecimal() else 0, letters=words)
            except StaleVersion:
                status = STALE
                found.refresh_from_db()
            except VersionIsFrozen:
                return _is_frozen(request, found)
            else:
                messages.success(request, _("Mails for segments saved."))
                return redirect("surveys:version_letters", found.pk)
        for entry in segments:
            entry["filled"] = entry["filled"] or any(form.errors or form.has_changed() for form in entry["forms"])
    context = {
        "version": found, "survey": found.survey, "name": shipped_name(found.survey), "segments": segments, "may_edit": writes, "stale": status == STALE,
        "placeholders": MEANINGS.items(),
    }  # fmt: skip
    return render(request, "surveys/editor/letters.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def publish_version(request: HttpRequest, pk: int) -> HttpResponse:
    """What publishing would change; a POST publishes."""
    user = _writer(request)
    found = _version(user, pk)
    if found.is_frozen:
        return redirect("surveys:version", found.pk)
    missing = what_is_missing(found)
    status = 200
    if request.method == "POST":
        revision = request.POST.get("revision", "")
        try:
            publish(version_id=found.pk, actor=user, revision=int(revision) if revision.isdecimal() else 0, now=read_clock())
        except StaleVersion:
            status = STALE
            found.refresh_from_db()
        except NotReady as wrong:
            missing, status = wrong.faults, 422
        except VersionIsFrozen:
            return redirect("surveys:version", found.pk)
        else:
            messages.success(request, _("Version %(number)s is published. New invitations ask it from now on.") % {"number": found.number})
            return redirect("surveys:editor_survey", found.survey.key)
    before = published_before(found)
    context = {
        "version": found,
        "survey": found.survey,
        "name": shipped_name(found.survey),
        "before": before,
        "scale": scale_in_words(found),
        "scale_before": scale_in_words(before) if before else "",
        "differences": [{"where": _where(row.language, row.field), "row": row} for row in differences(before, found)] if before else [],
        "missing": [(_where(language, field), message) for language, field, message in missing],
        "programmes": found.survey.touchpoints.filter(ended_at=None).count(),
        "stale": status == STALE,
    }
    return render(request, "surveys/editor/publish.html", context, status=status)


@login_required
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throws a draft away."""
    user = _writer(request)
    found = _version(user, pk)
    revision = request.POST.get("revision", "")
    try:
        gone = discard_draft(version_id=found.pk, actor=user, revision=int(revision) if revision.isdecimal() else 0)
    except StaleVersion:
        messages.error(request, _("Somebody else saved this draft in the meantime. Look at it as it is now, then try again."))
        return redirect("surveys:version", found.pk)
    except VersionIsFrozen:
        messages.error(request, _("This version was published: it cannot be thrown away."))
        return redirect("surveys:version", found.pk)
    messages.success(request, _("The draft is gone."))
    return redirect("surveys:editor") if gone else redirect("surveys:editor_survey", found.survey.key)


def scale_in_words(found: SurveyVersion | None) -> str:
    """The scale as people say it: `0 to 10`, `1 to 7, 7 is easy`."""
    if found is None:
        return ""
    for preset in presets_of(found.survey.kind):
        if preset.fits(low=found.scale_min, high=found.scale_max, high_good=found.direction == Direction.HIGH_GOOD, offered=found.offered):
            return str(preset.name)
    return _("%(low)s to %(high)s") % {"low": found.scale_min, "high": found.scale_max}


def _where(language: str, field: str) -> str:
    """The place of a text in words: `Subject of the mail (English)`."""
    name, _colon, key = field.partition(": ")
    model = SurveyVersion if not language else SurveyText
    extra = {"texts": _("texts"), "segment_letters": _("mails for segments")}
    word = str(extra.get(name) or model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    word = word[:1].upper() + word[1:]
    parts = [part for part in (key, language_name(language) if language else "") if part]
    return f"{word} ({', '.join(parts)})" if parts else word
