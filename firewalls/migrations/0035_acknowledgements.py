"""A cause of trouble may be acknowledged, and a rollout have so many pushes at once."""

import django.contrib.postgres.fields
import django.utils.timezone
import networks.common.fields
import networks.common.validation.constraints
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0034_laws'),
        ('networks', '0021_import_notes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Acknowledgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(max_length=12, validators=[networks.common.fields.one_line])),
                ('reason', models.CharField(blank=True, max_length=400, validators=[networks.common.fields.one_line])),
                ('firewalls', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), editable=False, size=None)),
                ('note', models.CharField(max_length=400, validators=[networks.common.fields.one_line])),
                ('acknowledged_by', models.CharField(blank=True, max_length=150)),
                ('since', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('until', models.DateTimeField(help_text='It ends by itself then, or once the cause is gone.')),
            ],
            options={
                'ordering': ['until', 'pk'],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='rollout',
            name='recorded',
        ),
        migrations.AddField(
            model_name='rollout',
            name='at_once',
            field=models.PositiveSmallIntegerField(blank=True, help_text='So many of its pushes are under way at a time; empty: whole waves.', null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rollout',
            trigger=pgtrigger.compiler.Trigger(name='recorded', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE this firewalls_rollout; about text[];', func="\n            IF TG_OP = 'DELETE' THEN this := OLD; ELSE this := NEW; END IF;\n            about := array_remove(ARRAY['rollout:' || this.id::text], NULL);\n            IF TG_OP = 'UPDATE' THEN\n                this := OLD;\n                about := about || ARRAY(\n                    SELECT one FROM unnest(ARRAY['rollout:' || this.id::text]) AS one WHERE one <> ALL (about));\n                this := NEW;\n            END IF;\n            PERFORM networks_record('rollout', this.id::text, this.cause, about,\n                CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('cause', OLD.cause, 'partition', OLD.partition_id, 'state', OLD.state, 'waves', OLD.waves, 'max_failures', OLD.max_failures, 'at_once', OLD.at_once, 'reason', OLD.reason, 'start', OLD.start, 'start_reason', OLD.start_reason, 'created_by', OLD.created_by) END,\n                CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('cause', NEW.cause, 'partition', NEW.partition_id, 'state', NEW.state, 'waves', NEW.waves, 'max_failures', NEW.max_failures, 'at_once', NEW.at_once, 'reason', NEW.reason, 'start', NEW.start, 'start_reason', NEW.start_reason, 'created_by', NEW.created_by) END);\n            RETURN NULL;\n        ", hash='ab821dcff5bef33cc3ee6971da0c9d521877a47f', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_recorded_c9c70', table='firewalls_rollout', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='rollout',
            constraint=models.CheckConstraint(condition=models.Q(('at_once', None), ('at_once__gte', 1), _connector='OR'), name='rollout_has_some_at_once'),
        ),
        migrations.AddConstraint(
            model_name='acknowledgement',
            constraint=models.UniqueConstraint(fields=('state', 'reason'), name='acknowledged_once', violation_error_code='acknowledged', violation_error_message='Somebody has acknowledged this in the same moment.'),
        ),
        migrations.AddConstraint(
            model_name='acknowledgement',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(('until__gt', models.F('since'))), field='until', name='acknowledgement_ends_after_it_began', violation_error_code='in_the_past', violation_error_message='An acknowledgement ends in the future.'),
        ),
        migrations.AddConstraint(
            model_name='acknowledgement',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(('note', ''), _negated=True), field='note', name='acknowledgement_has_a_note', violation_error_code='required', violation_error_message='Say what is known of it.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='acknowledgement',
            trigger=pgtrigger.compiler.Trigger(name='recorded', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE this firewalls_acknowledgement; about text[];', func="\n            IF TG_OP = 'DELETE' THEN this := OLD; ELSE this := NEW; END IF;\n            about := array_remove(ARRAY['acknowledgement:' || this.id::text], NULL);\n            IF TG_OP = 'UPDATE' THEN\n                this := OLD;\n                about := about || ARRAY(\n                    SELECT one FROM unnest(ARRAY['acknowledgement:' || this.id::text]) AS one WHERE one <> ALL (about));\n                this := NEW;\n            END IF;\n            PERFORM networks_record('acknowledgement', this.id::text, this.state || CASE WHEN this.reason <> '' THEN ': ' || this.reason ELSE '' END, about,\n                CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('id', OLD.id, 'state', OLD.state, 'reason', OLD.reason, 'note', OLD.note, 'acknowledged_by', OLD.acknowledged_by, 'until', OLD.until) END,\n                CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('id', NEW.id, 'state', NEW.state, 'reason', NEW.reason, 'note', NEW.note, 'acknowledged_by', NEW.acknowledged_by, 'until', NEW.until) END);\n            RETURN NULL;\n        ", hash='3793d27ab3af24653288b4ce69e94898b52871a3', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_recorded_88697', table='firewalls_acknowledgement', when='AFTER')),
        ),
    ]
