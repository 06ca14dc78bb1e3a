"""The models of metrics: health models, their scores, the runs that computed them, and targets of the team."""

from metrics.models.health import HealthComponent, HealthModel, HealthRun, HealthScore
from metrics.models.targets import PerformanceTarget

__all__ = ["HealthComponent", "HealthModel", "HealthRun", "HealthScore", "PerformanceTarget"]
