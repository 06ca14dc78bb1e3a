"""The models of the ground, one file a noun."""

from accounts.models.customers import Account, Contact, LifecycleStage
from accounts.models.events import AccountEvent
from accounts.models.hooks import IncomingHook, OutsideObject
from accounts.models.import_runs import ImportFile, ImportProfile, ImportRun
from accounts.models.imports import ImportBatch, ImportChange
from accounts.models.keys import ApiKey, IdempotentRequest
from accounts.models.ledger import ChurnMonth, LedgerRange, MrrMonth, ServiceMonth
from accounts.models.lifecycle import StageStay, Standing
from accounts.models.mail import InboundEvent, MailBucket, OutgoingMail, SoftBounce, Suppression
from accounts.models.money import CostEntry, ExchangeRate, Subscription, SubscriptionChange, Transaction
from accounts.models.offers import AdvocateAsk, Offer, OfferMatch
from accounts.models.operations import Heartbeat, Installation
from accounts.models.people import Cover, Team, User
from accounts.models.plans import OnboardingPlan, PlanLink, PlanMilestone, PlanStep, PlanTemplate, SuccessMeasurement, SuccessPlan, SuccessReview
from accounts.models.playbooks import Playbook, PlaybookPass, PlaybookRun, PlaybookStepLog, PlaybookVersion
from accounts.models.privacy import Erasure
from accounts.models.sandboxes import Sandbox
from accounts.models.segments import Segment, SegmentMembership
from accounts.models.snapshots import AccountDirty, AccountSnapshot
from accounts.models.usage import Feature, PastPlan, UsageDay
from accounts.models.verbatims import TextClassifier, Topic, TopicTag, Verbatim
from accounts.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from accounts.models.work import Note, SavedView, WorkItem
from accounts.models.work_terms import RenewalCall, WorkAssumption, WorkBatch, WorkBatchRow

__all__ = [
    "Account", "AccountDirty", "AccountEvent", "AccountSnapshot", "AdvocateAsk", "ApiKey", "ChurnMonth", "Contact", "CostEntry", "Cover", "Erasure",
    "ExchangeRate", "Feature", "Heartbeat", "IdempotentRequest", "ImportBatch", "ImportChange", "ImportFile", "ImportProfile", "ImportRun",
    "InboundEvent", "IncomingHook", "Installation",
    "LedgerRange", "LifecycleStage", "MailBucket", "MrrMonth", "Note", "Offer", "OfferMatch", "OnboardingPlan", "OutgoingMail", "OutsideObject", "PastPlan",
    "PlanLink", "PlanMilestone", "PlanStep", "PlanTemplate", "Playbook", "PlaybookPass", "PlaybookRun", "PlaybookStepLog", "PlaybookVersion",
    "RenewalCall", "Sandbox", "SavedView", "Segment", "SegmentMembership", "ServiceMonth", "SoftBounce", "StageStay", "Standing", "Subscription",
    "SubscriptionChange", "SuccessMeasurement", "SuccessPlan", "SuccessReview", "Suppression", "Team", "TextClassifier", "Topic", "TopicTag",
    "Transaction", "UsageDay", "User", "Verbatim", "WebhookAttempt", "WebhookDelivery", "WebhookEndpoint",
    "WorkAssumption", "WorkBatch", "WorkBatchRow", "WorkItem",
]  # fmt: skip
