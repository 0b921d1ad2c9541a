"""Only what may be in the configuration of a firewall has reconcile look at firewalls.

A network is locked by whoever gives it a prefix, and by whoever comes to be in it: so of the two, the later one sees the other.
"""

from django.db import migrations

TOUCH = """
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
BEFORE = """
CREATE OR REPLACE FUNCTION firewalls_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO firewalls_touched (kind, about) VALUES (NEW.kind, NEW.about);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', "0017_what_firewalls_have"),
        ('networks', '0010_mtu_in_range'),
    ]

    operations = [migrations.RunSQL(TOUCH, BEFORE)]
