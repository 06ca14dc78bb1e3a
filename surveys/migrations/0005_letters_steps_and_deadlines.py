"""Letters for a segment are as frozen as their version, steps of programmes append-only; the deadlines every installation starts with."""

from django.db import migrations

RULES = """
CREATE FUNCTION surveys_refuse_published_letter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_text bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.text_id ELSE OLD.text_id END;
BEGIN
    IF current_setting('vefa.correction', true) = 'on'
       OR NOT EXISTS (SELECT 1 FROM surveys_surveytext t JOIN surveys_surveyversion v ON v.id = t.version_id WHERE t.id = of_text AND v.published_at IS NOT NULL) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'the texts of a published survey version are frozen: make a new version' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER segment_letter_frozen BEFORE INSERT OR UPDATE OR DELETE ON surveys_segmentletter
    FOR EACH ROW EXECUTE FUNCTION surveys_refuse_published_letter();
CREATE TRIGGER programme_step_append_only BEFORE UPDATE ON surveys_programmestep
    FOR EACH ROW EXECUTE FUNCTION vefa_refuse_change();
"""
RULES_BACK = """
DROP TRIGGER programme_step_append_only ON surveys_programmestep;
DROP TRIGGER segment_letter_frozen ON surveys_segmentletter; DROP FUNCTION surveys_refuse_published_letter();
"""
# working hours until an unhappy customer is answered; None stands for everybody without a segment
DEADLINES = {"vip": 4, "core": 9, "potential": 9, "non_core": 27, None: 18}


def add(apps, schema_editor):
    """Adds what is missing."""
    segment, deadline = apps.get_model("accounts", "Segment"), apps.get_model("surveys", "LoopDeadline")
    by_key = dict(segment.objects.filter(key__in=[key for key in DEADLINES if key]).values_list("key", "pk"))
    for key, hours in DEADLINES.items():
        if key is None or key in by_key:
            deadline.objects.get_or_create(segment_id=by_key.get(key), defaults={"working_hours": hours})


class Migration(migrations.Migration):
    """Triggers by SQL, then data."""

    dependencies = [("surveys", "0004_programmes_cases_and_looks")]
    operations = [migrations.RunSQL(RULES, RULES_BACK), migrations.RunPython(add, migrations.RunPython.noop)]
