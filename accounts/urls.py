"""Addresses of accounts: worklists, the list, the page of an account with its panels, search."""

from django.urls import path

from accounts.views import accounts, kit, panels, search

app_name = "accounts"

urlpatterns = [
    # the list and the page of one account
    path("accounts/", accounts.account_list, name="list"),
    path("accounts/export.csv", accounts.export, name="export"),
    path("accounts/<int:account_id>/", accounts.account, name="account"),
    path("accounts/<int:account_id>/timeline/", panels.timeline, name="timeline"),
    path("accounts/<int:account_id>/contacts/", panels.contacts, name="contacts"),
    path("accounts/<int:account_id>/money/", panels.money, name="money"),
    path("accounts/<int:account_id>/work/", panels.work, name="account_work"),
    path("accounts/<int:account_id>/notes/", panels.notes, name="notes"),
    # of the frame
    path("search/", search.results, name="search"),
    path("kit/", kit.kit, name="kit"),
]
