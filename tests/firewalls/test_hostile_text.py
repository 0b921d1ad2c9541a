"""Whatever somebody writes into a text field, a configuration says the same.

Or the text is refused where it is entered.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewalls.configuration.plan import Facts, plan
from firewalls.configuration.references import unresolved
from firewalls.configuration.render import render
from firewalls.intent.revisions import rendered
from firewalls.models import Endpoint, Firewall, Rule
from machines.models import Machine
from networks.common.fields import CidrField
from networks.models import Address, Network, Partition, Project
from tests.conftest import needs
from tests.firewalls.situations import SITUATIONS
from tests.reader import frr, nft
from tests.world import world

EXAMPLES = 1000
# Without privileges, the kernel checks only a few rule sets at once.
FLAGS, BATCH = ("-n", 100) if os.geteuid() == 0 else ("-Urn", 5)
FRR, NFT = "/etc/frr/frr.conf", "/etc/nftables.conf"
ATTACKS = [
    '"',
    "\\",
    '" drop\n',
    '\\" accept #',
    "}\n}\nflush ruleset\n",
    "{{ plan.asn }}",
    "{% for x in y %}",
    "\u2028",
    "\u0085",
    "\x00",
    "\x1b[2J",
    "!\nrouter bgp 1",
    "a\r\nip route 0.0.0.0/0 1.2.3.4",
    "$(reboot)",
    "`reboot`",
    "; drop",
    "# comment",
    "\ud7ff\ue000",
    "ä" * 99,
    "😀" * 60,
    "\u202egpb retuor",
    "x" * 5000,
    "[Match]\nName=*",
    "=",
    "%i",
    "' or 1=1 --",
    "<script>",
    'include "/etc/passwd"',
    " ",
    "",
]
TEXT = (
    st.sampled_from(ATTACKS) | st.text(max_size=60) | st.text('"\\\n\r\t {}[];#!%$`', max_size=20)
)
CALM = SITUATIONS["endpoints-dual-stack-udp-and-proxy"]
CALM = replace(
    CALM, rules=(*SITUATIONS["rules-with-sources"].rules,), ntp_servers=("0.pool.ntp.org",)
)


def facts_with(
    *,
    hostname: str = CALM.hostname,
    uplink: str = CALM.uplinks[0],
    ntp: str = "192.0.2.123",
    id: str = "a",
    name: str = "b",
    comment: str = "c",
    machine: str = "m",
) -> Facts:
    """The calm facts with other words in them; the words never say what is to be done."""
    return replace(
        CALM,
        hostname=hostname,
        uplinks=(uplink or CALM.uplinks[0],),
        ntp_servers=("0.pool.ntp.org", ntp),
        primary=replace(CALM.primary, id=id, name=name),
        shared=tuple(replace(net, id=id, name=name) for net in CALM.shared),
        externals=tuple(replace(net, id=id, name=name) for net in CALM.externals),
        rules=tuple(replace(rule, comment=comment) for rule in CALM.rules),
        endpoints=tuple(replace(endpoint, machine=machine) for endpoint in CALM.endpoints),
    )


WORDS = re.compile(r"^(hostname|Name=|NTP=|.*Networks for) ?[\w.:-]+")


def without_words(files: dict[str, str]) -> dict[str, list[str]]:
    """The files' lines without comments, and without the words that a name may be.

    A server is left out, for of its name nothing may be left.
    """
    return {
        re.sub(r"/10-sn-.*\.network$", "/10-sn-UPLINK.network", path): [
            re.sub(r'comment "[^"\n]*"$', "comment", WORDS.sub(r"\1 WORD", line))
            for line in text.split("\n")
            if not re.fullmatch(r"NTP=[\w.:-]+", line)
        ]
        for path, text in files.items()
        if path != "/etc/hostname"
    }


def test_no_text_changes_what_a_configuration_does(tmp_path: Path) -> None:
    """A thousand times, line for line the same but for the words.

    The other reader reads the same in it, and the real parsers accept it.
    """
    needs("vtysh", "nft", "unshare")
    examples: list[dict[str, str]] = []
    calm = render(plan(facts_with()))
    expected = without_words(calm)

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        st.fixed_dictionaries(
            dict.fromkeys(("hostname", "ntp", "id", "name", "comment", "machine"), TEXT)
        )
    )
    def example(texts: dict[str, str]) -> None:
        files = render(plan(facts_with(**texts)))
        assert without_words(files) == expected
        assert files["/etc/hostname"].count("\n") == 1
        assert re.fullmatch(r"[\w.:-]+\n", files["/etc/hostname"])
        assert not list(unresolved(files))
        examples.append(files)

    example()
    assert len(examples) >= EXAMPLES
    routing = frr.read(calm[FRR])
    calm_verdicts = verdicts(calm[NFT])
    assert set(calm_verdicts) == {"accept", "drop"}
    for files in examples:
        assert frr.read(files[FRR]) == routing and verdicts(files[NFT]) == calm_verdicts
    for start in range(0, len(examples), BATCH):
        assert_parsers_accept(examples[start : start + BATCH], tmp_path)


def verdicts(text: str) -> list[str]:
    """What becomes of packets from everywhere to everywhere, through the firewall and to it."""
    rules = nft.read(text)
    return [rules.verdict(hook, packet) for packet in packets() for hook in ("forward", "input")]


def packets() -> Iterator[nft.Packet]:
    nets = (CALM.primary, *CALM.shared, *CALM.externals)
    for source, target in product(nets, nets):
        for port, state in product((22, 443, 8080), ("new", "established")):
            yield nft.Packet(
                source.prefixes[0][5],
                target.prefixes[0][5],
                "tcp",
                port,
                iif=f"vrf{source.vrf}",
                oif=f"bridge{target.vrf}",
                state=state,
            )


def assert_parsers_accept(batch: list[dict[str, str]], folder: Path) -> None:
    """Many in one go: the rule sets replace one another, and the routing is read line by line."""
    (folder / "nftables.conf").write_text("".join(files[NFT] for files in batch))
    routing = "".join(files[FRR].removesuffix("end\n") for files in batch)
    (folder / "frr.conf").write_text(f"{routing}end\n")
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for command in (
        ["vtysh", "-C", "-f", "frr.conf"],
        ["unshare", FLAGS, "nft", "-c", "-f", "nftables.conf"],
    ):
        done = subprocess.run(
            [str(shutil.which(command[0], path=path)), *command[1:]],
            capture_output=True,
            text=True,
            cwd=folder,
            env={"PATH": path},
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0 and "line " not in output, output[:500]


# Where people enter a text that a configuration spells.
EDGES: dict[str, Callable[[str], None]] = {
    "uplink": lambda text: Firewall(uplinks=[text]).clean_fields(exclude=["machine"]),
    "hostname": lambda text: Machine(name=text).clean_fields(
        exclude=["partition", "project", "primary", "asn", "labels"]
    ),
    "id": lambda text: Network(id=text, kind="private").clean_fields(
        exclude=["partition", "project", "parent", "vrf"]
    ),
    "ntp": lambda text: Partition(id="x", name="x", ntp_servers=[text]).clean_fields(),
    "comment": lambda text: Rule(
        direction="egress", position=1, ports=["80"], comment=text
    ).clean_fields(exclude=["firewall"]),
}


def is_refused(edge: str, text: str) -> bool:
    try:
        EDGES[edge](text)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_what_cannot_be_spelled_is_refused_where_it_is_entered(edge: str, text: str) -> None:
    """What is accepted is rendered as it was written."""
    if is_refused(edge, text):
        return
    files = render(plan(facts_with(**{edge: text})))
    assert text.strip() in "".join(files.values())


PLAIN = {
    "uplink": ["lan0", "eth1.100"],
    "hostname": ["fw-1"],
    "id": ["a_b.c-d"],
    "ntp": ["2001:db8::123"],
    "comment": ["für 443; drop #1"],
}


@pytest.mark.parametrize("edge", EDGES)
def test_what_people_write_is_accepted(edge: str) -> None:
    assert not [text for text in PLAIN[edge] if is_refused(edge, text)]


@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(st.sampled_from(sorted(EDGES)), TEXT)
def test_any_text_is_refused_where_it_is_entered_or_rendered_as_it_was_written(
    edge: str, text: str
) -> None:
    if not is_refused(edge, text):
        files = render(plan(facts_with(**{edge: text})))
        assert text.strip() in "".join(files.values()) and not list(unresolved(files))


# What a configuration spells; no other text in the database is ever in one, whatever it says.
SPELLED = {
    "networks.Network.name",
    "networks.Partition.ntp_servers",
    "machines.Machine.name",
    "firewalls.Firewall.uplinks",
    "firewalls.Rule.comment",
    "firewalls.Rule.ports",
}
TEXTS = (models.CharField, models.TextField, models.JSONField, ArrayField)
MODELS: list[type[models.Model]] = [
    Partition,
    Project,
    Network,
    Address,
    Machine,
    Firewall,
    Rule,
    Endpoint,
]


def unspelled(model: type[models.Model]) -> Iterator["models.Field[Any, Any]"]:
    for field in model._meta.concrete_fields:
        is_free_text = isinstance(field, TEXTS) and not field.primary_key and not field.choices
        holds_prefixes = isinstance(getattr(field, "base_field", None), CidrField)
        is_spelled = f"{model._meta.label}.{field.name}" in SPELLED
        if is_free_text and not holds_prefixes and not is_spelled:
            yield field


@pytest.mark.django_db
@pytest.mark.usefixtures("published")
def test_every_other_text_in_the_database_leaves_the_files_as_they_are() -> None:
    """Written past every check, straight into the tables."""
    fra = world(v6="2001:db8:128::/48")
    store, home = fra.private("store", fra.storage), fra.private("home", fra.shop)
    store.share("ada")
    firewall = fra.firewall("shop-fw", fra.shop, home, store, fra.internet, host="192.0.2.7")
    Rule(
        firewall=firewall,
        position=1,
        direction="egress",
        ports=["443"],
        destinations=[ip_network("0.0.0.0/0")],
        comment="web",
    ).save()
    published = firewall.machine.addresses.get(prefix__network=store, address__family=4)
    Endpoint(
        address=published, port=80, machine=fra.machine("web", fra.shop, home), target_port=80
    ).save()
    before = rendered([firewall.pk])
    reached = set()
    for model in MODELS:
        for field in unspelled(model):
            attack = "".join(ATTACKS).replace("\x00", "")[: field.max_length]
            hostile = {"k": attack} if isinstance(field, models.JSONField) else attack
            with suppress(IntegrityError, DataError), transaction.atomic():
                if model._base_manager.update(**{field.name: hostile}):
                    reached.add((model, field.name))
    assert rendered([firewall.pk]) == before
    assert {
        (Network, "description"),
        (Network, "labels"),
        (Project, "tenant"),
        (Machine, "labels"),
        (Address, "name"),
    } <= reached
