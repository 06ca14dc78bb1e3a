"""Addresses of accounts: worklists, the list, the page of an account with its panels, search."""

from django.urls import path

from accounts.views import accounts, kit, panels, rules, search, suppressions, touch, work, work_actions, work_ranking

app_name = "accounts"

urlpatterns = [
    # my work
    path("", work.work, name="work"),
    path("work/load/", work.work_load, name="work_load"),
    path("work/new/", touch.work_new, name="work_new"),
    path("work/new/accounts/", touch.work_accounts, name="work_accounts"),
    path("work/bulk/", work_actions.work_bulk, name="work_bulk"),
    path("work/compare/", work_ranking.work_compare, name="work_compare"),
    path("work/ranking/", work_ranking.work_ranking, name="work_ranking"),
    path("work/undo/<str:token>/", work_actions.work_undo, name="work_undo"),
    path("work/<int:item_id>/", work_actions.work_item, name="work_item"),
    path("work/<int:item_id>/reopen/", work_actions.work_reopen, name="work_reopen"),
    path("work/<int:item_id>/<slug:do>/", work_actions.work_do, name="work_do"),
    path("touch/", touch.touch, name="touch"),
    # the list and the page of one account
    path("accounts/", accounts.account_list, name="list"),
    path("accounts/export.csv", accounts.export, name="export"),
    path("accounts/<int:account_id>/", accounts.account, name="account"),
    path("accounts/<int:account_id>/timeline/", panels.timeline, name="timeline"),
    path("accounts/<int:account_id>/contacts/", panels.contacts, name="contacts"),
    path("accounts/<int:account_id>/money/", panels.money, name="money"),
    path("accounts/<int:account_id>/work/", panels.work, name="account_work"),
    path("accounts/<int:account_id>/notes/", panels.notes, name="notes"),
    # rules, wherever one is written
    path("rules/builder/", rules.rule_builder, name="rule_builder"),
    # addresses that get no mail
    path("suppressions/", suppressions.suppressions, name="suppressions"),
    path("suppressions/find/", suppressions.suppression_find, name="suppression_find"),
    path("suppressions/add/", suppressions.suppression_add, name="suppression_add"),
    path("suppressions/<int:pk>/lift/", suppressions.suppression_lift, name="suppression_lift"),
    # of the frame
    path("search/", search.results, name="search"),
    path("kit/", kit.kit, name="kit"),
]
