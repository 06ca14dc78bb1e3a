"""The playbooks every installation starts with, all of them off until somebody switches them on. Pure data."""

from accounts.playbooks.shipped.beginning import ONBOARDING, STUCK
from accounts.playbooks.shipped.keeping import DETRACTOR, EXPANSION, RENEWAL
from accounts.playbooks.shipped.leaving import OFFBOARDING, WIN_BACK
from accounts.playbooks.shipped.payments import CARD_REFUSED, DUNNING
from accounts.playbooks.shipped.shape import Shipped

SHIPPED: tuple[Shipped, ...] = (ONBOARDING, STUCK, DETRACTOR, RENEWAL, DUNNING, CARD_REFUSED, OFFBOARDING, WIN_BACK, EXPANSION)

__all__ = ["SHIPPED", "Shipped"]
