"""The next free VRF id, AS number and id are found at once, however many are taken.

Every number of a pool below its mark is taken, or noted as vacated: whoever removes the row of a number notes it in the same
transaction, and whoever takes it strikes it out. So the lowest free one is among these, or the first from the mark on. Whoever
finds many taken from there on raises the mark, unless somebody else does just then; nobody ever waits for it.

These are no models: nobody edits them, and a fixture does not carry them.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

TABLES = """
CREATE TABLE networks_numbers (pool text PRIMARY KEY, first bigint NOT NULL, low bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE networks_vacated (pool text NOT NULL, number bigint NOT NULL, PRIMARY KEY (pool, number));
INSERT INTO networks_numbers VALUES ('vrf', 1, 1), ('asn', 4210000001, 4210000001);
"""

FUNCTIONS = """
-- Whether nobody has the number, and no firewall may still have it.
CREATE FUNCTION networks_is_free(pool text, wanted bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF pool = 'vrf' THEN
        RETURN NOT EXISTS (SELECT FROM networks_network WHERE vrf = wanted)
            AND NOT EXISTS (SELECT FROM networks_carried WHERE vrf = wanted);
    END IF;
    RETURN NOT EXISTS (SELECT FROM machines_machine WHERE asn = wanted)
        AND NOT EXISTS (SELECT FROM networks_carried WHERE asn = wanted);
END $$;

-- Keep others from picking the number until this transaction ends; false if it is taken, or somebody else is about to take it.
CREATE FUNCTION networks_reserve(pool text, wanted bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_try_advisory_xact_lock(hashtext('networks_vacated ' || pool), (wanted & 2147483647)::integer)
        -- Somebody may have taken it, and released the lock, after it seemed free.
        AND networks_is_free(pool, wanted);
END $$;

-- The lowest free number from one to another, reserved; null if there is none. The index alone is to be used, however small a
-- table was when this was planned.
CREATE FUNCTION networks_next_number(wanted text, lowest bigint, highest bigint) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    mark bigint;
    candidate bigint;
    passed bigint;
    is_awaited boolean := false;
BEGIN
    SELECT low INTO mark FROM networks_numbers WHERE pool = wanted;
    FOR candidate IN SELECT number FROM networks_vacated
        WHERE pool = wanted AND number BETWEEN lowest AND LEAST(highest, mark - 1) ORDER BY number
    LOOP
        IF networks_is_free(wanted, candidate) AND networks_reserve(wanted, candidate) THEN
            RETURN candidate;
        END IF;
    END LOOP;
    passed := mark;
    candidate := GREATEST(lowest, mark);
    WHILE candidate <= highest LOOP
        IF NOT networks_is_free(wanted, candidate) THEN
            IF passed = candidate THEN passed := candidate + 1; END IF;
        ELSIF networks_reserve(wanted, candidate) THEN
            EXIT;
        END IF;
        candidate := candidate + 1;
    END LOOP;
    IF passed >= mark + 8 THEN
        UPDATE networks_numbers SET low = passed
            FROM (SELECT pool FROM networks_numbers WHERE pool = wanted FOR NO KEY UPDATE SKIP LOCKED) AS unlocked
            WHERE networks_numbers.pool = unlocked.pool AND low < passed;
    END IF;
    RETURN CASE WHEN candidate <= highest THEN candidate END;
END $$;

CREATE FUNCTION networks_id_is_taken(kind text, wanted text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE kind
        WHEN 'network' THEN EXISTS (SELECT FROM networks_network WHERE id = wanted)
        WHEN 'partition' THEN EXISTS (SELECT FROM networks_partition WHERE id = wanted)
        WHEN 'project' THEN EXISTS (SELECT FROM networks_project WHERE id = wanted)
    END;
END $$;

CREATE FUNCTION networks_spell(base text, number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN number = 1 THEN base ELSE base || '-' || number END
$$;

-- A free id like `base`, or `base-2` and so on, which nobody else is about to take: the one itself if it is free; else the one
-- behind one that is taken, found in steps that double and then halve, so in 26 looks where 5,000 are taken.
CREATE FUNCTION networks_free_id(kind text, base text) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    low bigint := 0;
    high bigint := 1;
    middle bigint;
BEGIN
    WHILE networks_id_is_taken(kind, networks_spell(base, high)) LOOP
        low := high;
        high := high * 2;
    END LOOP;
    WHILE high - low > 1 LOOP
        middle := (low + high) / 2;
        IF networks_id_is_taken(kind, networks_spell(base, middle)) THEN low := middle; ELSE high := middle; END IF;
    END LOOP;
    WHILE NOT pg_try_advisory_xact_lock(hashtext('networks_' || kind), hashtext(networks_spell(base, high)))
        OR networks_id_is_taken(kind, networks_spell(base, high))
    LOOP
        high := high + 1;
    END LOOP;
    RETURN networks_spell(base, high);
END $$;

-- Begin anew: what firewalls may still have, though nobody has it any more, counts as vacated.
CREATE FUNCTION networks_recount() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE networks_numbers SET low = first WHERE low <> first;
    DELETE FROM networks_vacated;
    INSERT INTO networks_vacated SELECT DISTINCT 'vrf', vrf FROM networks_carried carried
        WHERE vrf IS NOT NULL AND NOT EXISTS (SELECT FROM networks_network WHERE vrf = carried.vrf);
    INSERT INTO networks_vacated SELECT DISTINCT 'asn', asn FROM networks_carried carried
        WHERE asn IS NOT NULL AND NOT EXISTS (SELECT FROM machines_machine WHERE asn = carried.asn);
END $$;
"""

# All blocks at once, instead of the whole of which two addresses are taken: 14 rows instead of 16 that stay and 2 that go for a /24.
OPEN = """
-- A new prefix: all of it is free, but for the addresses no host may have (RFC 3021, RFC 4291, RFC 6164).
CREATE OR REPLACE FUNCTION networks_open(pool bigint, space cidr, hosts boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    longest integer := CASE family(space) WHEN 4 THEN 32 ELSE 128 END;
    above integer := masklen(space);
BEGIN
    IF NOT hosts OR longest - above < 2 THEN
        INSERT INTO networks_free VALUES (pool, space);
    ELSIF family(space) = 6 THEN
        INSERT INTO networks_free SELECT pool, networks_buddy(network(set_masklen(host(space)::inet, length)))
            FROM generate_series(above + 1, longest) AS length;
    ELSE
        -- What is left of each half, from both ends.
        INSERT INTO networks_free SELECT pool, networks_buddy(network(set_masklen(outermost, length)))
            FROM generate_series(above + 2, longest) AS length,
            unnest(ARRAY[host(space)::inet, host(broadcast(space))::inet]) AS outermost;
    END IF;
END $$;
"""
OPEN_BEFORE = """
CREATE OR REPLACE FUNCTION networks_open(pool bigint, space cidr, hosts boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    longest integer := CASE family(space) WHEN 4 THEN 32 ELSE 128 END;
BEGIN
    INSERT INTO networks_free VALUES (pool, space);
    IF hosts AND longest - masklen(space) > 1 THEN
        PERFORM networks_take(pool, host(space)::cidr);
        IF family(space) = 4 THEN
            PERFORM networks_take(pool, host(broadcast(space))::cidr);
        END IF;
    END IF;
END $$;
"""

REVERSE = """
DROP FUNCTION networks_recount();
DROP FUNCTION networks_free_id(text, text);
DROP FUNCTION networks_spell(text, bigint);
DROP FUNCTION networks_id_is_taken(text, text);
DROP FUNCTION networks_next_number(text, bigint, bigint);
DROP FUNCTION networks_reserve(text, bigint);
DROP FUNCTION networks_is_free(text, bigint);
DROP TABLE networks_vacated;
DROP TABLE networks_numbers;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('networks', '0012_carried'),
    ]

    operations = [
        migrations.RunSQL(TABLES + FUNCTIONS, REVERSE),
        migrations.RunSQL(OPEN, OPEN_BEFORE),
        pgtrigger.migrations.AddTrigger(
            model_name='carried',
            trigger=pgtrigger.compiler.Trigger(name='vacates_its_vrf', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."left_at" IS NOT NULL AND NEW."vrf" IS NOT NULL)', func="\nINSERT INTO networks_vacated VALUES ('vrf', NEW.vrf) ON CONFLICT DO NOTHING;\nRETURN NULL;\n", hash='13544a304cb8be9eabf83da50f8157c35e497d99', operation='INSERT', pgid='pgtrigger_vacates_its_vrf_b984a', table='networks_carried', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='carried',
            trigger=pgtrigger.compiler.Trigger(name='vacates_its_asn', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."asn" IS NOT NULL AND NEW."left_at" IS NOT NULL)', func="\nINSERT INTO networks_vacated VALUES ('asn', NEW.asn) ON CONFLICT DO NOTHING;\nRETURN NULL;\n", hash='f427bd9979ef06bb1bd7d13eaf72da9c86b39178', operation='INSERT', pgid='pgtrigger_vacates_its_asn_7c974', table='networks_carried', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='carried',
            trigger=pgtrigger.compiler.Trigger(name='numbers_after_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func='PERFORM networks_recount(); RETURN NULL;', hash='b760e2e5922c8e08e7a9688531d68a4396650a27', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_numbers_after_truncate_d13b7', table='networks_carried', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='network',
            trigger=pgtrigger.compiler.Trigger(name='takes_its_vrf', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nDELETE FROM networks_vacated WHERE pool = 'vrf' AND number = NEW.vrf;\nRETURN NULL;\n", hash='637f50b111b94328169cb1fdaea93ba95df3f6a6', operation='INSERT', pgid='pgtrigger_takes_its_vrf_b3c0d', table='networks_network', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='network',
            trigger=pgtrigger.compiler.Trigger(name='vacates_its_vrf', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF OLD.vrf IS NOT NULL THEN INSERT INTO networks_vacated VALUES ('vrf', OLD.vrf) ON CONFLICT DO NOTHING; END IF;\nRETURN NULL;\n", hash='acb328fd90fc92afcbdf26cc0f2778640198ba28', operation='DELETE', pgid='pgtrigger_vacates_its_vrf_d2e78', table='networks_network', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='network',
            trigger=pgtrigger.compiler.Trigger(name='changes_its_vrf', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."vrf" IS DISTINCT FROM (NEW."vrf"))', func="\nINSERT INTO networks_vacated VALUES ('vrf', OLD.vrf) ON CONFLICT DO NOTHING;\nDELETE FROM networks_vacated WHERE pool = 'vrf' AND number = NEW.vrf;\nRETURN NULL;\n", hash='f7cb50cfa6d4da09c5ab956026a3927bc9e14b43', operation='UPDATE', pgid='pgtrigger_changes_its_vrf_3694e', table='networks_network', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='network',
            trigger=pgtrigger.compiler.Trigger(name='vrfs_after_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func='PERFORM networks_recount(); RETURN NULL;', hash='cb08d25c2fc91dc7bfa6dfb86a5e248091fb41a0', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_vrfs_after_truncate_e06c1', table='networks_network', when='AFTER')),
        ),
    ]
