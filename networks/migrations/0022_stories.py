"""Each change of the audit trail belongs to a story; the first one of a story opens it."""

from django.db import migrations, models

STORY = """
-- The story that a change belongs to: that of its rollout; of a push by itself, or of what was chosen for it, that in
-- which it was asked for; otherwise what its request or run did.
CREATE FUNCTION networks_story(kind text, key text, about text[], request text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    found text := (SELECT one FROM unnest(about) AS one WHERE one LIKE 'rollout:%' LIMIT 1);
BEGIN
    IF found IS NULL AND kind IN ('push', 'choice') THEN
        SELECT 'rollout:' || push.rollout_id INTO found FROM firewalls_push push WHERE push.id = key::uuid;
        IF found IS NULL THEN
            -- Materialized, so that the index of what changes are about is read, not the trail from its beginning.
            WITH own AS MATERIALIZED (
                SELECT id, story FROM networks_activity activity WHERE activity.about @> ARRAY['push:' || networks_story.key]
            )
            SELECT own.story INTO found FROM own ORDER BY own.id LIMIT 1;
        END IF;
    END IF;
    RETURN COALESCE(found, request);
END $$;
"""
RECORD = """
-- Write down what changed between the two; nothing if nothing did. What the statement does not say of itself is said for it.
CREATE OR REPLACE FUNCTION networks_record(kind text, key text, label text, about text[], old jsonb, new jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    context jsonb;
    before jsonb := jsonb_strip_nulls(old);
    after jsonb := jsonb_strip_nulls(new);
    of_request text;
    of_story text;
BEGIN
    IF old IS NOT NULL AND new IS NOT NULL THEN
        SELECT jsonb_object_agg(field, old -> field), jsonb_object_agg(field, new -> field) INTO before, after
        FROM jsonb_object_keys(new) AS field WHERE old -> field IS DISTINCT FROM new -> field;
        IF after IS NULL THEN
            RETURN;
        END IF;
    END IF;
    context := COALESCE(networks_context(), '{}');
    IF NOT context ? 'via' THEN
        context := context || jsonb_build_object('who', session_user, 'via', 'sql');
    END IF;
    of_request := COALESCE(context ->> 'request', 'transaction-' || pg_current_xact_id());
    of_story := networks_story(kind, key, about, of_request);
    INSERT INTO networks_activity (at, who, via, request, operation, reason, verb, kind, key, label, about, before, after, story, opens) VALUES (
        clock_timestamp(), COALESCE(context ->> 'who', ''), context ->> 'via', of_request,
        COALESCE(context ->> 'operation', ''), COALESCE(context ->> 'reason', ''),
        CASE WHEN old IS NULL THEN 'created' WHEN new IS NULL THEN 'removed' ELSE 'changed' END,
        kind, key, COALESCE(label, key), array_remove(about, NULL), before, after,
        of_story, NOT EXISTS (SELECT FROM networks_activity WHERE story = of_story));
END $$;
"""
# What was recorded before: pushes know their rollouts, if there are any yet.
TELL = """
ALTER TABLE networks_activity DISABLE TRIGGER USER;
UPDATE networks_activity activity SET story = COALESCE(
    (SELECT one FROM unnest(activity.about) AS one WHERE one LIKE 'rollout:%' LIMIT 1), activity.request);
DO $$
BEGIN
    IF EXISTS (SELECT FROM information_schema.columns
               WHERE table_schema = current_schema() AND table_name = 'firewalls_push' AND column_name = 'rollout_id') THEN
        UPDATE networks_activity activity SET story = 'rollout:' || push.rollout_id FROM firewalls_push push
        WHERE activity.kind IN ('push', 'choice') AND activity.key = push.id::text AND push.rollout_id IS NOT NULL;
    END IF;
END $$;
UPDATE networks_activity activity SET story = asked.story FROM (
    SELECT DISTINCT ON (key) key, story FROM networks_activity WHERE kind = 'push' ORDER BY key, id
) asked WHERE activity.kind IN ('push', 'choice') AND activity.key = asked.key AND activity.story <> asked.story;
UPDATE networks_activity SET opens = true WHERE id IN (SELECT min(id) FROM networks_activity GROUP BY story);
ALTER TABLE networks_activity ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('networks', '0021_import_notes'),
    ]

    operations = [
        migrations.AddField(
            model_name='activity',
            name='story',
            field=models.CharField(default='', help_text='What one request, run or rollout did is one story.', max_length=80),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='activity',
            name='opens',
            field=models.BooleanField(default=False, help_text='Whether it is the first of its story.'),
            preserve_default=False,
        ),
        migrations.RunSQL(TELL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['story', 'id'], name='activity_by_story'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(condition=models.Q(('opens', True)), fields=['id'], name='activity_opens'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(condition=models.Q(('opens', True)), fields=['story'], name='activity_opens_story'),
        ),
        migrations.RunSQL(STORY, 'DROP FUNCTION networks_story(text, text, text[], text);'),
        migrations.RunSQL(RECORD, migrations.RunSQL.noop),
    ]
