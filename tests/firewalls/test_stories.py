"""A rollout is one story with its pushes, and a push one with what became of it."""

from collections.abc import Callable

import pytest

from config.celery import begin, end
from firewalls import tasks
from firewalls.models import Firewall, Push
from firewalls.pushing import rollouts
from networks.common.audit import Actor, acting
from networks.models import Activity
from tests.firewalls.boxes import Boxes
from tests.pages import visitor, words

pytestmark = pytest.mark.django_db(transaction=True)


def worked() -> None:
    """The worker has done what there was, under a name of its own."""
    begin(task_id="run-1", task=tasks.work)
    try:
        tasks.work()
    finally:
        end()


def keys(*firewalls: Firewall) -> set[str]:
    """The stories of the pushes to these firewalls."""
    pushes = Push.objects.filter(firewall__in=firewalls).values_list("pk", flat=True)
    names = [f"push:{pk}" for pk in pushes]
    return set(Activity.objects.filter(about__overlap=names).values_list("story", flat=True))


def test_a_rollout_is_one_story_with_its_pushes(make: Callable[..., Firewall], box: Boxes) -> None:
    firewalls = [make(f"story{number}") for number in range(3)]
    with acting(lambda: Actor("ada", "browser", "r1")):
        rollout = rollouts.start(firewalls, cause="Shares of November", sizes=[1, "rest"])
    worked()
    assert keys(*firewalls) == {f"rollout:{rollout.pk}"}
    page = visitor().get("/activity/?who=ada")
    (story,) = page.context["stories"]
    assert story.sentence == "rollout: Shares of November" and story.url.endswith(f"{rollout.pk}/")
    whole = words(visitor().get(f"/activity/story/rollout:{rollout.pk}/"))
    assert "push story2 changed state running → confirmed" in whole
    assert "Then rollout Shares of November is finished" in whole


def test_what_became_of_a_push_is_told_where_it_was_asked_for(
    make: Callable[..., Firewall], box: Boxes
) -> None:
    firewall = make("asked")
    with acting(lambda: Actor("ada", "browser", "r1")):
        Push.objects.enqueue(firewall, "ada")
    worked()
    assert keys(firewall) == {"r1"}
    page = words(visitor().get("/activity/?object=asked"))
    assert "a push of asked was asked for by ada browser then push asked is confirmed" in page
