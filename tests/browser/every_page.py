"""A made-up world in which every page has something to show, and the addresses of all its pages."""

from datetime import timedelta
from ipaddress import ip_network

from asyncssh import generate_private_key
from django.utils import timezone

from firewalls.allocation import free_firewall, join, leave
from firewalls.device.transport import Survey
from firewalls.device.versions import ours
from firewalls.intent import changes
from firewalls.models import (
    Applier,
    Drift,
    Endpoint,
    Firewall,
    JumpObservation,
    Observation,
    Push,
    Retired,
    Rollout,
    Rule,
    SshAccess,
    Window,
)
from firewalls.pushing import asking, carrying, holding, rollouts, takeover
from machines.models import HttpProxy
from networks.models import ImportNote, Project
from tests.world import World, world

LONG_NAME = "a-network-whose-name-is-as-long-as-any-name-in-here-may-ever-be"


def every_page() -> dict[str, int]:
    """The address of every page, at its fullest and at its emptiest, and the status it answers."""
    fra = world(v6="2001:db8:128::/48")
    store = fra.private("store", fra.storage)
    store.share("ada", "backups of every project, agreed with the storage team")
    Project.objects.filter(pk__in=["shop", "analytics"]).update(tenant="acme")
    home = fra.private(LONG_NAME, fra.shop)
    till = fra.machine("till", fra.shop, home)
    firewall = fra.firewall("shop-fw", fra.shop, home, fra.internet, host="192.0.2.7", user="metal")
    _let_https_out(firewall)
    join(firewall, store)
    lone = fra.private("lone", fra.analytics)
    silent = _silent(fra.firewall("a" * 63, fra.analytics, lone))
    join(silent, store)
    tiny = fra.private("tiny", fra.storage, prefix_length={4: 29, 6: 64})
    tiny.share("ada")
    drifted = _drifted(fra.firewall("drift-fw", fra.analytics, lone))
    own = f"/firewalls/{firewall.pk}"
    addresses = [
        *NETWORK_PAGES,
        *_firewall_pages(firewall),
        *_push_pages(firewall),
        *ACTIVITY_PAGES,
        *_rollout_pages(firewall),
        *_observation_pages(drifted),
        *_observation_pages(firewall),
        *_observation_pages(_seen_with_units_of_others(silent)),
        f"/firewalls/{drifted.pk}/",
        *_pages_of_care(fra),
        f"/firewalls/{drifted.pk}/join/store/",
        *_pages_of_the_retired(fra),
        *_upkeep_pages(firewall, drifted, silent),
        *_pages_of_imports(),
    ]
    return {
        **dict.fromkeys(addresses, 200),
        **_machine_pages(fra),
        f"/machines/{till.pk}/reaches/": 200,
        f"/networks/tiny/join/several/?firewall={firewall.pk}&firewall={drifted.pk}": 200,
        f"/networks/store/join/several/?firewall={firewall.pk}&firewall={drifted.pk}": 200,
        "/tenants/acme/": 200,
        f"{own}/rules/add/?direction=egress&protocol=tcp&ports=853": 200,
        f"{own}/rules/add/?direction=egress&protocol=tcp&ports=": 422,
        "/reachability/?from=til&to=store&port=0": 422,
        f"{own}/join/tiny/?addresses=10.9.9.9": 422,
        f"{own}/join/lone/": 422,
        "/networks/nothing/": 404,
    }


NETWORK_PAGES = [
    "/",
    "/networks/",
    "/networks/?q=nothing",
    "/networks/store/",
    f"/networks/{LONG_NAME}/",
    "/networks/super-fra/",
    "/networks/internet-fra/",
    f"/networks/{LONG_NAME}/share/",
    f"/networks/{LONG_NAME}/reachable-from/",
    "/networks/store/reachable-from/?port=2049",
    "/networks/super-fra/reachable-from/",
    "/reachability/",
    "/reachability/?from=till&to=store&port=2049",
    "/reachability/?from=till&to=internet&port=443",
    "/reachability/?from=lone&to=tiny&basis=applied",
    "/networks/super-fra/share/",
    "/networks/store/share/",
    "/networks/store/consumers/",
    "/networks/lone/",
    "/networks/lone/firewalls/",
    "/networks/store/firewalls/",
    "/networks/tiny/join/",
    "/projects/shop/",
    "/projects/storage-team/",
    "/causes/acknowledge/?state=new&reason=",
]
ACTIVITY_PAGES = [
    "/search/?q=s",
    "/search/?q=nothing",
    "/activity/",
    "/activity/?object=nothing",
    "/activity/network/store/",
]


def _firewall_pages(firewall: Firewall) -> list[str]:
    own = f"/firewalls/{firewall.pk}"
    return [
        "/firewalls/",
        "/firewalls/?state=drifted",
        f"{own}/",
        f"{own}/config/",
        f"{own}/diff/",
        f"{own}/join/",
        f"{own}/join/tiny/",
        f"{own}/leave/store/",
    ]


def _machine_pages(fra: World) -> dict[str, int]:
    """Of one behind a firewall that leads outside, of one with a proxy, and of one with nothing.

    And of the endpoint of that proxy, which keeps its firewall in a network.
    """
    shop = fra.private("web-shop", fra.shop)
    proxied, lost = (fra.private(name, fra.storage, shared=True) for name in ("proxied", "lost"))
    firewall = fra.firewall("web-fw", fra.shop, shop, proxied, fra.internet)
    web, disk, tape = (
        fra.machine(name, network.project, network)  # type: ignore[arg-type]
        for name, network in (("web", shop), ("disk", proxied), ("t" * 63, lost))
    )
    for address in firewall.machine.addresses.filter(prefix__network=proxied):
        fields = {"port": 3128, "target_port": 3128, "purpose": "http-proxy"}
        Endpoint(address=address, machine=web, **fields).save()
    parts = [f"/machines/{one.pk}/internet/" for one in (web, disk, tape)]
    pages = [f"/machines/{one.pk}/" for one in (web, disk, tape)]
    published = f"/endpoints/{Endpoint.objects.latest('created_at').pk}/"
    parts += [published, f"{published}remove/", f"/firewalls/{firewall.pk}/endpoints/new/"]
    parts += ["/endpoints/", "/endpoints/?q=nothing", "/networks/proxied/endpoints/"]
    parts += ["/networks/proxied/endpoints/new/"]
    lists = ["/machines/", "/machines/?q=nothing", "/internet-access/"]
    HttpProxy(network=lost, host="proxy.example.org", port=3128).save()
    own = [f"/networks/{name}/http-proxy/" for name in ("lost", "web-shop")]
    addresses = [*lists, *parts, *pages, *own, "/networks/proxied/internet/"]
    addresses += ["/networks/lost/internet/", "/networks/lone/internet/"]
    return {**dict.fromkeys(addresses, 200), f"/firewalls/{firewall.pk}/leave/proxied/": 422}


def _push_pages(firewall: Firewall) -> list[str]:
    """Of a push that is running, and of one that failed."""
    now = timezone.now()
    running = _push(firewall, state="running", last_step="running", heartbeat_at=now)
    failed = _push(
        firewall,
        state="unseen",
        last_step="failed",
        finished_at=now,
        error="FRR does not take line 9.",
    )
    return [f"/pushes/{running.pk}/", f"/pushes/{failed.pk}/"]


def _push(firewall: Firewall, state: str, last_step: str, **fields: object) -> Push:
    connected = {
        "name": "connect",
        "state": "ok",
        "seconds": 0.2,
        "output": "metal@192.0.2.7:22, host key as pinned",
    }
    checked = {"name": "check-frr", "state": last_step, "seconds": 1.5, "output": "x" * 400}
    return Push.objects.create(
        firewall=firewall, state=state, steps=[connected, checked], requested_by="ada", **fields
    )


def _rollout_pages(firewall: Firewall) -> list[str]:
    """Also of a rollout that has just begun."""
    begun: Rollout = rollouts.start(
        [firewall],
        cause="the new storage network, on every firewall of the partition that has joined it",
        by="ada",
    )
    return [
        "/rollouts/",
        "/rollouts/?state=paused",
        "/rollouts/new/",
        "/rollouts/new/?all=1",
        f"/rollouts/{begun.pk}/",
    ]


def _observation_pages(firewall: Firewall) -> list[str]:
    own = f"/firewalls/{firewall.pk}"
    return [f"{own}/host-key/", f"{own}/drift/", f"{own}/takeover/"]


def _seen_with_units_of_others(firewall: Firewall) -> Firewall:
    """Somebody else has set up its loopback, and something of its own."""
    changes.refresh([firewall.pk], "rendered for a page")
    takeover.record_survey(
        firewall,
        Survey(
            units={
                "/etc/systemd/network/00-lo.network": "[Match]\nName=lo\n",
                "/etc/systemd/network/05-mgmt.network": "[Match]\nName=mgmt0\n",
            },
            files={"/etc/frr/frr.conf": "hostname theirs\n"},
            now={"accounts that SSH allows": "allowusers metal\n"},
            cut=[],
            taken_over=False,
        ),
    )
    return firewall


def _pages_of_the_retired(fra: World) -> list[str]:
    """Of a firewall that may be freed, of one that was, and of one that a worker is at."""
    old = fra.private("old", fra.analytics)
    runs, failed, cleaned = (
        _running(fra.firewall(name, fra.analytics, old, fra.internet, host="192.0.2.9"))
        for name in ("runs-fw", "failed-fw", "cleaned-fw")
    )
    leave(runs, fra.internet)
    error = "failed-fw (192.0.2.9:22) does not answer: no route to host."
    for firewall, fields in (
        (failed, {"outcome": "failed", "error": error}),
        (cleaned, {"outcome": "running"}),
    ):
        free_firewall(firewall, by="ada")
        Retired.objects.filter(pk=firewall.pk).update(**fields)
    return [
        f"/firewalls/{runs.pk}/",
        f"/firewalls/{runs.pk}/free/",
        f"/firewalls/{runs.pk}/replace/",
        "/retired/",
        f"/retired/{failed.pk}/",
        f"/retired/{failed.pk}/ssh/",
        f"/retired/{cleaned.pk}/",
        "/networks/old/",
        "/search/?q=203.0.113.4",
    ]


def _pages_of_care(fra: World) -> list[str]:
    """Of a firewall that is held, of a push that waits for a window, and of one asked twice."""
    home = fra.private("careful", fra.analytics)
    held, late, odd = (
        fra.firewall(name, fra.analytics, home, fra.internet, host=host, port=port)
        for name, host, port in (
            ("held-fw", "192.0.2.11", 22),
            ("late-fw", "192.0.2.12", 22),
            ("odd-fw", "192.0.2.13", 2222),
        )
    )
    holding.hold(held, by="ada", reason="the vendor looks into it, " + "and on " * 20)
    soon = timezone.now() + timedelta(hours=5)
    clock = {"begins": soon.time(), "ends": (soon + timedelta(hours=2)).time()}
    Window(firewall=late, zone="America/Argentina/ComodRivadavia", days=[1, 3, 5], **clock).save()
    Window(firewall=late, zone="UTC", days=[2, 4, 6], **clock).save()
    waiting = asking.ask(late, by="ada")
    return [
        f"/firewalls/{held.pk}/",
        f"/firewalls/{held.pk}/when/",
        f"/firewalls/{held.pk}/push/",
        f"/firewalls/{late.pk}/when/",
        f"/firewalls/{late.pk}/push/",
        f"/firewalls/{odd.pk}/push/",
        f"/pushes/{waiting.pk}/",
        "/partitions/fra/when/",
        "/partitions/fra/",
        "/partitions/fra/?pick=store&fold=project",
        "/partitions/fra/?view=matrix&open=tenant:none&open=project:shop&order=trouble",
        "/partitions/fra/?view=table",
        "/partitions/fra/?project=nothing",
        "/partitions/fra/leak-audit/",
        "/networks/store/picture/",
        f"/firewalls/{held.pk}/picture/",
    ]


def _running(firewall: Firewall) -> Firewall:
    """As if its configuration had been pushed."""
    row = Firewall.objects.select_related("wanted", "machine").get(pk=firewall.pk)
    assert row.wanted
    carrying.begin(row, carrying.carried([(row, row.wanted.files)]))
    Observation.objects.filter(pk=row.pk).update(applied=row.wanted)
    return Firewall.objects.get(pk=row.pk)


def _upkeep_pages(foreign: Firewall, direct: Firewall, silent: Firewall) -> list[str]:
    """Appliers of other versions, and a jump host that shows another key than the pinned one."""
    now, key = timezone.now(), _public_key()
    for firewall, protocol in ((foreign, 99), (silent, ours().protocol)):
        Applier.objects.create(firewall=firewall, digest="ab" * 32, protocol=protocol, seen_at=now)
    hop = {"jump_host": "2001:db8::5", "jump_user": "hop", "jump_key": key, "host_ca": key}
    access = SshAccess.objects.create(partition_id="fra", **hop)
    SshAccess.objects.create(firewall=direct)
    sentence = f"The jump host of {foreign} shows another host key than the pinned one."
    JumpObservation.objects.filter(pk=access.pk).update(
        tried=access.way, failed_at=now, failure=sentence, offered_key=_public_key()
    )
    Observation.objects.filter(pk=foreign.pk).update(refused_at=now, refusal=sentence)
    return [
        f"/firewalls/{foreign.pk}/",
        f"/firewalls/{foreign.pk}/ssh/",
        f"/firewalls/{direct.pk}/ssh/",
        "/partitions/fra/ssh/",
        "/firewalls/?applier=foreign",
        "/",
    ]


def _pages_of_imports() -> list[str]:
    """Of an object that was taken with a note, and of one that was kept out."""
    ImportNote.objects.create(
        kind="network", key="store", label="network store", verdict="noted", message="Odd. " * 40
    )
    ImportNote.objects.create(
        kind="machine", key=LONG_NAME, label=LONG_NAME, verdict="kept_out", message="Odder."
    )
    return ["/import-notes/", "/import-notes/?q=nothing", "/networks/store/"]


def _public_key() -> str:
    public = generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
    return " ".join(public.split()[:2])


def _let_https_out(firewall: Firewall) -> None:
    Rule(
        firewall=firewall,
        position=1,
        direction="egress",
        protocol="tcp",
        ports=["443"],
        destinations=[ip_network("0.0.0.0/0")],
        comment="web",
    ).save()


def _drifted(firewall: Firewall) -> Firewall:
    """Changed by hand, and with another host key than the pinned one."""
    pinned, now = _public_key(), timezone.now()
    Firewall.objects.filter(pk=firewall.pk).update(host_key=pinned)
    Observation.objects.filter(pk=firewall.pk).update(
        offered_key=pinned[:-4] + "AAAA", drifted_at=now, drift="nft"
    )
    lines = ["drop\n", "accept # by hand " + "x" * 200 + "\n"]
    Drift.objects.create(
        firewall=firewall, found={"/etc/nftables.conf": lines}, digest="0" * 64, found_at=now
    )
    return firewall


def _silent(firewall: Firewall) -> Firewall:
    """Never pushed to, and not answering."""
    Observation.objects.filter(pk=firewall.pk).update(
        unreachable_since=timezone.now(), refused_at=timezone.now(), refusal="It said " + "x" * 300
    )
    return firewall
