"""Lists have a limit, and servers of DNS and NTP are hosts."""

import django.contrib.postgres.fields
import networks.common.fields
import networks.common.limits
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('networks', '0018_reasons_are_of_sharing'),
    ]

    operations = [
        migrations.AlterField(
            model_name='network',
            name='destination_prefixes',
            field=django.contrib.postgres.fields.ArrayField(base_field=networks.common.fields.CidrField(), blank=True, default=list, size=None, validators=[networks.common.limits.AtMost(1000)]),
        ),
        migrations.AlterField(
            model_name='partition',
            name='dns_servers',
            field=django.contrib.postgres.fields.ArrayField(base_field=networks.common.fields.InetField(), blank=True, default=list, size=None, validators=[networks.common.limits.AtMost(16)]),
        ),
        migrations.AlterField(
            model_name='partition',
            name='management_prefixes',
            field=django.contrib.postgres.fields.ArrayField(base_field=networks.common.fields.CidrField(), blank=True, default=list, help_text="Who may reach the SSH of the partition's firewalls.", size=None, validators=[networks.common.limits.AtMost(1000)]),
        ),
        migrations.AlterField(
            model_name='partition',
            name='ntp_servers',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=253, validators=[networks.common.fields.host]), blank=True, default=list, size=None, validators=[networks.common.limits.AtMost(16)]),
        ),
    ]
