"""The outbox: what waits, left, failed or is uncertain; rates, holds and the switch; and what a person decides about them."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.instances import DOUBTS, confirm_instance
from accounts.actions.outbox_orders import let_be as let_other_be
from accounts.actions.outbox_orders import send_again as send_other_again
from accounts.models import Installation, OutgoingMail, User
from accounts.queries.clock import read_clock
from accounts.roles import READS_PROGRAMMES, WRITES_ACCOUNTS, WRITES_PROGRAMMES, Role
from surveys.actions.holds import NotHeld, release_hold
from surveys.actions.unknowns import KINDS, NotPossible, let_be, send_again
from surveys.models import SendingHold
from surveys.queries import outbox as found
from surveys.views.tabs import tabs_for

MOST_AT_ONCE = 200

# why a mail waits or ended, in words; what is not here is a rule of planning and shown by the ledger's words
REASONS = {
    "stopped": gettext_lazy("sending was switched off"),
    "late": gettext_lazy("its batch took too long"),
    "error": gettext_lazy("something went wrong here; it is tried again"),
    "next_run": gettext_lazy("waits for the next round"),
    "held": gettext_lazy("waits for a person"),
    "quiet": gettext_lazy("waits for a decent hour"),
    "rests": gettext_lazy("the server asked us to slow down"),
    "rate": gettext_lazy("waits for its turn"),
    "day_full": gettext_lazy("as many as may leave a day have left"),
    "allowlist": gettext_lazy("not on the list of those who may get mail"),
    "gave_up": gettext_lazy("given up after a day of tries, or too late to be worth sending"),
    "unsendable": gettext_lazy("no mail can be written to this address"),
    "lease_expired": gettext_lazy("the sender stopped in the middle"),
    "resent": gettext_lazy("sent again by a person"),
    "dropped": gettext_lazy("left unsent by a person"),
    "by_hand": gettext_lazy("taken out by a person"),
    "no_subject": gettext_lazy("what it was about is gone"),
    "address_bounced": gettext_lazy("the address bounced"),
    "expired": gettext_lazy("its time is over"),
    "answered": gettext_lazy("an answer shows that it arrived"),
    "duplicate": gettext_lazy("already on its way"),
    "no_consent": gettext_lazy("the contact refused surveys"),
    "suppressed": gettext_lazy("the address must not be written to"),
    "reminder_gap": gettext_lazy("the person was reminded lately"),
    "stale": gettext_lazy("too late to be worth asking"),
}


def _reader(request: HttpRequest) -> User:
    """Who asks. Raises Http404 for roles that see no programmes."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    if request.user.role not in READS_PROGRAMMES:
        raise Http404
    return request.user


def _say(mail: OutgoingMail) -> None:
    """Gives a mail its reason in words."""
    mail.said = str(REASONS.get(mail.reason, mail.reason.replace("_", " ")))  # type: ignore[attr-defined]


@login_required
@require_GET
def outbox(request: HttpRequest) -> HttpResponse:
    """Mails by state, with the server's answers; rates, today's count, holds and the switch."""
    user = _reader(request)
    now = read_clock()
    status = request.GET.get("status", "") if request.GET.get("status") in OutgoingMail.Status.values else ""
    kind = request.GET.get("kind", "") if request.GET.get("kind") in OutgoingMail.Kind.values else ""
    rows = found.mails(user, mark=request.GET.get("after", ""), status=status, kind=kind)
    for mail in rows.rows:
        _say(mail)
    installation = Installation.current()
    context = {
        "found": rows,
        "status": status,
        "kind": kind,
        "statuses": OutgoingMail.Status.choices,
        "kinds": OutgoingMail.Kind.choices,
        "counts": found.state_counts(user),
        "rates": found.rates(now=now),
        "holds": found.open_holds(now=now),
        "released": found.released_holds(),
        "installation": installation,
        "doubt": DOUBTS.get(installation.doubt, ""),
        "instance": found.instance_facts(),
        "may_switch": user.role == Role.ADMIN,
        "may_release": user.role in WRITES_PROGRAMMES,
        "may_decide": any(mail.may_again or mail.may_drop for mail in rows.rows),
        "tabs": tabs_for(user, "surveys:outbox"),
        "here": request.get_full_path(),
    }
    return render(request, "surveys/outbox.html", context)


@login_required
@require_GET
def unknown(request: HttpRequest) -> HttpResponse:
    """Surveys and reminders of which nobody knows whether they left, and what is known of each."""
    user = _reader(request)
    rows = found.unknown_mails(user)
    for mail in rows:
        _say(mail)
    context = {
        "rows": rows,
        "full": len(rows) >= found.SHOWN_UNKNOWNS,
        "may_decide": user.role in WRITES_ACCOUNTS,
        "tabs": tabs_for(user, "surveys:unknown"),
        "here": reverse("surveys:unknown"),
    }
    return render(request, "surveys/unknown.html", context)


@login_required
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Sends the chosen mails again, or takes them out; `mail` may stand several times. One out of sight is a 404 and changes nothing."""
    user = _reader(request)
    if user.role not in WRITES_ACCOUNTS:
        raise PermissionDenied
    again, _sign, one = request.POST.get("do", "").partition(":")
    if again not in {"again", "drop"}:
        raise Http404
    chosen = _chosen([one] if one else request.POST.getlist("mail"))
    rows = {mail.pk: mail for mail in OutgoingMail.objects.changeable_by(user).filter(pk__in=chosen).only("pk", "kind")}
    if len(rows) != len(chosen):
        raise Http404
    done = sum(_decide(mail, again=again == "again") for mail in rows.values())
    if not chosen:
        messages.info(request, _("Choose at least one mail."))
    elif again == "again":
        messages.success(request, ngettext("%(count)d mail is queued again.", "%(count)d mails are queued again.", done) % {"count": done})
    else:
        messages.success(request, ngettext("%(count)d mail stays unsent.", "%(count)d mails stay unsent.", done) % {"count": done})
    if done < len(chosen):
        left = len(chosen) - done
        messages.info(request, ngettext("%(count)d had changed meanwhile and was left alone.", "%(count)d had changed meanwhile and were left alone.", left) % {"count": left})
    return redirect(_back(request))


def _chosen(values: list[str]) -> set[uuid.UUID]:
    """The ids of the form. Raises Http404 for what is none, or for too many."""
    if len(values) > MOST_AT_ONCE:
        raise Http404
    try:
        return {uuid.UUID(value) for value in values}
    except ValueError as fault:
        raise Http404 from fault


def _decide(mail: OutgoingMail, *, again: bool) -> int:
    """One mail; 1 where it was changed."""
    if mail.kind not in KINDS:
        return send_other_again(ids=[mail.pk], now=read_clock()) if again else let_other_be(ids=[mail.pk])
    try:
        if again:
            send_again(mail_id=mail.pk, now=read_clock())
        else:
            let_be(mail_id=mail.pk)
    except NotPossible:
        return 0
    return 1


def _back(request: HttpRequest) -> str:
    """The page the form stood on."""
    wish = request.POST.get("next", "")
    ours = wish.startswith(reverse("surveys:overview")) and url_has_allowed_host_and_scheme(wish, allowed_hosts=None)
    return wish if ours else reverse("surveys:outbox")


@login_required
@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets go what a hold keeps back; for admins and leads."""
    user = _reader(request)
    if user.role not in WRITES_PROGRAMMES:
        raise PermissionDenied
    hold = get_object_or_404(SendingHold, pk=pk)
    try:
        release_hold(hold_id=hold.pk, actor=user, now=read_clock())
    except NotHeld:
        messages.info(request, _("It was let go already."))
    else:
        messages.success(request, _("What waited leaves from now on, at the usual rate."))
    return redirect("surveys:outbox")


@login_required
@require_POST
def confirm_place(request: HttpRequest) -> HttpResponse:
    """An admin says that this is no copy; sending goes on."""
    if _reader(request).role != Role.ADMIN:
        raise PermissionDenied
    if Installation.current().doubt:
        row = confirm_instance()
        messages.success(request, _("This is the installation from now on.") + (" " + _("Surveys are sent again.") if row.sending_enabled else ""))
    else:
        messages.info(request, _("Nothing was in doubt."))
    return redirect("surveys:outbox")
