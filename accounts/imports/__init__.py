"""The kinds of import of the ground: who the customers are, what they pay, what they do."""

from accounts.imports import activity, customers, money, subscriptions

KINDS = (*customers.KINDS, *subscriptions.KINDS, *money.KINDS, *activity.KINDS)
