"""Addresses of the ground's endpoints, below `/api/v1/`."""

from django.urls import path

from accounts.api.customers import AccountByExternalId, AccountDetail, AccountList, ContactByExternalId, ContactDetail, ContactList, Timeline
from accounts.api.intake import Events, Usage
from accounts.api.money import SubscriptionByExternalId, SubscriptionDetail, SubscriptionList, TransactionDetail, TransactionList
from accounts.api.webhooks import DeliveryDetail, DeliveryList, DeliveryReplay, WebhookDetail, WebhookList, WebhookReplay, WebhookRotate, WebhookTest
from accounts.api.work import NoteDetail, NoteList, WorkItemDetail, WorkItemList

urlpatterns = [
    path("accounts/", AccountList.as_view(), name="api-accounts"),
    path("accounts/by-external-id/<path:external_id>/", AccountByExternalId.as_view(), name="api-account-by-external-id"),
    path("accounts/<int:pk>/", AccountDetail.as_view(), name="api-account"),
    path("accounts/<int:pk>/timeline/", Timeline.as_view(), name="api-timeline"),
    path("contacts/", ContactList.as_view(), name="api-contacts"),
    path("contacts/by-external-id/<path:external_id>/", ContactByExternalId.as_view(), name="api-contact-by-external-id"),
    path("contacts/<int:pk>/", ContactDetail.as_view(), name="api-contact"),
    path("subscriptions/", SubscriptionList.as_view(), name="api-subscriptions"),
    path("subscriptions/by-external-id/<path:external_id>/", SubscriptionByExternalId.as_view(), name="api-subscription-by-external-id"),
    path("subscriptions/<int:pk>/", SubscriptionDetail.as_view(), name="api-subscription"),
    path("transactions/", TransactionList.as_view(), name="api-transactions"),
    path("transactions/<int:pk>/", TransactionDetail.as_view(), name="api-transaction"),
    path("work-items/", WorkItemList.as_view(), name="api-work-items"),
    path("work-items/<int:pk>/", WorkItemDetail.as_view(), name="api-work-item"),
    path("notes/", NoteList.as_view(), name="api-notes"),
    path("notes/<int:pk>/", NoteDetail.as_view(), name="api-note"),
    path("events/", Events.as_view(), name="api-events"),
    path("usage/", Usage.as_view(), name="api-usage"),
    path("webhooks/", WebhookList.as_view(), name="api-webhooks"),
    path("webhooks/<int:pk>/", WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<int:pk>/rotate/", WebhookRotate.as_view(), name="api-webhook-rotate"),
    path("webhooks/<int:pk>/test/", WebhookTest.as_view(), name="api-webhook-test"),
    path("webhooks/<int:pk>/replay/", WebhookReplay.as_view(), name="api-webhook-replay"),
    path("webhooks/<int:pk>/deliveries/", DeliveryList.as_view(), name="api-webhook-deliveries"),
    path("webhooks/<int:pk>/deliveries/<int:delivery>/", DeliveryDetail.as_view(), name="api-webhook-delivery"),
    path("webhooks/<int:pk>/deliveries/<int:delivery>/replay/", DeliveryReplay.as_view(), name="api-webhook-delivery-replay"),
]
