"""Surveys in Django's admin. What is published, decided or submitted is read-only here as everywhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.queries.clock import read_clock
from surveys.actions.closing import revoke_links
from surveys.actions.programme_changes import life_values, record_administration
from surveys.actions.programme_values import plain_values
from surveys.models import (
    Announcement,
    Invitation,
    LoopCase,
    LoopDeadline,
    PendingFollowUp,
    ProgrammeStep,
    Response,
    ResponseRevision,
    SendingHold,
    Survey,
    SurveyLink,
    SurveyText,
    SurveyVersion,
    Touchpoint,
)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows to look at."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Never."""
        return False


class TextInline(admin.StackedInline):
    """The words of a draft version."""

    model = SurveyText
    extra = 0

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Only while the version is a draft."""
        return super().has_change_permission(request, obj) and not (isinstance(obj, SurveyVersion) and obj.is_frozen)

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Only while the version is a draft."""
        return super().has_add_permission(request, obj) and not (isinstance(obj, SurveyVersion) and obj.is_frozen)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Only while the version is a draft."""
        return super().has_delete_permission(request, obj) and not (isinstance(obj, SurveyVersion) and obj.is_frozen)


@admin.register(Survey)
class SurveyAdmin(admin.ModelAdmin):
    """Surveys."""

    list_display = ("name", "key", "kind")
    list_filter = ("kind",)
    search_fields = ("name", "key")
    readonly_fields = ("created_at",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Counts the change, so that whoever has it open in the editor sees it."""
        obj.revision += bool(change)
        super().save_model(request, obj, form, change)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        """Key and kind stand once the survey is there."""
        return ("created_at", "key", "kind") if obj else ("created_at",)


@admin.register(SurveyVersion)
class SurveyVersionAdmin(admin.ModelAdmin):
    """Versions; setting “published” freezes one for good."""

    list_display = ("survey", "number", "scale_min", "scale_max", "direction", "low_score", "published_at")
    list_filter = ("survey__kind", "direction")
    search_fields = ("survey__name", "survey__key")
    list_select_related = ("survey",)
    inlines = (TextInline,)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Counts the change, so that whoever has the draft open in the editor sees it."""
        obj.revision += bool(change)
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Only drafts."""
        return super().has_change_permission(request, obj) and not (isinstance(obj, SurveyVersion) and obj.is_frozen)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Only drafts."""
        return super().has_delete_permission(request, obj) and not (isinstance(obj, SurveyVersion) and obj.is_frozen)


@admin.register(Touchpoint)
class TouchpointAdmin(admin.ModelAdmin):
    """Touchpoints."""

    list_display = ("name", "key", "survey", "event_kind", "every_days", "delay_minutes", "activated_at", "paused_at")
    list_filter = ("survey", "event_kind", "audience")
    search_fields = ("name", "key")
    list_select_related = ("survey",)
    filter_horizontal = ("segments",)
    readonly_fields = ("state", "version", "author", "submitted_at", "submitted_by", "approved_by", "ended_at", "canary_until", "canary_passed_at", "created_at", "updated_at")

    def save_model(self, request: HttpRequest, obj: Touchpoint, form: Any, change: bool) -> None:
        """Saves, and remembers how it was: what is changed here goes past approval, but not unseen."""
        before = Touchpoint.objects.select_related("survey").prefetch_related("segments").filter(pk=obj.pk).first() if change else None
        request.programme_before = (plain_values(before), life_values(before)) if before else (None, {})  # type: ignore[attr-defined]
        if not change and isinstance(request.user, User):
            obj.author = request.user
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Writes the step into the programme's history once the segments are saved, too."""
        super().save_related(request, form, formsets, change)
        before, life = request.programme_before  # type: ignore[attr-defined]
        if isinstance(request.user, User):
            record_administration(touchpoint=form.instance, before=before, life_before=life, actor=request.user, now=read_clock())

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Only what never went live: what asked somebody is ended, and its history stays."""
        return super().has_delete_permission(request, obj) and not (isinstance(obj, Touchpoint) and obj.activated_at is not None)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """The ledger of decisions."""

    list_display = ("decided_at", "account", "contact", "touchpoint", "status", "skip_reason", "not_before", "sent_at", "answered_at")
    list_filter = ("status", "skip_reason", "touchpoint")
    search_fields = ("account__external_id", "account__name", "contact__email", "contact__external_id")
    list_select_related = ("account", "contact", "touchpoint")
    ordering = ("-decided_at", "-id")


@admin.register(SurveyLink)
class SurveyLinkAdmin(ReadOnlyAdmin):
    """Links; their tokens are known to nobody but the receiver."""

    list_display = ("issued_at", "kind", "invitation", "expires_at", "revoked_at", "first_answer_at")
    list_filter = ("kind",)
    search_fields = ("invitation__contact__email",)
    list_select_related = ("invitation__contact", "invitation__touchpoint")
    fields = ("invitation", "kind", "issued_at", "expires_at", "revoked_at", "first_answer_at")
    ordering = ("-id",)
    actions = ("revoke",)

    @admin.action(description=_("Take the links back: they open nothing any more"), permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[SurveyLink]) -> None:
        """Ends every answer link of the invitations chosen; refusing surveys still works."""
        revoke_links(invitations=Invitation.objects.filter(links__in=queryset), now=read_clock())


@admin.register(Response)
class ResponseAdmin(ReadOnlyAdmin):
    """Answers."""

    list_display = ("answered_at", "survey", "account", "contact", "score", "state", "is_suspect", "respondent", "origin")
    list_filter = ("kind", "is_suspect", "state", "respondent", "origin")
    search_fields = ("external_id", "account__external_id", "account__name", "contact__email", "comment")
    list_select_related = ("survey", "account", "contact")
    ordering = ("-answered_at", "-id")


@admin.register(ResponseRevision)
class ResponseRevisionAdmin(ReadOnlyAdmin):
    """Every submission; append-only."""

    list_display = ("submitted_at", "response", "score", "respondent", "is_suspect")
    list_filter = ("is_suspect", "respondent")
    search_fields = ("response__external_id",)
    list_select_related = ("response",)
    ordering = ("-submitted_at", "-id")


@admin.register(ProgrammeStep)
class ProgrammeStepAdmin(ReadOnlyAdmin):
    """Who did what to a programme; append-only."""

    list_display = ("happened_at", "touchpoint", "action", "actor", "note")
    list_filter = ("action", "touchpoint")
    search_fields = ("touchpoint__key", "note")
    list_select_related = ("touchpoint", "actor")


@admin.register(SendingHold)
class SendingHoldAdmin(ReadOnlyAdmin):
    """What waits, or waited, for a person; let go on the outbox page."""

    list_display = ("held_at", "touchpoint", "domain", "reason", "value", "limit", "released_at", "released_by")
    list_filter = ("reason",)
    list_select_related = ("touchpoint", "released_by")


@admin.register(LoopDeadline)
class LoopDeadlineAdmin(admin.ModelAdmin):
    """How fast an unhappy customer is answered, by segment."""

    list_display = ("segment", "working_hours")
    list_select_related = ("segment",)


@admin.register(LoopCase)
class LoopCaseAdmin(ReadOnlyAdmin):
    """Cases; they are closed on their own page."""

    list_display = ("opened_at", "account", "contact", "due_at", "escalated_at", "closed_at", "resolution")
    list_filter = ("resolution",)
    search_fields = ("account__name", "account__external_id")
    list_select_related = ("account", "contact")
    ordering = ("-opened_at", "-id")


@admin.register(PendingFollowUp)
class PendingFollowUpAdmin(ReadOnlyAdmin):
    """Unhappy answers of this minute, whose case opens unless they are corrected."""

    list_display = ("due_at", "response")
    list_select_related = ("response",)


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    """What people were told of settled topics."""

    list_display = ("created_at", "topic", "people", "created_by")
    list_filter = ("topic",)
    list_select_related = ("topic", "created_by")
