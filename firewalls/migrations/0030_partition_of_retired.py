import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0029_partition_of_retired_may_be_gone'),
        ('networks', '0015_address_kept_back'),
    ]

    operations = [
        migrations.AlterField(
            model_name='retired',
            name='partition',
            field=models.ForeignKey(blank=True, db_column='partition', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='retired', to='networks.partition'),
        ),
    ]
