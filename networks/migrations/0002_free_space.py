"""What is free in every prefix, kept by triggers, so that finding the lowest free address or child prefix costs the same
however much is taken. A binary buddy scheme: `networks_free` has the fewest aligned blocks that make up the free space.

It is no model: nobody edits it, and a fixture does not carry it.
"""

from django.db import migrations

TABLE = """
CREATE TABLE networks_free (prefix_id bigint NOT NULL, block cidr NOT NULL, PRIMARY KEY (prefix_id, block));
CREATE INDEX networks_free_by_length ON networks_free (prefix_id, masklen(block), block);
"""

FUNCTIONS = """
-- The other half of the block that is twice as large.
CREATE FUNCTION networks_buddy(block cidr) RETURNS cidr LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN lower <> block THEN lower ELSE network(set_masklen(broadcast(block)::inet + 1, masklen(block))) END
    FROM (SELECT set_masklen(network(set_masklen(block::inet, masklen(block) - 1)), masklen(block)) AS lower) AS half
$$;

-- Take the block out of what is free in the prefix; false if not all of it is free. The caller has locked the prefix.
CREATE FUNCTION networks_take(pool bigint, wanted cidr) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    around cidr;
BEGIN
    SELECT block INTO around FROM networks_free WHERE prefix_id = pool AND block <= wanted ORDER BY block DESC LIMIT 1;
    IF around IS NULL OR NOT around >>= wanted THEN
        RETURN false;
    END IF;
    DELETE FROM networks_free WHERE prefix_id = pool AND block = around;
    INSERT INTO networks_free SELECT pool, networks_buddy(network(set_masklen(wanted::inet, length)))
        FROM generate_series(masklen(around) + 1, masklen(wanted)) AS length;
    RETURN true;
END $$;

-- Give the block back, and join it with its other half as long as that is free too. The caller has locked the prefix.
CREATE FUNCTION networks_give_back(pool bigint, given cidr) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WHILE masklen(given) > 0 LOOP
        DELETE FROM networks_free WHERE prefix_id = pool AND block = networks_buddy(given);
        EXIT WHEN NOT FOUND;
        given := network(set_masklen(given::inet, masklen(given) - 1));
    END LOOP;
    INSERT INTO networks_free VALUES (pool, given);
END $$;

-- A new prefix: all of it is free, but for the addresses no host may have (RFC 3021, RFC 4291, RFC 6164).
CREATE FUNCTION networks_open(pool bigint, space cidr, hosts boolean) RETURNS void LANGUAGE plpgsql AS $$
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

-- Count everything anew.
CREATE FUNCTION networks_refill() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM networks_free;
    PERFORM networks_open(prefix.id, prefix.cidr, network.kind <> 'super')
        FROM networks_prefix prefix JOIN networks_network network ON network.id = prefix.network_id;
    PERFORM networks_take(pool.id, child.cidr)
        FROM networks_prefix child JOIN networks_network network ON network.id = child.network_id
        JOIN networks_prefix pool ON pool.network_id = network.parent_id AND pool.cidr >>= child.cidr;
    PERFORM networks_take(prefix_id, address::cidr) FROM networks_address;
END $$;
SELECT networks_refill();
"""

REVERSE = """
DROP FUNCTION networks_refill();
DROP FUNCTION networks_open(bigint, cidr, boolean);
DROP FUNCTION networks_give_back(bigint, cidr);
DROP FUNCTION networks_take(bigint, cidr);
DROP FUNCTION networks_buddy(cidr);
DROP TABLE networks_free;
"""


class Migration(migrations.Migration):
    dependencies = [("networks", "0001_initial")]

    operations = [migrations.RunSQL(TABLE + FUNCTIONS, REVERSE)]
