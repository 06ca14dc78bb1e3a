"""Saved scenarios of the ROI studio: what was assumed, and the live figures it was assumed on."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.roles import Role

# whose figures are those of the whole base
WHOLE = frozenset({Role.ADMIN, Role.VIEWER, Role.ANALYST})


class RoiScenarioQuerySet(models.QuerySet):
    """Scenarios. Their figures are frozen, so a reader finds those whose figures the own scope would cover, and those shared."""

    def visible_to(self, user: User) -> RoiScenarioQuerySet:
        """Everything for those who see the whole base; else one's own, the shared ones, and for a lead those of the team."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.role in WHOLE:
            return self
        mine = Q(author=user) | Q(shared=True)
        return self.filter(mine | Q(team=user.team_id) if user.role == Role.MANAGER and user.team_id else mine)

    def changeable_by(self, user: User) -> RoiScenarioQuerySet:
        """Everything for admins; leads change their own and those of their team."""
        if not user.is_authenticated or not user.is_active or user.role not in {Role.ADMIN, Role.MANAGER}:
            return self.none()
        if user.role == Role.ADMIN:
            return self
        return self.filter(Q(author=user) | Q(team=user.team_id) if user.team_id else Q(author=user))

    def there(self) -> RoiScenarioQuerySet:
        """Those that were not deleted."""
        return self.filter(deleted_at__isnull=True)


class RoiScenario(models.Model):
    """One set of assumptions with the frozen live figures beneath it.

    `choices` are the texts of the studio's fields by name (an input that is not among them is live), `live`
    is `metrics.roi.live.LiveFigures` as it was. `version` grows with every change.
    """

    name = models.CharField(_("name"), max_length=120)
    note = models.TextField(_("note"), max_length=2000, blank=True, default="")
    choices = models.JSONField(_("choices"), default=dict)
    live = models.JSONField(_("live figures it was made on"), default=dict)
    live_at = models.DateTimeField(_("live figures of"))
    author = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, on_delete=models.SET_NULL, related_name="roi_scenarios")
    # whose accounts the figures are about; none: the whole base, or the author's own book
    team = models.ForeignKey(Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    shared = models.BooleanField(_("everybody may read it"), default=False)
    version = models.PositiveIntegerField(_("version"), default=1)
    changed_by = models.ForeignKey(User, verbose_name=_("changed by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("updated"))
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    objects = RoiScenarioQuerySet.as_manager()

    class Meta:
        verbose_name = _("ROI scenario")
        verbose_name_plural = _("ROI scenarios")
        ordering = ["-updated_at", "-pk"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="roi_scenario_has_name")]

    def __str__(self) -> str:
        return self.name
