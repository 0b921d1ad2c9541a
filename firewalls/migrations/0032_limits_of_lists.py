"""Lists have a limit, rules of a direction too; and host keys are keys."""

import django.contrib.postgres.fields
import django.core.validators
import firewalls.models.firewall
import firewalls.models.validators
import firewalls.models.window
import networks.common.fields
import networks.common.limits
import networks.common.validation.constraints
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0031_when_rollouts_start'),
    ]

    operations = [
        migrations.AlterField(
            model_name='firewall',
            name='host_key',
            field=models.CharField(blank=True, help_text='Pinned: no other key is accepted.', max_length=1000, validators=[firewalls.models.validators.host_key]),
        ),
        migrations.AlterField(
            model_name='firewall',
            name='uplinks',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=15, validators=[django.core.validators.RegexValidator('\\A(?!(?:lo|bridge|FABRIC|(?:vrf|vni|vlan|bridge)\\d+)\\Z)[A-Za-z][A-Za-z0-9._-]{0,14}\\Z', "An interface name has at most 15 of A-Z, a-z, 0-9, '.', '_' and '-', begins with a letter, and is none that the firewall has anyway, such as lo or vrf3.", 'invalid_interface')]), default=firewalls.models.firewall.default_uplinks, help_text='Interfaces to the leaves.', size=None, validators=[networks.common.limits.AtMost(16)]),
        ),
        migrations.AlterField(
            model_name='rule',
            name='destinations',
            field=django.contrib.postgres.fields.ArrayField(base_field=networks.common.fields.CidrField(), blank=True, default=list, size=None, validators=[networks.common.limits.AtMost(1000)]),
        ),
        migrations.AlterField(
            model_name='rule',
            name='ports',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=11, validators=[firewalls.models.validators.port_range]), blank=True, default=list, help_text='443 or 8000-8100; none for icmp', size=None, validators=[networks.common.limits.AtMost(100)]),
        ),
        migrations.AlterField(
            model_name='rule',
            name='position',
            field=models.PositiveIntegerField(validators=[firewalls.models.validators.in_its_place]),
        ),
        migrations.AlterField(
            model_name='rule',
            name='sources',
            field=django.contrib.postgres.fields.ArrayField(base_field=networks.common.fields.CidrField(), blank=True, default=list, size=None, validators=[networks.common.limits.AtMost(1000)]),
        ),
        migrations.AlterField(
            model_name='sshaccess',
            name='host_ca',
            field=models.CharField(blank=True, help_text='Certifies host keys of firewalls, each for its name. A pinned key goes first.', max_length=1000, validators=[firewalls.models.validators.host_key]),
        ),
        migrations.AlterField(
            model_name='sshaccess',
            name='jump_key',
            field=models.CharField(blank=True, help_text="The jump host's own key. Pinned: no other key is accepted.", max_length=1000, validators=[firewalls.models.validators.host_key]),
        ),
        migrations.AlterField(
            model_name='window',
            name='days',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(7)]), default=firewalls.models.window.every_day, help_text='Days on which it begins: 1 is Monday, 7 is Sunday.', size=None, validators=[networks.common.limits.AtMost(7)]),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=networks.common.validation.constraints.ChoiceCheck(condition=models.Q(('position__lte', 1000)), name='rules_are_not_too_many'),
        ),
    ]
