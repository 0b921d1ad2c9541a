"""Why a network is shared is kept of a shared one: what somebody wrote of another goes (R3)."""

import networks.common.validation.constraints
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('networks', '0017_labels_are_objects'),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE networks_network SET shared_reason = '' WHERE NOT shared AND shared_reason <> ''",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name='network',
            constraint=networks.common.validation.constraints.Check(condition=models.Q(('shared', True), ('shared_reason', ''), _connector='OR'), field='shared_reason', name='reason_is_of_sharing', violation_error_code='not_shared', violation_error_message='Why a network is shared is kept of a shared one; share it, or leave the reason out (R3).'),
        ),
    ]
