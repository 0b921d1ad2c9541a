from django.db import migrations, models


# A push that failed was refused, but where one of these sentences says that nobody saw its end.
UNSEEN = (
    "%It goes back by itself%",
    "%could not go back yet%",
    "%was given another configuration before this one was confirmed%",
    "Its worker died%",
    "Something unforeseen went wrong here%",
)
_LIKE = " OR ".join(f"error LIKE '{sentence}'" for sentence in UNSEEN)
SAY = f"""
UPDATE firewalls_push SET state = CASE WHEN {_LIKE} THEN 'unseen' ELSE 'refused' END
WHERE state = 'failed';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""
UNSAY = """
UPDATE firewalls_push SET state = 'failed' WHERE state IN ('refused', 'unseen');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('firewalls', '0019_observation'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='push',
            name='finished_means_finished',
        ),
        migrations.RemoveIndex(
            model_name='push',
            name='push_broken',
        ),
        migrations.AlterField(
            model_name='push',
            name='state',
            field=models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('confirmed', 'confirmed'), ('refused', 'refused'), ('rolled_back', 'rolled back'), ('unseen', 'unseen'), ('superseded', 'superseded')], default='queued', max_length=11),
        ),
        migrations.RunSQL(SAY, UNSAY),
        migrations.AddIndex(
            model_name='push',
            index=models.Index(condition=models.Q(('state__in', ['refused', 'rolled_back', 'unseen']), ('unanswered', False)), fields=['firewall', 'finished_at'], name='push_broken'),
        ),
        migrations.AddConstraint(
            model_name='push',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at', None), ('state__in', ['queued', 'running'])), models.Q(('finished_at__isnull', False), ('state__in', ['confirmed', 'refused', 'rolled_back', 'unseen', 'superseded'])), _connector='OR'), name='finished_means_finished'),
        ),
    ]
