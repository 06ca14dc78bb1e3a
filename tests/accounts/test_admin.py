"""Django's admin: every page answers for admins and for nobody else; append-only stays append-only; changes are told as events."""

import datetime as dt

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from accounts import models
from accounts.actions.api_keys import create_key
from accounts.actions.event_log import record_event
from accounts.actions.onboarding_plans import make_plan
from accounts.actions.plan_links import issue_link
from accounts.models import Account, AccountDirty, AccountEvent, ApiKey, Contact, OutgoingMail, Segment, SegmentMembership, Subscription, Suppression, User
from tests.accounts.plan_builders import objective
from tickets.actions import messages, tickets
from tickets.actions.attachments import keep_files
from tickets.actions.copies import add_copy
from tickets.actions.merging import link
from tickets.actions.ticket_work import make_work
from tickets.models import BusinessHours, Holiday, Interaction, ServiceLevel, Ticket, UnsortedMessage

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
pytestmark = pytest.mark.django_db

REGISTERED = sorted(model._meta.label_lower for model in admin.site._registry)
APPEND_ONLY = [
    "accounts.accountevent", "accounts.importbatch", "accounts.importchange", "accounts.outgoingmail", "accounts.heartbeat", "accounts.subscriptionchange", "accounts.ledgerrange",
    "accounts.accountsnapshot", "accounts.segmentmembership", "accounts.apikey", "tickets.ticketchange", "tickets.ticketmessage",
]  # fmt: skip


@pytest.fixture
def one_of_each(cast):
    """A row of every model of both apps."""
    record_event(account_id=cast.boga.pk, kind="note.added", occurred_at=NOW, origin="app", payload={"note": 1}, actor_id=cast.ada.pk)
    batch = models.ImportBatch.objects.create(kind="accounts", file_name="a.csv")
    models.ImportChange.objects.create(batch=batch, table="accounts_account", row_key={"id": 1}, created=True)
    models.ImportProfile.objects.create(kind="accounts", name="CRM", updated_at=NOW)
    models.ImportFile.objects.create(run=models.ImportRun.objects.create(kind="accounts", created_at=NOW), name="a.csv", size=1)
    OutgoingMail.objects.create(kind="reply", account=cast.boga, contact=cast.selin, to_address="selin@bogazici.test", next_attempt_at=NOW, status="unknown", body_text="Merhaba")
    models.Heartbeat.objects.create(part="worker", beaten_at=NOW)
    models.Installation.current()
    key, _token = create_key(user=cast.ada, scopes=["accounts:read"], now=timezone.now(), name="Zapier")
    models.IdempotentRequest.objects.create(key_owner=key, key="k", method_path="POST /x", body_sha256=b"0" * 32)
    SegmentMembership.objects.create(account=cast.boga, segment=Segment.objects.get(key="vip"), valid_from=NOW)
    models.StageStay.objects.create(account=cast.boga, stage_id="onboarding", valid_from=NOW)
    Subscription.objects.create(account=cast.boga, start=NOW, currency="EUR", amount=10)
    models.SubscriptionChange.objects.create(account=cast.boga, currency="EUR", occurred_at=NOW, delta_micros=1, balance_micros=1)
    models.LedgerRange.objects.create(zone="UTC", low=1, high=2, started_at=NOW)
    models.Transaction.objects.create(account=cast.boga, occurred_at=NOW, amount=10, currency="EUR")
    models.ExchangeRate.objects.create(currency="USD", day=NOW.date(), rate="0.9")
    models.CostEntry.objects.create(category="team", amount=1, currency="EUR", start=NOW.date())
    models.Cover.objects.create(absent=cast.elif_, substitute=cast.can, starts_at=NOW, ends_at=NOW + dt.timedelta(days=1))
    models.Feature.objects.create(key="reports")
    models.PastPlan.objects.create(account=cast.boga, plan="Pro", valid_to=NOW)
    AccountDirty.objects.get_or_create(account=cast.boga)
    Suppression.objects.create(address_hmac=b"1" * 32, reason="manual")
    models.MailBucket.objects.create(name="domain:example.com", rate_per_second=1)
    topic = models.Topic.objects.first()
    verbatim = models.Verbatim.objects.create(
        source="note", subject_id="1", account=cast.boga, occurred_at=NOW, text="Fatura", text_search="fatura", sentiment="neutral", sentiment_score=0, read_at=NOW
    )
    models.TopicTag.objects.create(topic=topic, verbatim=verbatim, by="person")
    models.TextClassifier.objects.create(language="tr", trained_at=NOW, rows=200, measured={}, weights=b"")
    models.SoftBounce.objects.create(address_hmac=b"1" * 32, occurred_at=NOW, source_ref="mail:1")
    models.InboundEvent.objects.create(source="email:brevo", external_id="1", received_at=NOW, body_sha256=b"0" * 32)
    models.IncomingHook.objects.create(name="desk", acts_for=cast.ada, secret="whsec_eA==")
    models.OutsideObject.objects.create(source="hook:desk", kind="ticket", external_id="1", told_at=NOW)
    endpoint = models.WebhookEndpoint.objects.create(url="https://8.8.8.8/", acts_for=cast.ada, secret="whsec_eA==", active=False)
    delivery = models.WebhookDelivery.objects.create(endpoint=endpoint, event=AccountEvent.objects.first(), kind="note.added")
    models.WebhookAttempt.objects.create(delivery=delivery, at=NOW, delivered=False, answer="503", milliseconds=1)
    models.Erasure.objects.create(contact_id=1, requested_at=NOW)
    playbook = models.Playbook.objects.create(key="save", name="Save a renewal")
    run = models.PlaybookRun.objects.create(playbook=playbook, account=cast.boga, started_at=NOW)
    version = models.PlaybookVersion.objects.create(playbook=playbook, number=1, steps=[])
    models.PlaybookPass.objects.create(playbook=playbook, version=version, account=cast.boga, occasion="event:1", reason="cap", at=NOW)
    models.PlaybookStepLog.objects.create(run=run, account=cast.boga, step="call", kind="work", outcome="done", begun_at=NOW, at=NOW)
    models.WorkItem.objects.create(account=cast.boga, type="risk", reason="x", due_at=NOW, playbook_run=run)
    models.SavedView.objects.create(owner=cast.elif_, page="work", name="Mine")
    models.RenewalCall.objects.create(account=cast.boga, call="renew", renews_on=NOW.date(), expected_on=NOW.date(), made_at=NOW)
    models.WorkBatchRow.objects.create(batch=models.WorkBatch.objects.create(user=cast.elif_, do="done", created_at=NOW), work_item=models.WorkItem.objects.first(), version=1)
    models.Sandbox.objects.create(state="ended", began_at=NOW, reached_at=NOW, created_at=NOW)
    models.Note.objects.create(account=cast.boga, body="Merhaba")
    plan = make_plan(account_id=cast.boga.pk, template=models.PlanTemplate.objects.get(key="onboarding"), actor=cast.ada, now=NOW)
    issue_link(plan_id=plan.pk, actor=cast.ada, now=NOW)
    goal = objective(cast.boga)
    goal.reviews.create(due_on=NOW.date())
    goal.measurements.create(day=NOW.date(), value=9)
    offer = models.Offer.objects.create(key="seats", name="More seats")
    models.OfferMatch.objects.create(offer=offer, account=cast.boga, matched_at=NOW)
    models.AdvocateAsk.objects.create(account=cast.boga, asked_at=NOW)
    ticket, _new = tickets.open_ticket(account_id=cast.boga.pk, subject="Hata", body="500", now=NOW)
    messages.reply(ticket_id=ticket.pk, body="Bakıyoruz", author=cast.deniz, now=NOW)
    other, _new = tickets.open_ticket(account_id=cast.boga.pk, subject="Başka", now=NOW)
    link(ticket_id=ticket.pk, other_id=other.pk)
    Interaction.objects.create(account=cast.boga, ticket=ticket, channel="phone", ended_at=NOW)
    add_copy(ticket_id=ticket.pk, contact_id=cast.selin.pk, now=NOW)
    make_work(ticket_id=ticket.pk, type="risk", title="Ara", due_at=NOW, actor=cast.ada, now=NOW)
    keep_files(message=ticket.messages.first(), files=[("a.txt", b"a")])
    UnsortedMessage.objects.create(source="mail:pipe", external_id="1", why="stranger", received_at=NOW)
    ServiceLevel.objects.create(severity=4, first_reply_seconds=60)
    BusinessHours.objects.create(weekday=1, opens=dt.time(9), closes=dt.time(17))
    Holiday.objects.create(day=NOW.date())
    return cast


def pages(label, kinds=("changelist", "add", "change")):
    model = apps.get_model(label)
    found = {}
    for kind in kinds:
        first = model._default_manager.order_by("pk").first()
        if kind == "change" and first is None:
            continue
        found[kind] = reverse(f"admin:{label.replace('.', '_')}_{kind}", args=[first.pk] if kind == "change" else [])
    return found


def test_every_model_of_both_apps_is_in_the_admin_but_those_with_composite_keys():
    missing = {model._meta.label_lower for name in ("accounts", "tickets") for model in apps.get_app_config(name).get_models()} - set(REGISTERED)
    assert missing == {"accounts.usageday", "accounts.mrrmonth", "accounts.servicemonth", "accounts.churnmonth"}


@pytest.mark.parametrize("label", REGISTERED)
def test_an_admin_opens_every_page(client, one_of_each, label):
    client.force_login(one_of_each.ada)
    addable = admin.site._registry[apps.get_model(label)]
    for kind, address in pages(label).items():
        response = client.get(address)
        allowed = kind != "add" or addable.has_add_permission(response.wsgi_request)
        assert response.status_code == (200 if allowed else 403), address
        assert " style=" not in response.content.decode() or label.startswith(("metrics.", "surveys."))
    assert client.get(pages(label)["changelist"], {"q": "boga"}).status_code in {200, 302}


@pytest.mark.parametrize("label", [label for label in REGISTERED if label.startswith(("accounts.", "tickets."))])
def test_every_model_of_both_apps_has_a_row_to_look_at(one_of_each, label):
    assert "change" in pages(label)


@pytest.mark.parametrize("label", REGISTERED)
def test_nobody_else_gets_in(client, one_of_each, label):
    for who in (None, one_of_each.mert, one_of_each.elif_, one_of_each.deniz, one_of_each.ana, one_of_each.vera):
        client.logout()
        if who:
            client.force_login(who)
        for address in pages(label).values():
            assert client.get(address).status_code == 302, (who, address)


@pytest.mark.parametrize("label", APPEND_ONLY)
def test_what_is_append_only_can_neither_be_added_changed_nor_deleted(client, one_of_each, label):
    client.force_login(one_of_each.ada)
    model, name = apps.get_model(label), label.replace(".", "_")
    was = list(model._default_manager.order_by("pk").values())
    first = model._default_manager.order_by("pk").first().pk
    for address in (reverse(f"admin:{name}_add"), reverse(f"admin:{name}_change", args=[first]), reverse(f"admin:{name}_delete", args=[first])):
        assert client.post(address, {"post": "yes"}).status_code == 403, address
    client.post(reverse(f"admin:{name}_changelist"), {"action": "delete_selected", "_selected_action": [first], "post": "yes"})
    assert list(model._default_manager.order_by("pk").values()) == was


def form_of(client, address):
    """What the browser would send back of a form that nobody touched."""
    response = client.get(address)
    data = {}
    for bound in response.context["adminform"].form:
        for widget in [bound]:
            value = widget.value()
            widget_type = widget.field.widget
            if hasattr(widget_type, "decompress"):
                parts = widget_type.decompress(value)
                data |= {f"{widget.html_name}_{index}": part for index, part in enumerate(parts) if part is not None}
            elif value is True:
                data[widget.html_name] = "on"
            elif value not in (None, False):
                data[widget.html_name] = value
    for inline in response.context["inline_admin_formsets"]:
        data |= {f"{inline.formset.prefix}-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return {name: ",".join(value) if isinstance(value, list) else value for name, value in data.items()}


def test_another_owner_and_stage_are_told_as_events(client, cast):
    client.force_login(cast.ada)
    address = reverse("admin:accounts_account_change", args=[cast.boga.pk])
    response = client.post(address, {**form_of(client, address), "owner": cast.can.pk, "lifecycle_stage": "renewal"})
    assert response.status_code == 302, response.context["adminform"].form.errors
    cast.boga.refresh_from_db()
    assert (cast.boga.owner, cast.boga.lifecycle_stage_id, cast.boga.version) == (cast.can, "renewal", 2)
    told = {event.kind: (event.payload, event.actor) for event in AccountEvent.objects.filter(account=cast.boga)}
    assert told["owner.changed"] == ({"owner": cast.can.pk, "owner_before": cast.elif_.pk}, cast.ada)
    assert told["stage.changed"][0]["stage"] == "renewal"
    assert client.post(address, form_of(client, address)).status_code == 302
    assert AccountEvent.objects.filter(account=cast.boga).count() == 2


def test_an_account_made_here_is_told_as_created(client, cast):
    client.force_login(cast.ada)
    address = reverse("admin:accounts_account_add")
    response = client.post(address, {**form_of(client, address), "name": "Ege Soğuk Zincir", "external_id": "ege", "owner": cast.elif_.pk})
    assert response.status_code == 302, response.context["adminform"].form.errors
    made = Account.objects.get(external_id="ege")
    assert made.owner == cast.elif_
    assert AccountEvent.objects.filter(account=made, kind="account.created").count() == 1


def test_a_refusal_of_surveys_is_only_lifted_by_a_newer_consent(client, cast):
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True, opted_out_at=timezone.now())
    client.force_login(cast.ada)
    address = reverse("admin:accounts_contact_change", args=[cast.selin.pk])
    data = form_of(client, address)
    data.pop("opted_out")
    response = client.post(address, data)
    assert response.status_code == 200
    assert "opted_out" in response.context["adminform"].form.errors
    cast.selin.refresh_from_db()
    assert cast.selin.opted_out is True


def test_a_segment_set_by_hand_is_kept_with_its_reason(client, cast):
    vip = Segment.objects.get(key="vip")
    client.force_login(cast.ada)
    address = reverse("admin:accounts_account_changelist")
    chosen = {"action": "set_segment", "_selected_action": [cast.boga.pk], "segment": vip.pk, "note": "Board wish"}
    assert client.post(address, chosen).status_code == 302
    cast.boga.refresh_from_db()
    assert cast.boga.segment == vip
    row = SegmentMembership.objects.get()
    assert (row.is_override, row.note, row.set_by, row.reason) == (True, "Board wish", cast.ada, "override")
    assert AccountEvent.objects.filter(kind="segment.changed").count() == 1
    client.post(address, {**chosen, "until": "2020-01-01"})
    assert SegmentMembership.objects.count() == 1


def test_a_key_is_revoked_and_never_shown(client, one_of_each):
    key = ApiKey.objects.get()
    client.force_login(one_of_each.ada)
    shown = client.get(reverse("admin:accounts_apikey_change", args=[key.pk])).content.decode()
    assert key.prefix in shown
    assert "digest" not in shown
    client.post(reverse("admin:accounts_apikey_changelist"), {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_person_sends_again_what_is_uncertain_but_never_a_survey(client, one_of_each):
    survey = OutgoingMail.objects.create(kind="survey", subject_type="invitation", subject_id="1", to_address="x@y.test", next_attempt_at=NOW, status="unknown")
    client.force_login(one_of_each.ada)
    mails = [str(pk) for pk in OutgoingMail.objects.values_list("pk", flat=True)]
    client.post(reverse("admin:accounts_outgoingmail_changelist"), {"action": "order_again", "_selected_action": mails})
    assert OutgoingMail.objects.get(kind="reply", status="queued").attempt == 0
    survey.refresh_from_db()
    assert survey.status == "unknown"


def test_suppressed_addresses_are_only_looked_at_here(client, cast):
    client.force_login(cast.ada)
    row = Suppression.objects.create(address_hmac=b"1" * 32, reason="manual")
    assert client.get(reverse("admin:accounts_suppression_changelist")).status_code == 200
    assert client.get(reverse("admin:accounts_suppression_add")).status_code == 403
    assert client.post(reverse("admin:accounts_suppression_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert Suppression.objects.count() == 1


def test_a_new_person_logs_in_with_the_password_or_with_none(client, cast):
    client.force_login(cast.ada)
    address = reverse("admin:accounts_user_add")
    common = {"name": "New", "role": "csm", "team": cast.aegean.pk}
    secret = "a very long secret 42"
    response = client.post(address, {**common, "email": "NEW@vefa.test", "usable_password": "true", "password1": secret, "password2": secret})
    assert response.status_code == 302, response.context["adminform"].form.errors
    client.post(address, {**common, "email": "sso@vefa.test", "usable_password": "false"})
    assert User.objects.get(email="new@vefa.test").check_password(secret)
    assert not User.objects.get(email="sso@vefa.test").has_usable_password()


def test_a_password_is_set_by_its_form_and_a_weak_one_refused(client, cast):
    client.force_login(cast.ada)
    address = reverse("admin:auth_user_password_change", args=[cast.can.pk])
    assert client.post(address, {"usable_password": "true", "password1": "12345", "password2": "12345"}).status_code == 200
    assert User.objects.get(pk=cast.can.pk).check_password("correct horse battery")
    client.post(address, {"usable_password": "true", "password1": "another good one", "password2": "another good one"})
    assert User.objects.get(pk=cast.can.pk).check_password("another good one")


def test_the_last_admin_stays(client, cast):
    client.force_login(cast.ada)
    address = reverse("admin:accounts_user_change", args=[cast.ada.pk])
    assert client.post(address, {**form_of(client, address), "role": "viewer"}).status_code == 200
    cast.ada.refresh_from_db()
    assert cast.ada.role == "admin"
    assert client.post(reverse("admin:accounts_user_delete", args=[cast.can.pk]), {"post": "yes"}).status_code == 403


def test_changed_promises_are_worked_out_anew(client, cast):
    ticket, _new = tickets.open_ticket(account_id=cast.boga.pk, severity=4, now=NOW)
    client.force_login(cast.ada)
    client.post(reverse("admin:tickets_servicelevel_add"), {"severity": 4, "first_reply_seconds": 60, "clock": "calendar"})
    assert ServiceLevel.objects.get().severity == 4
    assert Ticket.objects.get(pk=ticket.pk).clocks_set_at is None


def test_lists_take_the_same_queries_however_long_they_are(client, cast, django_assert_max_num_queries):
    for number in range(30):
        record_event(account_id=cast.boga.pk, kind="note.added", occurred_at=NOW, origin="app", payload={"note": number}, actor_id=cast.ada.pk)
        tickets.open_ticket(account_id=cast.boga.pk, subject=str(number), assignee=cast.deniz, now=NOW)
    client.force_login(cast.ada)
    for name in ("accounts_accountevent", "tickets_ticket", "tickets_ticketchange", "accounts_contact"):
        with django_assert_max_num_queries(9):
            assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200
