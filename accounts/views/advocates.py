"""Customers who would speak for us: promoters in good health, when they were asked, what they said."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import wording
from accounts.actions.advocates import RESTS_DAYS, AskedLately, ask_advocate, note_answer
from accounts.forms.offers import AskForm
from accounts.models import Account, AdvocateAsk
from accounts.queries import offers as reading
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS
from accounts.signed_in import SignedInRequest
from accounts.views.accounts import account_or_404


@require_GET
@login_required
def advocates(request: SignedInRequest) -> HttpResponse:
    """The list, the largest first."""
    return _page(request)


def _page(request: SignedInRequest, *, status: int = 200, refused: int | None = None, refusal: str = "") -> HttpResponse:
    now = read_clock()
    page = reading.advocates(request.user, after=request.GET.get("after", ""), now=now, rests_days=RESTS_DAYS)
    context = {"page": page, "form": AskForm(), "may_write": request.user.role in WRITES_ACCOUNTS, "refused": refused, "refusal": refusal, "answers": ("yes", "no", "given")}
    return render(request, "accounts/advocates.html", context, status=status)


@require_POST
@login_required
def advocate_ask(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Notes that a customer was asked."""
    account = account_or_404(request.user, account_id)
    if not Account.objects.changeable_by(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied
    form = AskForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422, refused=account.pk, refusal=_("Say what they were asked for."))
    try:
        ask_advocate(
            account_id=account.pk, kind=form.cleaned_data["kind"], contact=None, actor=request.user, now=read_clock(), all_the_same=form.cleaned_data["all_the_same"]
        )  # fmt: skip
    except AskedLately as lately:
        return _page(
            request, status=409, refused=account.pk, refusal=_("They were asked on %(day)s. Asked too often, people stop speaking well.") % {"day": wording.day(lately.asked_at)}
        )
    messages.success(request, _("Noted: %(name)s was asked.") % {"name": account.name})
    return redirect("accounts:advocates")


@require_POST
@login_required
def advocate_answer(request: SignedInRequest, ask_id: int) -> HttpResponse:
    """Notes the answer."""
    ask = get_object_or_404(AdvocateAsk.objects.visible_to(request.user), pk=ask_id)
    if not AdvocateAsk.objects.changeable_by(request.user).filter(pk=ask.pk).exists():
        raise PermissionDenied
    try:
        note_answer(ask_id=ask.pk, answer=request.POST.get("answer", "?"), now=read_clock())
    except ValueError:
        return _page(request, status=422, refused=ask.account_id, refusal=_("Choose one of the answers."))
    return redirect("accounts:advocates")
