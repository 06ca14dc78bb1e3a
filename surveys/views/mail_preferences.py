"""The page behind “unsubscribe” in a mail of a playbook or an offer: no more of these, nothing at all; and back again after a wrong press.

It shares its address with that of surveys, and its promises: a GET changes nothing, the mail program's own press
(RFC 8058) gets an empty 200 at once.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.actions.refusals import ALL, MAILS, SCOPES, pressed_refusal, refusable_mail, refuse_mails, refuses_mails, take_refusal_back
from accounts.actions.suppressions import GLOBAL, suppressed_scopes
from accounts.models import Erasure, OutgoingMail
from accounts.models.plans import LANGUAGES
from accounts.queries.clock import read_clock
from surveys.actions.letter_words import direction_of, interface_language, sender_name
from surveys.views import pages


def mail_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The choices, or what was chosen; a POST acts at once. A token of no such mail opens nothing."""
    now, mail = read_clock(), refusable_mail(token)
    if mail is None or not mail.to_address or mail.contact_id is None or Erasure.objects.filter(contact_id=mail.contact_id).exists():
        return pages.unknown()
    if request.method == "POST" and request.POST.get("List-Unsubscribe") == "One-Click":
        refuse_mails(mail=mail, scope=MAILS, now=now)
        return HttpResponse(status=200)
    done, problem = "", False
    if request.method == "POST":
        scope, undo = request.POST.get("scope", MAILS), request.POST.get("undo", "")
        if undo in SCOPES:
            done = "undone" if take_refusal_back(mail=mail, scope=undo, now=now) else ""
            problem = not done
        elif scope in SCOPES:
            refuse_mails(mail=mail, scope=scope, now=now)
            done = scope
        else:
            problem = True
        mail = refusable_mail(token) or mail
    return _page(request, mail, token, done=done, problem=problem)


def _page(request: HttpRequest, mail: OutgoingMail, token: str, *, done: str, problem: bool) -> HttpResponse:
    known = [code for code, _name in LANGUAGES]
    asked = request.POST.get("lang") or request.GET.get("lang") or ""
    language = asked if asked in known else interface_language(mail.language or "en")
    scopes = suppressed_scopes([mail.to_address]).get(mail.to_address, set())
    everything = GLOBAL in scopes or bool(mail.contact and mail.contact.opted_out)
    mails = everything or refuses_mails(scopes)
    face = pages.Face(sender=sender_name())
    context: dict[str, Any] = {
        "language": language, "direction": direction_of(language), "sender": face.sender, "face": face, "token": token, "done": done, "problem": problem,
        "switches": pages.switches_to(known, language, request.path), "initials": mail.contact.initials if mail.contact else "",
        "account": mail.account.name if mail.account else "",
        "all": everything, "mails": mails, "undo_all": everything and pressed_refusal(mail, ALL) is not None, "undo_mails": mails and pressed_refusal(mail, MAILS) is not None,
    }  # fmt: skip
    return pages.page("mail_preferences", context, language, 400 if problem else 200)
