"""Page-shaped reads of the dashboards: whose figures, cards, the health of the base, what changed, what may go wrong, revenue."""

from metrics.dashboards.figures import FEW, MONTHS, last_months, scope_of, shown

__all__ = ["FEW", "MONTHS", "last_months", "scope_of", "shown"]
