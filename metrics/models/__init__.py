"""The models of metrics: health models, their scores, and the runs that computed them."""

from metrics.models.health import HealthComponent, HealthModel, HealthRun, HealthScore

__all__ = ["HealthComponent", "HealthModel", "HealthRun", "HealthScore"]
