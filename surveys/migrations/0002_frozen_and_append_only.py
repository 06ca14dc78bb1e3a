"""Published versions are frozen and submissions append-only, in the database itself; what an invitation is about."""

from django.db import migrations, models

RULES = """
CREATE FUNCTION surveys_refuse_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('vefa.correction', true) = 'on' OR OLD.published_at IS NULL THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'a published survey version is frozen: make a new version' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER survey_version_frozen BEFORE UPDATE OR DELETE ON surveys_surveyversion
    FOR EACH ROW EXECUTE FUNCTION surveys_refuse_published();

-- the words of a published version are as frozen as its scale
CREATE FUNCTION surveys_refuse_published_text() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_version bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.version_id ELSE OLD.version_id END;
BEGIN
    IF current_setting('vefa.correction', true) = 'on'
       OR NOT EXISTS (SELECT 1 FROM surveys_surveyversion WHERE id = of_version AND published_at IS NOT NULL) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'the texts of a published survey version are frozen: make a new version' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER survey_text_frozen BEFORE INSERT OR UPDATE OR DELETE ON surveys_surveytext
    FOR EACH ROW EXECUTE FUNCTION surveys_refuse_published_text();

CREATE TRIGGER submission_append_only BEFORE UPDATE OR DELETE ON surveys_responserevision
    FOR EACH ROW EXECUTE FUNCTION vefa_refuse_change();
"""
RULES_BACK = """
DROP TRIGGER submission_append_only ON surveys_responserevision;
DROP TRIGGER survey_text_frozen ON surveys_surveytext; DROP FUNCTION surveys_refuse_published_text();
DROP TRIGGER survey_version_frozen ON surveys_surveyversion; DROP FUNCTION surveys_refuse_published();
"""


class Migration(migrations.Migration):
    """Columns, indexes, then triggers by SQL."""

    dependencies = [("accounts", "0003_shipped_rows"), ("surveys", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="rated_object",
            field=models.CharField(blank=True, default="", help_text="What is asked about, as its own system names it.", max_length=200, verbose_name="rated object"),
        ),
        migrations.AddField(model_name="responserevision", name="call_me", field=models.BooleanField(default=False)),
        migrations.AddField(model_name="responserevision", name="reason_detail", field=models.CharField(blank=True, default="", max_length=500)),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(fields=["touchpoint", "-decided_at"], include=("status", "skip_reason", "sent_at", "bounced_at", "answered_at"), name="invitation_by_touchpoint"),
        ),
        migrations.AddIndex(model_name="invitation", index=models.Index(fields=["-decided_at", "-id"], name="invitation_ledger")),
        migrations.AddIndex(model_name="response", index=models.Index(fields=["survey", "-answered_at", "-id"], name="answer_by_survey")),
        migrations.RunSQL(RULES, RULES_BACK),
    ]
