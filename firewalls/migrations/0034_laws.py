"""Laws that stay true, and what sees to it that no transaction is committed that nobody has judged.

Whoever changes something waits for no law, and whoever writes a law waits until nobody is changing anything: so of the two, the
later one sees the other. What changes while there are laws is noted, and who changed it is told by a notice; whoever judges removes
the notes. A commit with a note is refused.
"""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import networks.common.fields
import networks.common.limits
import networks.common.validation.constraints
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

ALONE, JUDGING = 8_214_001, 8_214_002  # of advisory locks: the tables' own would keep more from being done
LAWS = f"""
CREATE FUNCTION firewalls_alone() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Tried, not waited for: whoever waits has everybody wait who comes later.
    FOR attempt IN 1..50 LOOP
        IF pg_try_advisory_xact_lock({ALONE}) THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
        MESSAGE = 'Something is being changed, by an import perhaps; write the law once that is done.';
END $$;

CREATE FUNCTION firewalls_note(kind text, about text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO firewalls_unjudged (kind, about) VALUES (kind, about);
    IF current_setting('firewalls.noted', true) IS DISTINCT FROM 'yes' THEN
        PERFORM set_config('firewalls.noted', 'yes', true);
        RAISE NOTICE USING ERRCODE = 'LAW01', MESSAGE = 'This is judged by the laws before it is committed.';
    END IF;
END $$;

CREATE FUNCTION firewalls_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({ALONE});
    IF EXISTS (SELECT FROM firewalls_law) THEN
        PERFORM firewalls_note(NEW.kind, NEW.about);
    END IF;
    RETURN NULL;
END $$;

-- What may be in a configuration, as reconcile has it.
CREATE TRIGGER firewalls_note_touched AFTER INSERT ON firewalls_touched FOR EACH ROW
    WHEN (NEW.kind IN ('network', 'prefix', 'address', 'attachment', 'rule', 'endpoint', 'firewall'))
    EXECUTE FUNCTION firewalls_note_change();
-- Where no firewall is, laws are about networks and the machines in them all the same.
CREATE TRIGGER firewalls_note_recorded AFTER INSERT ON networks_activity FOR EACH ROW
    WHEN (NEW.kind IN ('network', 'prefix', 'machine') AND (NEW.kind <> 'network' OR NEW.verb <> 'created'))
    EXECUTE FUNCTION firewalls_note_change();

CREATE FUNCTION firewalls_judged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM firewalls_unjudged WHERE id = NEW.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'noted_changes_are_judged', TABLE = 'firewalls_unjudged',
            MESSAGE = 'There are laws about who reaches whom, and nobody has judged whether this breaks one: '
                'change it by the pages, over REST or in the admin, or take the laws away before.';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER noted_changes_are_judged AFTER INSERT ON firewalls_unjudged
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION firewalls_judged();
"""
NO_LAWS = """
DROP TRIGGER noted_changes_are_judged ON firewalls_unjudged;
DROP FUNCTION firewalls_judged();
DROP TRIGGER firewalls_note_recorded ON networks_activity;
DROP TRIGGER firewalls_note_touched ON firewalls_touched;
DROP FUNCTION firewalls_note_change();
DROP FUNCTION firewalls_note(text, text[]);
DROP FUNCTION firewalls_alone();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0033_kept_plans'),
        ('networks', '0021_import_notes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Unjudged',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=30)),
                ('about', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Law',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('only', 'only these reach it'), ('always', 'these always reach it'), ('nobody', 'nobody reaches it, or nobody of these')], max_length=6)),
                ('mode', models.CharField(choices=[('refuse', 'refuse what breaks it'), ('warn', 'warn of what breaks it')], default='refuse', max_length=6)),
                ('projects', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, help_text='Ids of projects, whose machines are meant.', size=None, validators=[networks.common.limits.AtMost(100)])),
                ('networks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, help_text='Ids of networks, whose machines are meant.', size=None, validators=[networks.common.limits.AtMost(100)])),
                ('outside', models.BooleanField(default=False, help_text='Of nobody: only what is let in from outside the partition is meant.', verbose_name='from outside')),
                ('protocol', models.CharField(blank=True, choices=[('tcp', 'tcp'), ('udp', 'udp'), ('icmp', 'ping')], help_text='Empty: any.', max_length=4)),
                ('port', models.PositiveIntegerField(blank=True, help_text='Of the machine that is reached; empty: any.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)])),
                ('family', models.PositiveSmallIntegerField(blank=True, choices=[(4, 'IPv4'), (6, 'IPv6')], help_text='Empty: each that both ends have.', null=True, verbose_name='address family')),
                ('reason', models.CharField(blank=True, max_length=400, validators=[networks.common.fields.one_line])),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('partition', models.ForeignKey(blank=True, help_text='Where it is law; empty: in all of them.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='laws', to='networks.partition')),
                ('to_network', models.ForeignKey(blank=True, help_text='What is reached. Neither a network nor a project: the internet.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='laws', to='networks.network')),
                ('to_project', models.ForeignKey(blank=True, help_text='Each private network of it is meant.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='laws', to='networks.project')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Breach',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=200)),
                ('target', models.CharField(blank=True, max_length=200)),
                ('version', models.PositiveSmallIntegerField()),
                ('protocol', models.CharField(max_length=4)),
                ('outside', models.BooleanField(default=False)),
                ('boxes', models.JSONField()),
                ('sentence', models.TextField()),
                ('path', models.JSONField(default=list)),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('law', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='breaches', to='firewalls.law')),
            ],
            options={
                'ordering': ['law', 'source', 'target', 'version', 'protocol'],
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.ChoiceCheck(condition=models.Q(('kind__in', ['only', 'always', 'nobody'])), name='law_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.ChoiceCheck(condition=models.Q(('mode__in', ['refuse', 'warn'])), name='law_mode_is_known'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.ChoiceCheck(condition=models.Q(('protocol__in', ['', 'tcp', 'udp', 'icmp'])), name='law_protocol_is_known'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.ChoiceCheck(condition=models.Q(('family', None), ('family__in', [4, 6]), _connector='OR'), name='law_family_is_known'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.ChoiceCheck(condition=models.Q(('port', None), ('port__range', (1, 65535)), _connector='OR'), name='law_port_is_one'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(('to_network', None), ('to_project', None), _connector='OR'), field='to_project', name='law_is_about_one_target', violation_error_code='one_target', violation_error_message='What is reached is a network or a project, not both.'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(('kind', 'nobody'), models.Q(('networks', []), ('projects', []), _negated=True), _connector='OR'), field='projects', name='law_names_somebody', violation_error_code='names_nobody', violation_error_message='Name the projects or networks that it is about.'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(('outside', False), models.Q(('kind', 'nobody'), ('networks', []), ('projects', []), models.Q(('to_network', None), ('to_project', None), _negated=True)), _connector='OR'), field='outside', name='law_about_outside_names_nobody', violation_error_code='outside_alone', violation_error_message='From outside comes whom nobody names here, into a network: choose nobody, name no project and no network, and say what is reached.'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(models.Q(('kind', 'always'), _negated=True), ('protocol', 'icmp'), models.Q(('protocol__in', ['tcp', 'udp']), ('port__isnull', False)), _connector='OR'), field='port', name='law_has_a_port_where_it_needs_one', violation_error_code='no_port_named', violation_error_message='What always reaches something does so by ping, or on a port of tcp or udp.'),
        ),
        migrations.AddConstraint(
            model_name='law',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(models.Q(('protocol', 'icmp'), _negated=True), ('port', None), _connector='OR'), field='port', name='law_about_ping_has_no_port', violation_error_code='no_port', violation_error_message='A ping has no port.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='law',
            trigger=pgtrigger.compiler.Trigger(name='waits_for_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func='PERFORM firewalls_alone(); RETURN NULL;', hash='71783fa52357baba6190f3ffc68722e57c6adfa8', level='STATEMENT', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_waits_for_changes_685d8', table='firewalls_law', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='law',
            trigger=pgtrigger.compiler.Trigger(name='to_be_judged', sql=pgtrigger.compiler.UpsertTriggerSql(func="PERFORM firewalls_note('law', ARRAY['law:' || NEW.id]); RETURN NULL;", hash='17058adebbd9b2bf92382c064c338326773bcff8', operation='INSERT OR UPDATE', pgid='pgtrigger_to_be_judged_54031', table='firewalls_law', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='law',
            trigger=pgtrigger.compiler.Trigger(name='is_broken_no_more', sql=pgtrigger.compiler.UpsertTriggerSql(func='DELETE FROM firewalls_breach WHERE law_id = OLD.id; RETURN NULL;', hash='7a6f1d7c342b9e9f655236fc4c330f62b6e8accb', operation='DELETE', pgid='pgtrigger_is_broken_no_more_205fb', table='firewalls_law', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='law',
            trigger=pgtrigger.compiler.Trigger(name='recorded', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE this firewalls_law; about text[];', func="\n            IF TG_OP = 'DELETE' THEN this := OLD; ELSE this := NEW; END IF;\n            about := array_remove(ARRAY['law:' || this.id::text], NULL);\n            IF TG_OP = 'UPDATE' THEN\n                this := OLD;\n                about := about || ARRAY(\n                    SELECT one FROM unnest(ARRAY['law:' || this.id::text]) AS one WHERE one <> ALL (about));\n                this := NEW;\n            END IF;\n            PERFORM networks_record('law', this.id::text, this.kind || ' ' || COALESCE(this.to_network_id, this.to_project_id, 'internet'), about,\n                CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('kind', OLD.kind, 'mode', OLD.mode, 'partition', OLD.partition_id, 'projects', OLD.projects, 'networks', OLD.networks, 'outside', OLD.outside, 'to_network', OLD.to_network_id, 'to_project', OLD.to_project_id, 'protocol', OLD.protocol, 'port', OLD.port, 'family', OLD.family, 'reason', OLD.reason) END,\n                CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('kind', NEW.kind, 'mode', NEW.mode, 'partition', NEW.partition_id, 'projects', NEW.projects, 'networks', NEW.networks, 'outside', NEW.outside, 'to_network', NEW.to_network_id, 'to_project', NEW.to_project_id, 'protocol', NEW.protocol, 'port', NEW.port, 'family', NEW.family, 'reason', NEW.reason) END);\n            RETURN NULL;\n        ", hash='c1a77d983185d3439166bb8fa9f0e3d42efae61d', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_recorded_23d1e', table='firewalls_law', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='breach',
            constraint=models.UniqueConstraint(fields=('law', 'source', 'target', 'version', 'protocol'), name='breach_is_known_once'),
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
