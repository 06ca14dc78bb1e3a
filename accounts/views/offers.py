"""Offers: the catalogue, whom they fit and why, the draft message, what came of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.offer_mails import CannotWrite, LeftAlready, draft_mail, mail_of, send_offer, take_offer_back
from accounts.actions.offers import FILLED, NotOpen, StaleOffer, note_outcome, note_sent, save_offer
from accounts.actions.playbook_mails import body_of
from accounts.actions.working_calendar import organisation_day
from accounts.forms.offers import MessageForm, OfferForm, OutcomeForm, SentForm
from accounts.models import Installation, Offer, OfferMatch, OutgoingMail
from accounts.models.plans import LANGUAGES
from accounts.playbooks.telling import say_reason
from accounts.queries import offers as reading
from accounts.queries.clock import read_clock
from accounts.queries.plans import rules_in_words
from accounts.roles import Role
from accounts.signed_in import SignedInRequest

WRITES_OFFERS = frozenset({Role.ADMIN, Role.MANAGER})
READS_OFFERS = WRITES_OFFERS | {Role.CSM, Role.AGENT, Role.VIEWER}


def _reader(request: SignedInRequest) -> bool:
    """Whether the reader writes offers. Raises PermissionDenied for who reads none."""
    if request.user.role not in READS_OFFERS:
        raise PermissionDenied
    return request.user.role in WRITES_OFFERS


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@require_GET
@login_required
def offers(request: SignedInRequest) -> HttpResponse:
    """Accounts that offers fit, by what has come of it so far."""
    may_write = _reader(request)
    now = read_clock()
    view = request.GET.get("view", "open")
    view = view if view in reading.VIEWS else "open"
    chosen = _number(request.GET.get("offer", ""))
    rows = reading.match_rows(request.user, view=view, offer_id=chosen, after=request.GET.get("after", ""), now=now, today=organisation_day(now))
    context = {"rows": rows, "view": view, "chosen": chosen, "offers": Offer.objects.order_by("name", "pk")[:200], "may_write": may_write}
    return render(request, "accounts/offers.html", context)


@require_GET
@login_required
def offer_catalogue(request: SignedInRequest) -> HttpResponse:
    """All offers with their rules in words and what they brought."""
    may_write = _reader(request)
    found = reading.catalogue(request.user)
    words = rules_in_words([rule for offer in found for rule in (offer.eligible, offer.signal)])
    return render(request, "accounts/offer_catalogue.html", {"offers": [(offer, words(offer.eligible), words(offer.signal)) for offer in found], "may_write": may_write})


@login_required
@require_http_methods(["GET", "POST"])
def offer(request: SignedInRequest, offer_id: int | None = None) -> HttpResponse:
    """One offer of the catalogue, or a new one."""
    if not _reader(request):
        raise PermissionDenied
    found = get_object_or_404(Offer, pk=offer_id) if offer_id is not None else None
    initial: dict[str, Any] = {}
    if found:
        initial = {name: getattr(found, name) for name in ("name", "description", "active", "eligible", "signal")}
        initial |= {f"{part}_{code}": found.texts.get(code, {}).get(part, "") for code, _name in LANGUAGES for part in ("subject", "body")}
    form = OfferForm(request.POST if request.method == "POST" else None, initial=initial)
    status, conflict, version = 200, False, found.version if found else 0
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                saved = save_offer(offer_id=offer_id, version=_number(request.POST.get("version", "")) or 0, terms=form.terms(), now=read_clock())
                messages.success(request, _("The offer is saved. Who it fits is looked for every hour."))
                return redirect("accounts:offer", saved.pk)
            except ValidationError as fault:
                form.add_error(None, fault)
            except StaleOffer:
                # what was typed stays; saving once more puts it over the other's
                status, conflict = 409, True
        else:
            version = _number(request.POST.get("version", "")) or 0
    context = {"form": form, "offer": found, "conflict": conflict, "version": version, "placeholders": [f"{{{name}}}" for name in FILLED]}
    return render(request, "accounts/offer.html", context, status=status)


def _match(request: SignedInRequest, match_id: int, *, to_change: bool) -> OfferMatch:
    match = reading.visible_match(request.user, match_id)
    if match is None:
        raise Http404
    if to_change and not OfferMatch.objects.changeable_by(request.user).filter(pk=match_id).exists():
        raise PermissionDenied
    return match


@require_GET
@login_required
def offer_match(request: SignedInRequest, match_id: int) -> HttpResponse:
    """One account that an offer fits: why, and what one could write."""
    return _match_page(request, _match(request, match_id, to_change=False))


def _match_page(request: SignedInRequest, match: OfferMatch, *, status: int = 200, **context: Any) -> HttpResponse:
    now = read_clock()
    people = reading.people_to_write_to(match, request.user)
    chosen = _number(request.GET.get("to", ""))
    contact = next((person for person in people if person.pk == chosen), people[0] if people else None)
    draft = reading.draft_of(match, match.contact or contact, request.user)
    address = f"mailto:{draft.contact.email}?subject={quote(draft.subject)}&body={quote(draft.body)}" if draft.contact else ""
    context = {
        "match": match, "account": match.account, "people": people, "draft": draft, "mail_address": address,
        "signs": reading.signs_of([match], now=now, today=organisation_day(now)).get(match.pk, []),
        "may_write": OfferMatch.objects.changeable_by(request.user).filter(pk=match.pk).exists(),
        "message_form": MessageForm(people=people, initial={"version": match.version, "contact": draft.contact, "subject": draft.subject, "body": draft.body}),
        **_mail_of(match), "sent_form": SentForm(people=people, initial={"version": match.version, "contact": contact}),
        "outcome_form": OutcomeForm(initial={"version": match.version}), **context,
    }  # fmt: skip
    return render(request, "accounts/offer_match.html", context, status=status)


def _mail_of(match: OfferMatch) -> dict[str, Any]:
    """The mail by which the offer was made, whether it still waits, and why it did not leave."""
    mail = mail_of(match)
    if mail is None:
        return {"mail": None}
    lost = mail.status in {OutgoingMail.Status.ABORTED, OutgoingMail.Status.FAILED} and match.status == OfferMatch.Status.OPEN and mail.reason != "taken_back"
    waits = mail.status in {OutgoingMail.Status.QUEUED, OutgoingMail.Status.RETRY} and match.status == OfferMatch.Status.SENT
    return {"mail": mail, "mail_waits": waits, "mail_lost": (say_reason(mail.reason) or mail.smtp_reply) if lost else ""}


def _send(request: SignedInRequest, match: OfferMatch) -> HttpResponse:
    """Shows the message as it would leave, or puts it into the outbox."""
    form = MessageForm(request.POST, people=reading.people_to_write_to(match, request.user))
    if not form.is_valid():
        return _match_page(request, match, status=422, message_form=form)
    data = form.cleaned_data
    message = {name: data[name] for name in ("contact", "subject", "body")}
    if request.POST.get("go") == "preview":
        mail = draft_mail(match=match, actor=request.user, **message)
        return _match_page(request, match, message_form=form, letter={"mail": mail, "text": body_of(mail, postal=Installation.current().postal_address)})
    try:
        send_offer(match_id=match.pk, actor=request.user, now=read_clock(), version=data["version"], **message)
    except CannotWrite as fault:
        form.add_error(None, _("Not sent: %(reason)s.") % {"reason": say_reason(fault.reason)})
        return _match_page(request, match, status=422, message_form=form)
    messages.success(request, _("It leaves in half a minute."), extra_tags=reverse("accounts:offer_match_do", args=[match.pk, "back"]))
    return redirect("accounts:offer_match", match.pk)


@require_POST
@login_required
def offer_match_do(request: SignedInRequest, match_id: int, do: str) -> HttpResponse:
    """Makes an offer by mail, notes that it was made, what came of it, or takes the last of these back."""
    match = _match(request, match_id, to_change=True)
    now = read_clock()
    try:
        if do == "mail":
            return _send(request, match)
        if do == "sent":
            sent = SentForm(request.POST, people=reading.people_to_write_to(match, request.user))
            if not sent.is_valid():
                return _match_page(request, match, status=422, sent_form=sent)
            note_sent(match_id=match.pk, contact=sent.cleaned_data["contact"], actor=request.user, now=now, version=sent.cleaned_data["version"])
        elif do == "outcome":
            form = OutcomeForm(request.POST)
            if not form.is_valid():
                return _match_page(request, match, status=422, outcome_form=form)
            data = form.cleaned_data
            note_outcome(match_id=match.pk, won=data["outcome"] == "won", reason=data["reason"], now=now, version=data["version"])
        elif do == "back":
            take_offer_back(match_id=match.pk, now=now)
        else:
            raise Http404
    except LeftAlready:
        return _match_page(request, match, status=409, refusal=_("Too late: the mail has left."))
    except NotOpen:
        return _match_page(request, _match(request, match_id, to_change=True), status=409, refusal=_("Somebody else changed this in the meantime: this is how it stands now."))
    place = reverse("accounts:offer_match", args=[match.pk])
    return HttpResponse(headers={"HX-Redirect": place}) if request.htmx else redirect(place)
