"""The path of a ticket holds what figures ask of the ticket itself, so that none is looked up; whatever of it changes marks the ticket."""

from django.db import migrations, models

_TERMS = (
    "opened_at", "first_replied_at", "solved_at", "closed_at", "reopened_at", "status", "created_by_kind", "merged_into_id", "spam", "test", "deleted_at",
)  # fmt: skip
_FACTS = ("account_id", "channel", "severity", "category", '"group"', "location", "assignee_id", "assignee_email", "first_level_solvable", "replies")


def _marks(names):
    old, new = (", ".join(f"{row}.{name}" for name in names) for row in ("OLD", "NEW"))
    return (
        "DROP TRIGGER stale_update ON tickets_ticket; CREATE TRIGGER stale_update AFTER UPDATE ON tickets_ticket FOR EACH ROW "
        f"WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION vefa_stale_ticket();"
    )


def _field(name, field):
    return migrations.AddField(model_name="ticketpath", name=name, field=field, preserve_default=False)


class Migration(migrations.Migration):
    """Paths that were kept are worked out again."""

    dependencies = [("metrics", "0016_ticket_paths")]
    operations = [
        migrations.RunSQL("DELETE FROM metrics_ticketpath; INSERT INTO metrics_staleticket (ticket_id) SELECT id FROM tickets_ticket;", migrations.RunSQL.noop),
        _field("account_id", models.BigIntegerField(default=0)),
        _field("channel", models.TextField(default="")),
        _field("severity", models.SmallIntegerField(null=True)),
        _field("category", models.TextField(default="")),
        _field("group", models.TextField(default="")),
        _field("location", models.TextField(default="")),
        _field("status", models.TextField(default="")),
        _field("created_by_kind", models.TextField(default="")),
        _field("assignee_id", models.BigIntegerField(null=True)),
        _field("assignee_email", models.TextField(default="")),
        _field("first_level_solvable", models.BooleanField(default=True)),
        _field("replies", models.IntegerField(default=0)),
        _field("solved_at", models.DateTimeField(null=True)),
        _field("closed_at", models.DateTimeField(null=True)),
        migrations.RunSQL(_marks(_TERMS + _FACTS), _marks(_TERMS)),
    ]
