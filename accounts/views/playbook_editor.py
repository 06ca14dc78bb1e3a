"""Writing playbooks: a new one, the editor of a draft, publishing, switching on and off.

The draft is one form. Each step has inputs under a token of its own (`s3-…`); the hidden inputs `step` say in which
order the tokens stand, so that moving a step moves one line and loses nothing that was typed.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import playbook_versions as writing
from accounts.actions.playbook_versions import NothingToPublish
from accounts.actions.work_items import StaleVersion
from accounts.forms import playbook_steps, playbooks
from accounts.forms.playbook_steps import StepForm
from accounts.forms.playbooks import NewPlaybookForm, TermsForm
from accounts.models import Playbook, PlaybookVersion, User
from accounts.playbooks import STEP_KINDS, PlaybookFault, PlaybookFaults
from accounts.playbooks.steps import MOST_BRANCHES, MOST_STEPS
from accounts.playbooks.telling import ICONS, KINDS, outline, shown_name
from accounts.queries.clock import read_clock
from accounts.queries.playbook_circles import circles
from accounts.queries.playbook_plans import faults_of, plan_of
from accounts.queries.rule_matches import names_of_rows
from accounts.roles import WRITES_ACCOUNTS
from accounts.signed_in import SignedInRequest
from accounts.views.playbooks import writer_or_403, writes

STALE, UNREADABLE = 409, 422
# so few steps are shown unfolded
FEW = 3


@login_required
@require_http_methods(["GET", "POST"])
def playbook_new(request: SignedInRequest) -> HttpResponse:
    """A new playbook, empty or begun with another's steps."""
    if not writes(request):
        raise PermissionDenied
    others = [(row.key, shown_name(row)) for row in Playbook.objects.filter(versions__isnull=False).distinct()]
    form = NewPlaybookForm(request.POST if request.method == "POST" else None, playbooks=others, initial={"copy": request.GET.get("copy", "")})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        copy = PlaybookVersion.objects.filter(playbook__key=data["copy"]).order_by("-number").first() if data["copy"] else None
        try:
            writing.create_playbook(key=data["key"], name=data["name"], description=data["description"], actor=request.user, now=read_clock(), copy=copy)
        except IntegrityError:
            form.add_error("name", _("There is a playbook of this name already."))
        else:
            return redirect("accounts:playbook_edit", data["key"])
    return render(request, "accounts/playbook_new.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def playbook_edit(request: SignedInRequest, key: str) -> HttpResponse:
    """The draft of a playbook. A post saves it as it is, or (`do`) adds, moves or removes a step and shows the form again."""
    row = writer_or_403(request, key)
    draft = row.versions.filter(published_at__isnull=True).first()
    if draft is None:
        return redirect("accounts:playbook", key)
    if request.method == "GET":
        return _page(request, row, draft, Draft.of(row, draft), faults=faults_of(draft) or circles_in(row, draft))
    form = Draft(request.POST, row)
    if "do" in request.POST:
        form.change(request.POST["do"])
        return _page(request, row, draft, form, quiet=True)
    if not form.is_valid():
        return _page(request, row, draft, form, status=UNREADABLE)
    version = request.POST.get("version", "")
    try:
        writing.save_draft(
            draft_id=draft.pk, version=int(version) if version.isdecimal() else 0, terms=form.terms(), name=form.head.cleaned_data["name"],
            description=form.head.cleaned_data["description"], actor=request.user, now=read_clock(),
        )  # fmt: skip
    except StaleVersion:
        draft.refresh_from_db()
        return _page(request, row, draft, form, status=STALE, conflict=True)
    except NothingToPublish:
        messages.error(request, _("This draft was published in the meantime: open a new one to change anything."))
        return redirect("accounts:playbook", key)
    messages.success(request, _("Draft saved. It starts nothing before it is published."))
    return redirect("accounts:playbook_edit", key)


def circles_in(row: Playbook, draft: PlaybookVersion) -> list[PlaybookFault]:
    """Where a draft that can be read would start itself over again."""
    return circles(row, plan_of(draft))


class Draft:
    """The forms of a draft: its head, and a form a step in the order of the tokens."""

    def __init__(self, data: QueryDict | None, row: Playbook, *, version: PlaybookVersion | None = None) -> None:
        self.data, self.row = data, row
        self.names = names_of_rows()
        stages, segments = list(self.names["stage"].items()), list(self.names["segment"].items())
        people = [(email, name or email) for email, name in User.objects.filter(is_active=True, role__in=WRITES_ACCOUNTS).order_by("name").values_list("email", "name")]
        self._choices: dict[str, Any] = {"people": people, "stages": stages}
        initial = playbooks.initial_of(version, row) if version is not None else None
        self.head = TermsForm(data, initial=initial, segments=segments, stages=stages)
        self.tokens: list[str] = data.getlist("step")[:MOST_STEPS] if data is not None else []
        self.kinds: dict[str, str] = {}
        self.arms: dict[str, int] = {}
        self.initials: dict[str, dict[str, Any]] = {}
        # what is new has no data yet; what was just worked on stands open
        self.new: set[str] = set()
        self.touched: set[str] = set()
        if data is not None:
            self.tokens = [token for token in dict.fromkeys(self.tokens) if data.get(f"{token}-kind") in STEP_KINDS and token[:1] == "s" and token[1:].isdecimal()]
            self.kinds = {token: str(data.get(f"{token}-kind")) for token in self.tokens}
            self.arms = {token: sum(f"{token}-when{arm}" in data for arm in range(MOST_BRANCHES)) for token in self.tokens}
        elif version is not None:
            for place, step in enumerate(version.steps):
                self._add(f"s{place}", str(step.get("kind")), playbook_steps.initial_of(step), arms=len(step.get("branches") or []) or 1)
        self._build()

    @classmethod
    def of(cls, row: Playbook, version: PlaybookVersion) -> Draft:
        """The forms of what is stored."""
        return cls(None, row, version=version)

    def _add(self, token: str, kind: str, initial: dict[str, Any], arms: int = 1) -> None:
        self.tokens.append(token)
        self.kinds[token], self.arms[token], self.initials[token] = kind, arms, initial

    def _build(self) -> None:
        keys = {token: self.key(token) for token in self.tokens}
        self.steps = []
        for place, token in enumerate(self.tokens):
            later = [(keys[other], f"{number}. {keys[other]}") for number, other in enumerate(self.tokens[place + 1 :], place + 2) if keys[other]]
            # a place that a step leads to and that is no longer there is shown, so that its fault can be mended
            asked = {value for name, value in self._values(token).items() if value and (name in {"next", "otherwise"} or name.startswith("go"))}
            lost = [(value, value) for value in sorted(asked - {key for key, _title in later} - {"end"})]
            bound = self.data if self.data is not None and token not in self.new else None
            form = StepForm(bound, prefix=token, kind=self.kinds[token], targets=[*later, *lost], arms=self.arms[token] or 1, initial=self.initials.get(token), **self._choices)
            self.steps.append(form)

    def _values(self, token: str) -> dict[str, Any]:
        if token in self.initials:
            return self.initials[token]
        return {name.removeprefix(f"{token}-"): self.data[name] for name in self.data if name.startswith(f"{token}-")} if self.data is not None else {}

    def key(self, token: str) -> str:
        """The key that stands in the inputs of a step."""
        return str(self._values(token).get("key", ""))

    def change(self, wish: str) -> None:
        """add:KIND, up:TOKEN, down:TOKEN, remove:TOKEN or arm:TOKEN; anything else changes nothing."""
        what, _sign, which = wish.partition(":")
        if what == "add" and which in STEP_KINDS and len(self.tokens) < MOST_STEPS:
            number = max([int(token[1:]) for token in self.tokens], default=-1) + 1
            taken = {self.key(token) for token in self.tokens}
            key = next(name for count in range(1, MOST_STEPS + 2) if (name := f"{which}-{count}") not in taken)
            self.new.add(f"s{number}")
            self.touched.add(f"s{number}")
            self._add(f"s{number}", which, {"key": key, "due_days": 1, "priority": "normal", "days": 3 if which == "wait" else None, "reply_to_owner": True, "otherwise": "end"})
        elif which in self.tokens:
            place = self.tokens.index(which)
            if what == "remove":
                self.tokens.remove(which)
            elif what == "arm":
                self.arms[which] = min(self.arms[which] + 1, MOST_BRANCHES)
                self.touched.add(which)
            elif what in {"up", "down"}:
                to = place + (1 if what == "down" else -1)
                if 0 <= to < len(self.tokens):
                    self.tokens[place], self.tokens[to] = self.tokens[to], self.tokens[place]
        self._build()

    def is_valid(self) -> bool:
        """Whether every input can be read; what is missing for publishing is another question."""
        return all([self.head.is_valid(), *(step.is_valid() for step in self.steps)])

    def terms(self) -> dict[str, Any]:
        """The draft as it is kept."""
        return {**self.head.terms(), "steps": [step.json() for step in self.steps]}


def _page(
    request: SignedInRequest, row: Playbook, draft: PlaybookVersion, form: Draft, *, status: int = 200, faults: list[PlaybookFault] | None = None, conflict: bool = False,
    quiet: bool = False,
) -> HttpResponse:  # fmt: skip
    found = faults or []
    drawn = {step["key"]: step for step in outline(draft.steps, form.names)}
    steps = []
    for place, (token, step) in enumerate(zip(form.tokens, form.steps, strict=True)):
        told = drawn.get(form.key(token), {})
        wrong = [fault.message for fault in found if fault.path == f"steps.{place}" or fault.path.startswith(f"steps.{place}.")]
        steps.append(
            {
                "form": step, "token": token, "number": place + 1, "icon": ICONS[step.kind], "title": told.get("title") or step.word, "detail": told.get("detail", ""),
                "faults": wrong, "open": bool(wrong or token in form.touched or (status == UNREADABLE and step.errors) or len(form.steps) < FEW),
            }
        )  # fmt: skip
    context = {
        "playbook": row, "draft": draft, "name": shown_name(row), "head": form.head, "steps": steps, "kinds": [(kind, KINDS[kind]) for kind in STEP_KINDS], "conflict": conflict,
        "wrong": status == UNREADABLE, "quiet": quiet, "faults": [fault for fault in found if not fault.path.startswith("steps.")], "all_faults": len(found),
        "version": request.POST.get("version", draft.version) if request.method == "POST" and not conflict else draft.version, "changed": quiet,
    }  # fmt: skip
    return render(request, "accounts/playbook_edit.html", context, status=status)


@login_required
@require_POST
def playbook_draft(request: SignedInRequest, key: str) -> HttpResponse:
    """Opens the draft, making it where there is none."""
    row = writer_or_403(request, key)
    writing.open_draft(playbook_id=row.pk, actor=request.user, now=read_clock())
    return redirect("accounts:playbook_edit", key)


@login_required
@require_POST
def playbook_discard(request: SignedInRequest, key: str) -> HttpResponse:
    """Throws the draft away."""
    row = writer_or_403(request, key)
    try:
        gone = writing.discard_draft(playbook_id=row.pk, actor=request.user, now=read_clock())
    except NothingToPublish:
        messages.error(request, _("There is no draft any more."))
        return redirect("accounts:playbook", key)
    messages.success(request, _("The draft is gone. What is published stays as it is.") if not gone else _("The playbook is gone: it was never published."))
    return redirect("accounts:playbooks") if gone else redirect("accounts:playbook", key)


@login_required
@require_POST
def playbook_publish(request: SignedInRequest, key: str) -> HttpResponse:
    """Publishes the saved draft as the next version."""
    row, version = writer_or_403(request, key), request.POST.get("version", "")
    try:
        made = writing.publish_draft(playbook_id=row.pk, version=int(version) if version.isdecimal() else 0, actor=request.user, now=read_clock())
    except NothingToPublish:
        messages.error(request, _("There is no draft any more."))
    except StaleVersion:
        messages.error(request, _("Somebody changed the draft since you saw it: look at it again before you publish it."))
        return redirect("accounts:playbook_edit", key)
    except PlaybookFaults as faults:
        count = len(faults.faults)
        told = ngettext("Not published: %(count)s thing has to be mended first.", "Not published: %(count)s things have to be mended first.", count)
        messages.error(request, told % {"count": count})
        return redirect("accounts:playbook_edit", key)
    else:
        messages.success(request, _("Version %(number)s is published. What runs already goes on with the version it began with.") % {"number": made.number})
    return redirect("accounts:playbook", key)


@login_required
@require_POST
def playbook_activate(request: SignedInRequest, key: str) -> HttpResponse:
    """Switches a playbook on, for what happens from now on or also for what it fits already."""
    row = writer_or_403(request, key)
    old = request.POST.get("old") == "1"
    try:
        writing.activate(playbook_id=row.pk, old_matches=old, actor=request.user, now=read_clock())
    except NothingToPublish:
        messages.error(request, _("Publish it before it is switched on."))
    except PlaybookFaults as faults:
        messages.error(request, _("Not switched on: %(reason)s") % {"reason": faults.faults[0].message})
    else:
        messages.success(request, _("Switched on; those it fits already are taken within minutes.") if old else _("Switched on for what happens from now on."))
    return redirect("accounts:playbook", key)


@login_required
@require_POST
def playbook_pause(request: SignedInRequest, key: str) -> HttpResponse:
    """Switches a playbook off; what runs goes on, open work stays."""
    row = writer_or_403(request, key)
    writing.pause(playbook_id=row.pk, actor=request.user, now=read_clock())
    messages.success(request, _("Paused: nothing new starts. What runs goes on, and open work stays open."))
    return redirect("accounts:playbooks") if request.POST.get("back") == "list" else redirect("accounts:playbook", key)
