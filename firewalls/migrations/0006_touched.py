from django.db import migrations

# Whatever the trail records may change a configuration, except what pushing itself writes down.
TOUCH = """
CREATE FUNCTION firewalls_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO firewalls_touched (kind, about) VALUES (NEW.kind, NEW.about);
    RETURN NULL;
END $$;
CREATE TRIGGER firewalls_touch AFTER INSERT ON networks_activity FOR EACH ROW
    WHEN (NEW.kind NOT IN ('push', 'revision', 'rollout', 'member', 'drift', 'project', 'token'))
    EXECUTE FUNCTION firewalls_touch();
INSERT INTO firewalls_touched (kind, about) VALUES ('everything', '{}');
"""
FORGET = "DROP TRIGGER firewalls_touch ON networks_activity; DROP FUNCTION firewalls_touch();"


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0005_rollouts'),
        ('networks', '0004_activity'),
    ]

    operations = [migrations.RunSQL(TOUCH, FORGET)]
