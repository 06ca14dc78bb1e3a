"""Looking before switching on: a playbook tried on one account, and whom it fits now. Nothing is written."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import PlaybookVersion
from accounts.playbooks import PlaybookFaults
from accounts.playbooks.telling import outline
from accounts.queries.accounts import visible_account
from accounts.queries.clock import read_clock
from accounts.queries.playbook_matches import matches
from accounts.queries.playbook_trial import trial
from accounts.queries.playbooks import Entry, accounts_named
from accounts.queries.rule_matches import names_of_rows
from accounts.signed_in import SignedInRequest
from accounts.views.playbooks import entry_or_404, page_context, writes


def _version(request: SignedInRequest, entry: Entry) -> PlaybookVersion:
    """The version asked for, else the one that is shown. Raises Http404 where there is none."""
    asked = request.GET.get("version", "")
    found = entry.row.versions.filter(number=int(asked)).first() if asked.isdecimal() and len(asked) < 6 else entry.shown
    if found is None:
        raise Http404
    return found


@require_GET
@login_required
def playbook_try(request: SignedInRequest, key: str) -> HttpResponse:
    """What every step would do to one account now, or why it would be left out."""
    entry = entry_or_404(request, key)
    version, known, asked = _version(request, entry), names_of_rows(), request.GET.get("account", "")
    context = page_context(entry, known, here="steps") | {"version": version, "writes": writes(request)}
    if not asked.isdecimal() or len(asked) > 18:
        return render(request, "accounts/playbook_try.html", context)
    account = visible_account(request.user, int(asked))
    if account is None:
        raise Http404
    try:
        found = trial(entry.row, version, account, now=read_clock())
    except PlaybookFaults as faults:
        return render(request, "accounts/playbook_try.html", context | {"account": account, "faults": faults.faults})
    steps = outline(version.steps, known)
    for step in steps:
        tried = found.steps[step["key"]]
        letter = tried.letter
        step |= {"outcome": tried.outcome, "says": tried.says, "day": tried.day, "letters": [{"language": letter[0], "subject": letter[1], "body": letter[2]}] if letter else []}
    return render(request, "accounts/playbook_try.html", context | {"account": account, "found": found, "steps": steps})


@require_GET
@login_required
def playbook_accounts(request: SignedInRequest) -> HttpResponse:
    """What a search for an account finds, as the choice of the form."""
    text = request.GET.get("find", "")[:100].replace("\x00", "")
    return render(request, "accounts/_playbook_accounts.html", {"accounts": accounts_named(request.user, text)})


@require_GET
@login_required
def playbook_matches(request: SignedInRequest, key: str) -> HttpResponse:
    """Whom the playbook fits now, in the reader's scope."""
    entry = entry_or_404(request, key)
    version, known = _version(request, entry), names_of_rows()
    context = page_context(entry, known, here="matches") | {"version": version, "writes": writes(request)}
    try:
        context["found"] = matches(request.user, entry.row, version, now=read_clock())
    except PlaybookFaults as faults:
        context["faults"] = faults.faults
    return render(request, "accounts/playbook_matches.html", context)
