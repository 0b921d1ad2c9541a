"""Revisions keep the plans that they were rendered from, so that questions about them are answered."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0032_limits_of_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='revision',
            name='plan',
            field=models.JSONField(blank=True, help_text='What the files were rendered from, to answer questions.', null=True),
        ),
    ]
