"""Labels are an object: an empty list or text, which was let through, becomes an empty one."""

import networks.common.fields
import networks.common.validation.constraints
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('networks', '0016_auto_waves'),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE networks_network SET labels = '{}' WHERE jsonb_typeof(labels) <> 'object'",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name='network',
            name='labels',
            field=networks.common.fields.LabelsField(blank=True, default=dict, validators=[networks.common.fields.short_labels]),
        ),
        migrations.AddConstraint(
            model_name='network',
            constraint=networks.common.validation.constraints.ChoiceCheck(condition=models.Q(('labels__contains', {})), name='network_labels_are_an_object'),
        ),
    ]
