"""The path of each ticket, kept for the figures of support, and the marks of tickets that were touched since."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# Whatever a path is made from marks its ticket. One row a touch and no key to wait for: writers never meet here, and the
# sweep takes away what it saw. A ticket that is merged or parted again marks the one it led to as well; further ones are
# found along the chain.
MARKS = """
CREATE FUNCTION vefa_stale_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_staleticket (ticket_id) VALUES (NEW.id);
    IF OLD.merged_into_id IS DISTINCT FROM NEW.merged_into_id AND OLD.merged_into_id IS NOT NULL THEN
        INSERT INTO metrics_staleticket (ticket_id) VALUES (OLD.merged_into_id);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION vefa_stale_tickets_come() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_staleticket (ticket_id) SELECT id FROM come;
    RETURN NULL;
END $$;
CREATE FUNCTION vefa_stale_tickets_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO metrics_staleticket (ticket_id) SELECT id FROM gone UNION SELECT merged_into_id FROM gone WHERE merged_into_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER stale_update AFTER UPDATE ON tickets_ticket FOR EACH ROW
    WHEN ((OLD.opened_at, OLD.first_replied_at, OLD.solved_at, OLD.closed_at, OLD.reopened_at, OLD.status, OLD.created_by_kind, OLD.merged_into_id, OLD.spam, OLD.test, OLD.deleted_at)
        IS DISTINCT FROM
        (NEW.opened_at, NEW.first_replied_at, NEW.solved_at, NEW.closed_at, NEW.reopened_at, NEW.status, NEW.created_by_kind, NEW.merged_into_id, NEW.spam, NEW.test, NEW.deleted_at))
    EXECUTE FUNCTION vefa_stale_ticket();
CREATE TRIGGER stale_insert AFTER INSERT ON tickets_ticket REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_tickets_come();
CREATE TRIGGER stale_delete AFTER DELETE ON tickets_ticket REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_tickets_gone();

CREATE FUNCTION vefa_stale_logs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO metrics_staleticket (ticket_id)
        SELECT DISTINCT ticket_id FROM gone WHERE kind IN ('status', 'public_reply', 'customer_reply', 'assigned', 'severity', 'category');
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO metrics_staleticket (ticket_id)
        SELECT DISTINCT ticket_id FROM come WHERE kind IN ('status', 'public_reply', 'customer_reply', 'assigned', 'severity', 'category');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stale_insert AFTER INSERT ON tickets_ticketchange REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_logs();
CREATE TRIGGER stale_update AFTER UPDATE ON tickets_ticketchange REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_logs();
CREATE TRIGGER stale_delete AFTER DELETE ON tickets_ticketchange REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_logs();

CREATE FUNCTION vefa_stale_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO metrics_staleticket (ticket_id) SELECT DISTINCT ticket_id FROM gone WHERE ticket_id IS NOT NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO metrics_staleticket (ticket_id) SELECT DISTINCT ticket_id FROM come WHERE ticket_id IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stale_insert AFTER INSERT ON tickets_interaction REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_contacts();
CREATE TRIGGER stale_update AFTER UPDATE ON tickets_interaction REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_contacts();
CREATE TRIGGER stale_delete AFTER DELETE ON tickets_interaction REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION vefa_stale_contacts();

-- the sweep works out what is there already; until then figures read the log
INSERT INTO metrics_staleticket (ticket_id) SELECT id FROM tickets_ticket;
"""
MARKS_BACK = (
    "".join(
        f"DROP TRIGGER stale_{operation} ON {table}; "
        for table in ("tickets_ticket", "tickets_ticketchange", "tickets_interaction")
        for operation in ("insert", "update", "delete")
    )
    + "DROP FUNCTION vefa_stale_ticket(); DROP FUNCTION vefa_stale_tickets_come(); DROP FUNCTION vefa_stale_tickets_gone(); DROP FUNCTION vefa_stale_logs(); DROP FUNCTION vefa_stale_contacts();"
)


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0015_segment_sizes"),
        ("tickets", "0007_shipped_replies"),
    ]

    operations = [
        migrations.CreateModel(
            name="StaleTicket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "ticket",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="tickets.ticket", verbose_name="ticket"
                    ),
                ),
            ],
            options={
                "verbose_name": "ticket to look at again",
                "verbose_name_plural": "tickets to look at again",
            },
        ),
        migrations.CreateModel(
            name="TicketPath",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="path",
                        serialize=False,
                        to="tickets.ticket",
                        verbose_name="ticket",
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("replied_at", models.DateTimeField(null=True)),
                ("replied_by", models.BigIntegerField(null=True)),
                ("reply_logged", models.BooleanField()),
                ("reply_in_columns", models.DateTimeField(null=True)),
                ("moves_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ("states", models.TextField()),
                ("last_moved_at", models.DateTimeField()),
                ("is_open", models.BooleanField()),
                ("resolved_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ("resolved_known", django.contrib.postgres.fields.ArrayField(base_field=models.BooleanField(), size=None)),
                ("left_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ("replies_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ("customer_replies_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ("calls_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ("assigned_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), null=True, size=None)),
                ("assigned_values", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
                ("severity_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), null=True, size=None)),
                ("severity_values", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
                ("category_at", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), null=True, size=None)),
                ("category_values", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
            ],
            options={
                "verbose_name": "path of a ticket",
                "verbose_name_plural": "paths of tickets",
                "indexes": [
                    models.Index(fields=["opened_at"], name="path_by_opening"),
                    models.Index(fields=["replied_at"], name="path_by_reply"),
                    models.Index(fields=["last_moved_at"], name="path_by_last_move"),
                    models.Index(condition=models.Q(("is_open", True)), fields=["ticket"], name="path_open"),
                ],
            },
        ),
        migrations.RunSQL(MARKS, MARKS_BACK),
    ]
