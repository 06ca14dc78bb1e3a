"""The models of metrics: health models, their scores, the runs that computed them, targets of the team, assumptions of value."""

from metrics.models.assumptions import Assumption
from metrics.models.budgets import BudgetCategory, BudgetLine, BudgetPart
from metrics.models.foresight import BacktestRun, ChurnModel, ChurnRisk
from metrics.models.funnels import Funnel, FunnelStep
from metrics.models.health import HealthComponent, HealthModel, HealthRun, HealthScore
from metrics.models.initiatives import Initiative
from metrics.models.judgements import Disagreement, DisagreementDecision, HealthOverride, Pulse
from metrics.models.kpi_settings import KpiSetting
from metrics.models.reasons import LossReason
from metrics.models.reports import ReportOrder, ReportWeek
from metrics.models.restatements import ClosedFigure, ClosedMonth, LateChange, Restatement
from metrics.models.scenarios import RoiScenario
from metrics.models.segment_sizes import SegmentRange, SegmentSize
from metrics.models.targets import PerformanceTarget
from metrics.models.ticket_paths import StaleTicket, TicketPath
from metrics.models.usage import KnownFacts, PlanFeature

__all__ = [
    "Assumption",
    "BacktestRun",
    "BudgetCategory",
    "BudgetLine",
    "BudgetPart",
    "ChurnModel",
    "ChurnRisk",
    "ClosedFigure",
    "ClosedMonth",
    "Disagreement",
    "DisagreementDecision",
    "Funnel",
    "FunnelStep",
    "HealthComponent",
    "HealthModel",
    "HealthOverride",
    "HealthRun",
    "HealthScore",
    "Initiative",
    "KnownFacts",
    "KpiSetting",
    "LateChange",
    "LossReason",
    "PerformanceTarget",
    "PlanFeature",
    "Pulse",
    "ReportOrder",
    "ReportWeek",
    "Restatement",
    "RoiScenario",
    "SegmentRange",
    "SegmentSize",
    "StaleTicket",
    "TicketPath",
]
