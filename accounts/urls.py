"""Addresses of accounts: worklists, the list, the page of an account with its panels, search."""

from django.urls import path

from accounts.views import accounts, kit, panels, plan_templates, plans, renewals, rules, saved_views, search, success_plans, suppressions, touch, work, work_actions, work_ranking

app_name = "accounts"

urlpatterns = [
    # my work
    path("", work.work, name="work"),
    path("renewals/", renewals.renewals, name="renewals"),
    path("renewals/sums/", renewals.renewals_sums, name="renewals_sums"),
    path("renewals/<int:account_id>/", renewals.renewal_call, name="renewal_call"),
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
    path("accounts/filter/", saved_views.account_filter, name="account_filter"),
    path("accounts/columns/", saved_views.account_columns, name="account_columns"),
    path("accounts/views/", saved_views.view_save, name="view_save"),
    path("accounts/views/<int:view_id>/", saved_views.view_edit, name="view_edit"),
    path("accounts/<int:account_id>/", accounts.account, name="account"),
    path("accounts/<int:account_id>/timeline/", panels.timeline, name="timeline"),
    path("accounts/<int:account_id>/contacts/", panels.contacts, name="contacts"),
    path("accounts/<int:account_id>/money/", panels.money, name="money"),
    path("accounts/<int:account_id>/work/", panels.work, name="account_work"),
    path("accounts/<int:account_id>/notes/", panels.notes, name="notes"),
    # rules, wherever one is written
    path("rules/builder/", rules.rule_builder, name="rule_builder"),
    # plans: onboarding, objectives, templates
    path("plans/", plans.plans, name="plans"),
    path("plans/new/", plans.plan_new, name="plan_new"),
    path("plans/panel/<int:account_id>/", plans.panel, name="plans_panel"),
    path("plans/<int:plan_id>/", plans.plan, name="plan"),
    path("plans/<int:plan_id>/steps/<int:step_id>/<slug:do>/", plans.plan_step, name="plan_step"),
    path("plans/<int:plan_id>/stop/", plans.plan_stop, name="plan_stop"),
    path("plans/<int:plan_id>/links/", plans.plan_link, name="plan_link"),
    path("plans/<int:plan_id>/links/<int:link_id>/revoke/", plans.plan_link_revoke, name="plan_link_revoke"),
    path("plans/objectives/", success_plans.objectives, name="objectives"),
    path("plans/objectives/new/", success_plans.objective_new, name="objective_new"),
    path("plans/objectives/<int:plan_id>/", success_plans.objective, name="objective"),
    path("plans/objectives/<int:plan_id>/edit/", success_plans.objective_edit, name="objective_edit"),
    path("plans/objectives/<int:plan_id>/reviews/<int:review_id>/", success_plans.objective_review, name="objective_review"),
    path("plans/objectives/<int:plan_id>/<slug:do>/", success_plans.objective_do, name="objective_do"),
    path("plans/templates/", plan_templates.plan_templates, name="plan_templates"),
    path("plans/templates/new/", plan_templates.plan_template, name="plan_template_new"),
    path("plans/templates/<int:template_id>/", plan_templates.plan_template, name="plan_template"),
    path("plans/templates/<int:template_id>/rule/<int:milestone>/<int:step>/", plan_templates.plan_template_rule, name="plan_template_rule"),
    # addresses that get no mail
    path("suppressions/", suppressions.suppressions, name="suppressions"),
    path("suppressions/find/", suppressions.suppression_find, name="suppression_find"),
    path("suppressions/add/", suppressions.suppression_add, name="suppression_add"),
    path("suppressions/<int:pk>/lift/", suppressions.suppression_lift, name="suppression_lift"),
    # of the frame
    path("search/", search.results, name="search"),
    path("kit/", kit.kit, name="kit"),
]
