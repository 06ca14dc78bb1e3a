"""How mails and pages of a version look, saved or as it stands in the editor, and a trial by mail. Nothing counts, nothing is saved."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from accounts.models import Contact, Segment, User
from accounts.placeholders import fill
from accounts.queries.clock import read_clock
from surveys.actions.answers import EDIT_WINDOW
from surveys.actions.letters import chosen_text, interface_language, look_of_text, sender_name, with_letters
from surveys.actions.trial_letters import SendingIsOff, TooManyTrials, queue_trial, sample_words, write_trial
from surveys.editor_forms import DraftForms, language_name
from surveys.models import SurveyText, SurveyVersion
from surveys.tasks import send_trial_letters
from surveys.views import pages

PARTS = ("mail", "text", "reminder", "page")
SKETCH_SECONDS = 3600
_SAMPLES = 8
log = logging.getLogger(__name__)
# runs nothing and fetches nothing from elsewhere; a mail brings its own inline styles
_POLICY = "default-src 'none'; style-src {styles}; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"


@login_required
@require_safe
def preview(request: HttpRequest, pk: int, language: str, part: str) -> HttpResponse:
    """One mail or page of a version, for a sample person or a contact the reader may see."""
    user = _reader(request)
    version = get_object_or_404(SurveyVersion.objects.visible_to(user).select_related("survey"), pk=pk)
    if part not in PARTS:
        raise Http404
    texts = _sketched(user, version, request.GET.get("sketch", "")) or _stored(version)
    if not texts:
        return _framed("<!doctype html><title>–</title><p>" + escape(_("There are no texts yet.")), styles="'self'")
    text = chosen_text(texts, language)
    contact = _contact(user, request.GET.get("contact", ""))
    if part == "page":
        return _framed(_page(text, sorted(texts), contact, _score(request.GET.get("v", ""))), styles="'self'", theme=request.GET.get("theme", ""))
    base = settings.PUBLIC_BASE_URL.rstrip("/")
    words = sample_words(text, contact=contact, owner=user)
    page = reverse("surveys:preview", args=[pk, text.language, "page"])
    written, plain, html = write_trial(text, words, page=page, now=read_clock(), segment_id=_segment(request.GET.get("segment", "")), reminder=part == "reminder", base=base)
    if part == "text":
        with translation.override(interface_language(text.language)):
            body = render_to_string("surveys/editor/preview_text.html", {"subject": written.subject, "plain": plain, "language": text.language})
        return _framed(body, styles="'self'", theme=request.GET.get("theme", ""))
    # the picture comes from here, whatever address the reader came by
    html = html.replace(f"{base}/brand/", "/brand/")
    return _framed(html, styles="'unsafe-inline'", theme=request.GET.get("theme", ""))


@login_required
@require_POST
def sketch(request: HttpRequest, pk: int) -> HttpResponse:
    """Keeps what stands in the editor for an hour, for its preview alone; answers with the frame that shows it."""
    user = _reader(request)
    version = get_object_or_404(SurveyVersion.objects.visible_to(user), pk=pk)
    if not SurveyVersion.objects.changeable_by(user).filter(pk=pk).exists():
        raise PermissionDenied
    name = secrets.token_urlsafe(12)
    cache.set(_sketch_key(user, version, name), request.POST.urlencode(), SKETCH_SECONDS)
    address = _address(version.pk, request.POST, sketch=name)
    if request.headers.get("HX-Request") != "true":
        return redirect(address)
    return render(
        request, "surveys/editor/_frame.html", {"address": address, "subject": _subject(user, version, name, request.POST), "wide": request.POST.get("pv-width") == "wide"}
    )


@login_required
@require_POST
def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    """A trial to the reader's own address, of what stands in the form (or is saved)."""
    user = _reader(request)
    version = get_object_or_404(SurveyVersion.objects.visible_to(user).select_related("survey"), pk=pk)
    if not SurveyVersion.objects.changeable_by(user).filter(pk=pk).exists():
        raise PermissionDenied
    typed = "scale-preset" in request.POST
    texts = (_texts_of_form(version, request.POST) if typed else {}) or _stored(version)
    if not texts:
        messages.error(request, _("There are no texts yet."))
        return redirect("surveys:version", pk)
    text = chosen_text(texts, request.POST.get("pv-language", "") or user.language)
    base = settings.PUBLIC_BASE_URL.rstrip("/")
    page = base + reverse("surveys:preview", args=[pk, text.language, "page"])
    try:
        segment_id, reminder = _segment(request.POST.get("pv-segment", "")), request.POST.get("pv-part") == "reminder"
        queue_trial(actor=user, text=text, page=page, base=base, now=read_clock(), segment_id=segment_id, reminder=reminder)
    except SendingIsOff:
        messages.error(request, _("Sending is switched off, for trials too."))
    except TooManyTrials:
        messages.error(request, _("That were many trials in a minute. Wait a moment."))
    else:
        _nudge()
        messages.success(request, _("A trial is on its way to %(address)s. Nothing of it counts.") % {"address": user.email})
    return redirect("surveys:version", pk)


def preview_choices(user: User, version: SurveyVersion, texts: list[SurveyText]) -> dict[str, Any]:
    """What the preview offers: languages, segments, people; and the frame it begins with."""
    languages = [text.language for text in texts] or [code for code, _name in settings.LANGUAGES]
    first = user.language if user.language in languages else languages[0]
    contacts = Contact.objects.visible_to(user).select_related("account").order_by("-id")[:_SAMPLES]
    subject = _subject(user, version, "", {"pv-language": first}) if texts else ""
    return {
        "pv_parts": [("mail", _("Mail")), ("text", _("Plain text")), ("reminder", _("Reminder")), ("page", _("Page"))],
        "pv_languages": [(code, language_name(code)) for code in languages],
        "pv_language": first,
        "pv_segments": Segment.objects.all(),
        "pv_contacts": contacts,
        "address": f"{reverse('surveys:preview', args=[version.pk, first, 'mail'])}?theme=light",
        "subject": subject,
    }


def _nudge() -> None:
    """Wakes the sender; the tick sends anyway."""
    try:
        send_trial_letters.apply_async(retry=False)
    except (OperationalError, OSError) as fault:
        log.warning("sender not woken: %s", type(fault).__name__)


def _address(pk: int, given: Mapping[str, str], **more: str) -> str:
    """The address of a preview from the fields of its controls."""
    part = given.get("pv-part", "")
    language = given.get("pv-language", "")
    known = part if part in PARTS else "mail"
    query = QueryDict(mutable=True)
    query.update({name: given[f"pv-{name}"] for name in ("theme", "segment", "contact") if given.get(f"pv-{name}")} | more)
    safe = language if language.replace("-", "").isalnum() and language.isascii() else "en"
    return f"{reverse('surveys:preview', args=[pk, safe, known])}?{query.urlencode()}"


def _sketch_key(user: User, version: SurveyVersion, name: str) -> str:
    return f"surveys:sketch:{user.pk}:{version.pk}:{name[:40]}"


def _sketched(user: User, version: SurveyVersion, name: str) -> dict[str, SurveyText]:
    """The texts of a kept sketch; empty where it is gone or none was named."""
    kept = cache.get(_sketch_key(user, version, name)) if name.replace("-", "").replace("_", "").isalnum() else None
    return _texts_of_form(version, QueryDict(kept)) if isinstance(kept, str) else {}


def _texts_of_form(version: SurveyVersion, data: QueryDict) -> dict[str, SurveyText]:
    """Unsaved texts as they stand in the form, with the stored mails for segments."""
    _unsaved, texts = DraftForms(version, data).sketch()
    for language, stored in _stored(version).items():
        if language in texts:
            with_letters(texts[language], stored)
    return texts


def _stored(version: SurveyVersion) -> dict[str, SurveyText]:
    return {text.language: text for text in SurveyText.objects.filter(version=version).select_related("version__survey")}


def _subject(user: User, version: SurveyVersion, name: str, given: Mapping[str, str]) -> str:
    """The subject line above the frame; empty for pages."""
    texts = (_sketched(user, version, name) if name else {}) or _stored(version)
    if not texts or given.get("pv-part") == "page":
        return ""
    text = chosen_text(texts, given.get("pv-language", ""))
    words = sample_words(text, contact=_contact(user, given.get("pv-contact", "")), owner=user)
    written, _plain, _html = write_trial(
        text, words, page="/", now=read_clock(), segment_id=_segment(given.get("pv-segment", "")), reminder=given.get("pv-part") == "reminder", base=""
    )
    return written.subject


def _contact(user: User, given: str) -> Contact | None:
    """A contact the reader may see; None for a person who does not exist."""
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 18):
        raise Http404
    return get_object_or_404(Contact.objects.visible_to(user).select_related("account__owner"), pk=int(given))


def _segment(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 18 else None


def _score(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 3 else None


def _page(text: SurveyText, languages: list[str], contact: Contact | None, chosen: int | None) -> str:
    """The page behind the links, with nothing to send."""
    survey = text.version.survey
    choices = pages.choices_of(text)
    logo = reverse("survey-logo", args=[survey.key, survey.logo_file]) if survey.logo_file else ""
    face = pages.Face(sender=sender_name(survey), colour=survey.brand_color[1:].lower(), logo=logo, logo_width=survey.logo_width, logo_height=survey.logo_height)
    context = {
        **pages.frame(text, languages, "", face=face),
        "token": "preview",
        "nonce": "",
        "question": fill(text.question, {**sample_words(text, contact=contact), "name": "", "first_name": ""}),
        "initials": contact.initials if contact else "SA",
        "account": sample_words(text, contact=contact)["account"],
        "choices": choices,
        "chosen": next((choice for choice in choices if choice["value"] == chosen), None),
        "shape": look_of_text(text),
        "columns": len(choices),
        "edit_hours": int(EDIT_WINDOW / dt.timedelta(hours=1)),
    }
    with translation.override(interface_language(text.language)):
        return render_to_string("surveys/public/question.html", context)


def _reader(request: HttpRequest) -> User:
    """Who asks; the views that use it are behind a login."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _framed(html: str, *, styles: str, theme: str = "") -> HttpResponse:
    """An answer that only our own pages may frame. A theme forces what the reader's system would choose."""
    if theme in {"light", "dark"}:
        html = html.replace("@media (prefers-color-scheme: dark)", "@media all" if theme == "dark" else "@media not all")
        html = html.replace("</head>", f'<link rel="stylesheet" href="{static(f"vefa/css/preview-{theme}.css")}"></head>', 1)
    response = HttpResponse(html)
    response["Content-Security-Policy"] = _POLICY.format(styles=styles if "unsafe" not in styles else f"'self' {styles}")
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
