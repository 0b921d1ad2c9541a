"""What a firewall joins or leaves, and that it comes or goes, concerns the other firewalls of its primary network.

The network is noted with the change, for afterwards a firewall that has gone cannot be asked. And all are looked at once, for
what unlike ones are configured with has changed.
"""

from django.db import migrations

TOUCH = """
CREATE OR REPLACE FUNCTION firewalls_touch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about text[] := NEW.about;
BEGIN
    IF NEW.kind = 'network' AND NEW.verb = 'created' THEN
        RETURN NULL;
    END IF;
    IF NEW.kind IN ('network', 'prefix') AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN firewalls_attachment joined ON joined.network_id = substr(named, 9)
        WHERE named LIKE 'network:%'
    ) AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN machines_machine machine ON machine.primary_id = substr(named, 9)
        JOIN firewalls_firewall firewall ON firewall.machine_id = machine.id
        WHERE named LIKE 'network:%'
    ) THEN
        RETURN NULL;
    END IF;
    IF NEW.kind IN ('machine', 'address') AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN firewalls_firewall firewall ON firewall.machine_id = substr(named, 9)::uuid
        WHERE named LIKE 'machine:%'
    ) AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN firewalls_endpoint endpoint ON endpoint.machine_id = substr(named, 9)::uuid
        WHERE named LIKE 'machine:%'
    ) THEN
        RETURN NULL;
    END IF;
    IF NEW.kind IN ('attachment', 'firewall') AND NEW.verb <> 'changed' THEN
        about := about || ARRAY(
            SELECT DISTINCT 'siblings:' || machine.primary_id
            FROM unnest(NEW.about) AS named JOIN machines_machine machine ON machine.id = substr(named, 10)::uuid
            WHERE named LIKE 'firewall:%');
    END IF;
    INSERT INTO firewalls_touched (kind, about) VALUES (NEW.kind, about);
    RETURN NULL;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION firewalls_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'network' AND NEW.verb = 'created' THEN
        RETURN NULL;
    END IF;
    IF NEW.kind IN ('network', 'prefix') AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN firewalls_attachment joined ON joined.network_id = substr(named, 9)
        WHERE named LIKE 'network:%'
    ) AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN machines_machine machine ON machine.primary_id = substr(named, 9)
        JOIN firewalls_firewall firewall ON firewall.machine_id = machine.id
        WHERE named LIKE 'network:%'
    ) THEN
        RETURN NULL;
    END IF;
    IF NEW.kind IN ('machine', 'address') AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN firewalls_firewall firewall ON firewall.machine_id = substr(named, 9)::uuid
        WHERE named LIKE 'machine:%'
    ) AND NOT EXISTS (
        SELECT FROM unnest(NEW.about) AS named JOIN firewalls_endpoint endpoint ON endpoint.machine_id = substr(named, 9)::uuid
        WHERE named LIKE 'machine:%'
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO firewalls_touched (kind, about) VALUES (NEW.kind, NEW.about);
    RETURN NULL;
END $$;
"""
LOOK_AT_ALL = "INSERT INTO firewalls_touched (kind, about) VALUES ('everything', '{}');"


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0023_holds_windows_and_choices'),
    ]

    operations = [
        migrations.RunSQL(TOUCH, BEFORE),
        migrations.RunSQL(LOOK_AT_ALL, migrations.RunSQL.noop),
    ]
