from django.urls import path, register_converter
from django.urls.converters import StringConverter

from firewalls.pushing.actions import ACTIONS
from firewalls.views import (
    access,
    asking,
    configuration,
    firewalls,
    joining,
    observed,
    overview,
    partition,
    project,
    pushing,
    replacing,
    retired,
    rollout_progress,
    rollouts,
    sharing,
    siblings,
    takeover,
    triage,
    when,
)


class Action(StringConverter):
    """What may be done with a rollout."""

    regex = "|".join(ACTIONS)


register_converter(Action, "rollout_action")

app_name = "firewalls"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("check-again/", triage.check_again, name="check_again"),
    path("search/", overview.search, name="search"),
    path("partitions/<id:pk>/", partition.partition, name="partition"),
    path("projects/<id:pk>/", project.project, name="project"),
    path("networks/<id:pk>/picture/", partition.of_network, name="network_picture"),
    path("firewalls/<uuid:pk>/picture/", partition.of_firewall, name="firewall_picture"),
    path("networks/<id:pk>/share/", sharing.share, name="share"),
    path("networks/<id:pk>/consumers/", sharing.consumers, name="consumers"),
    path("networks/<id:pk>/firewalls/", siblings.siblings, name="siblings"),
    path("networks/<id:pk>/join/", joining.join_network, name="join_network"),
    path("firewalls/", firewalls.firewall_list, name="list"),
    path("firewalls/<uuid:pk>/", firewalls.firewall_detail, name="detail"),
    path("firewalls/<uuid:pk>/config/", configuration.files, name="config"),
    path("firewalls/<uuid:pk>/config/download/", configuration.download, name="download"),
    path("firewalls/<uuid:pk>/diff/", configuration.diff, name="diff"),
    path("firewalls/<uuid:pk>/join/", joining.join_firewall, name="join"),
    path("firewalls/<uuid:pk>/join/<id:network>/", joining.confirm_join, name="confirm_join"),
    path("firewalls/<uuid:pk>/leave/<id:network>/", joining.confirm_leave, name="leave"),
    path("firewalls/<uuid:pk>/host-key/", observed.host_key, name="host_key"),
    path("firewalls/<uuid:pk>/host-key/dismiss/", observed.dismiss_key, name="dismiss_key"),
    path("firewalls/<uuid:pk>/ssh/", access.of_firewall, name="access"),
    path("partitions/<id:pk>/ssh/", access.of_partition, name="partition_access"),
    path("retired/<uuid:pk>/ssh/", access.of_retired, name="retired_access"),
    path("ssh/<int:pk>/remove/", access.remove, name="remove_access"),
    path("ssh/<int:pk>/jump-key/", access.confirm_key, name="confirm_jump_key"),
    path("firewalls/<uuid:pk>/needs/", observed.needs, name="needs"),
    path("firewalls/<uuid:pk>/drift/", observed.drift, name="drift"),
    path("firewalls/<uuid:pk>/drift/accept/", observed.accept_drift, name="accept_drift"),
    path("firewalls/<uuid:pk>/takeover/", takeover.takeover, name="takeover"),
    path("firewalls/<uuid:pk>/takeover/take/", takeover.take_over, name="take_over"),
    path("firewalls/<uuid:pk>/takeover/give-back/", takeover.give_back, name="give_back"),
    path("firewalls/<uuid:pk>/free/", retired.free, name="free"),
    path("firewalls/<uuid:pk>/replace/", replacing.replace_hardware, name="replace"),
    path("firewalls/<uuid:pk>/push/", asking.push, name="push"),
    path("firewalls/<uuid:pk>/when/", when.firewall, name="when"),
    path("firewalls/<uuid:pk>/hold/", when.hold, name="hold"),
    path("firewalls/<uuid:pk>/hold/end/", when.end_hold, name="end_hold"),
    path("partitions/<id:pk>/when/", when.partition, name="partition_when"),
    path("partitions/<id:pk>/limit/", when.limit, name="limit"),
    path("windows/<int:pk>/remove/", when.remove_window, name="remove_window"),
    path("firewalls/<uuid:pk>/check/", pushing.check, name="check"),
    path("boxes/<uuid:pk>/", retired.box, name="box"),
    path("boxes/<uuid:pk>/gone/", retired.box_gone, name="box_gone"),
    path("retired/", retired.retired_list, name="retired_list"),
    path("retired/<uuid:pk>/", retired.retired, name="retired"),
    path("retired/<uuid:pk>/take-off/", retired.take_off, name="take_off"),
    path("retired/<uuid:pk>/gone/", retired.gone, name="gone"),
    path("pushes/<uuid:pk>/", pushing.push_detail, name="push_detail"),
    path("pushes/<uuid:pk>/now/", asking.start_now, name="start_now"),
    path("rollouts/", rollouts.rollout_list, name="rollouts"),
    path("rollouts/new/", rollouts.rollout_new, name="rollout_new"),
    path("rollouts/<uuid:pk>/", rollout_progress.rollout_detail, name="rollout_detail"),
    path("rollouts/<uuid:pk>/back/", rollouts.roll_back, name="roll_back"),
    path("rollouts/<uuid:pk>/now/", rollouts.start_now, name="rollout_now"),
    path(
        "rollouts/<uuid:pk>/<rollout_action:action>/",
        rollouts.rollout_action,
        name="rollout_action",
    ),
]
