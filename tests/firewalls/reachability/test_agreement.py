"""On generated partitions the answers are those of a model, and of what the rendered text does.

`PARTITIONS=300` tries as many of them; by itself it is fewer.
"""

import os
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from firewalls.reachability.answering import Trace, followed
from firewalls.reachability.questions import Probe
from firewalls.reachability.values import Packet
from tests.firewalls.reachability.generated import Generated, generated
from tests.firewalls.reachability.walk import Parcel

PARTITIONS = int(os.environ.get("PARTITIONS", "40"))


def verdict(partition: Generated, network: str, parcel: Parcel) -> str:
    port = parcel.port if parcel.protocol != "icmp" else None
    packet = Packet(parcel.source, parcel.destination, parcel.protocol, port)
    probe = Probe(packet, network)
    return str(Trace(probe, tuple(followed(partition.partition, probe))).verdict)


@settings(max_examples=PARTITIONS)
@given(st.integers(0, 10**9))
def test_the_verdict_is_what_the_domain_and_the_rendered_text_say(seed: int) -> None:
    partition = generated(Random(seed))
    for network, parcel in partition.questions(Random(seed)):
        found = verdict(partition, network, parcel)
        modelled = partition.model.verdict(parcel, network)
        read = partition.texts.verdict(parcel, network)
        assert (found, found) == (modelled, read), f"{network}: {parcel}"
