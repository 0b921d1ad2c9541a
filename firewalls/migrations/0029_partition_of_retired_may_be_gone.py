from django.db import migrations, models

# Those whose partition was removed meanwhile, which was not refused before.
GONE = """
UPDATE firewalls_retired SET partition = NULL
WHERE NOT EXISTS (SELECT FROM networks_partition WHERE id = firewalls_retired.partition)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0028_rank_of_members'),
    ]

    operations = [
        migrations.AlterField(
            model_name='retired',
            name='partition',
            field=models.CharField(blank=True, max_length=63, null=True),
        ),
        migrations.RunSQL(GONE, migrations.RunSQL.noop),
    ]
