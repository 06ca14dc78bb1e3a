"""What may be spent: budget lines by quarter or year, and which costs count as technology, people or tools."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import CurrencyField, MoneyField
from accounts.models import CostEntry, Segment


class BudgetPart(models.TextChoices):
    """The three parts of a budget."""

    TECHNOLOGY = "technology", _("Technology")
    PEOPLE = "people", _("People")
    TOOLS = "tools", _("Tools")


class BudgetLine(models.Model):
    """An amount planned for one part, of a quarter or a whole year, of a segment or of all. Lines of the same period add up."""

    year = models.PositiveSmallIntegerField(_("year"))
    quarter = models.PositiveSmallIntegerField(
        _("quarter"), null=True, blank=True, choices=[(number, f"Q{number}") for number in range(1, 5)], help_text=_("Empty: the whole year, a quarter of it in each.")
    )
    part = models.CharField(_("part"), max_length=10, choices=BudgetPart.choices)
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="budget_lines", help_text=_("Empty: for everybody.")
    )
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("budget line")
        verbose_name_plural = _("budget lines")
        ordering = ["-year", "quarter", "part", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(year__gte=2000, year__lte=2100), name="budget_year_plausible", violation_error_message=_("A year from 2000 to 2100.")),
            models.CheckConstraint(condition=Q(quarter__isnull=True) | Q(quarter__gte=1, quarter__lte=4), name="budget_quarter_is_one"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="budget_not_negative", violation_error_message=_("An amount of 0 or more.")),
        ]

    def __str__(self) -> str:
        return f"{self.year}{f' Q{self.quarter}' if self.quarter else ''} {self.get_part_display()}"


class BudgetCategory(models.Model):
    """Which part of the budget the costs of a category are spent from; a category without a row has its default."""

    category = models.CharField(_("category of costs"), max_length=10, choices=CostEntry.Category.choices, unique=True)
    part = models.CharField(_("part"), max_length=10, choices=BudgetPart.choices)

    # programmes are bought software; campaigns are tools; everything else is people's time
    DEFAULTS = {
        "team": "people", "programme": "technology", "onboarding": "people", "training": "people", "tools": "tools", "marketing": "tools", "support": "people",
        "quality": "people", "service": "people",
    }  # fmt: skip

    class Meta:
        verbose_name = _("budget part of a category")
        verbose_name_plural = _("budget parts of categories")
        ordering = ["category"]

    def __str__(self) -> str:
        return f"{self.get_category_display()}: {self.get_part_display()}"
