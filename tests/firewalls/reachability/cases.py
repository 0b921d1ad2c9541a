"""What domain.md says of who reaches whom, sentence by sentence, as questions with their answers.

A question reads `source -> destination port`; a source is a machine, `net:` a network, an address,
or a firewall's own (`shop-fw in storage`). The answer: the verdict, and the codes of all that is in
the way.
"""

from typing import NamedTuple


class Case(NamedTuple):
    sentence: str
    scene: str
    question: str
    verdict: str
    codes: str = ""

    @property
    def name(self) -> str:
        return f"{self.sentence} [{self.scene}: {self.question}]"


R, U, A, X = "reachable", "unreachable", "ambiguous", "unknown"

CONSUMING = [
    Case(
        "every machine whose firewall joins the shared network can use it",
        "one_consumer",
        "web -> disk tcp/2049",
        R,
    ),
    Case(
        "every machine whose firewall joins the shared network can use it",
        "one_consumer",
        "app -> disk udp/111",
        R,
    ),
    Case(
        "every machine whose firewall joins the shared network can use it",
        "one_consumer",
        "web -> disk icmp",
        R,
    ),
    Case(
        "every machine whose firewall joins the shared network can use it",
        "one_consumer",
        "net:shop -> net:storage tcp/2049",
        R,
    ),
    Case(
        "through one firewall, the consumer's own, not two",
        "own_firewall",
        "web -> disk tcp/2049",
        R,
    ),
    Case(
        "shared networks need no firewall of their own", "one_consumer", "web -> disk tcp/3260", R
    ),
    Case(
        "a network that the firewall did not join appears nowhere",
        "one_consumer",
        "web -> tape tcp/22",
        U,
        "not_joined",
    ),
    Case(
        "a private network is unshared until marked",
        "one_consumer",
        "web -> test tcp/22",
        U,
        "not_shared not_joined",
    ),
    Case(
        "a shared network is used only by firewalls of its partition",
        "one_consumer",
        "web -> away tcp/22",
        U,
        "other_partition",
    ),
    Case(
        "the private network hides behind the firewall's address",
        "two_consumers",
        "disk -> web tcp/80",
        U,
        "no_firewall shared_never_opens not_shared",
    ),
    Case("consuming is not transitive: B's machines reach A", "chain", "web -> till tcp/443", R),
    Case(
        "consuming is not transitive: B's machines reach A, not S",
        "chain",
        "web -> disk tcp/2049",
        U,
        "not_joined",
    ),
    Case(
        "consuming is not transitive: A's own machines reach S", "chain", "till -> disk tcp/2049", R
    ),
    Case(
        "two consumers of one shared network reach it", "two_consumers", "till -> disk tcp/2049", R
    ),
    Case(
        "two consumers reach the shared network, never each other",
        "two_consumers",
        "web -> till tcp/443",
        U,
        "not_shared not_joined",
    ),
    Case(
        "two consumers reach the shared network, never each other",
        "two_consumers",
        "till -> web tcp/443",
        U,
        "not_shared not_joined",
    ),
    Case(
        "its primary stays its primary when it is shared later",
        "owner_and_consumer",
        "disk -> tape tcp/2049",
        R,
    ),
    Case(
        "S never imports from another S",
        "owner_and_consumer",
        "tape -> disk tcp/2049",
        U,
        "no_firewall shared_never_opens",
    ),
    Case(
        "a producer may have no firewall in front: producers reach each other",
        "networks",
        "disk -> 10.128.0.77 tcp/22",
        R,
    ),
    Case(
        "machines of one network reach each other without a firewall",
        "nothing_joined",
        "web -> app tcp/22",
        R,
    ),
    Case(
        "a network without a firewall reaches nothing else",
        "networks",
        "web -> disk tcp/2049",
        U,
        "no_firewall",
    ),
    Case(
        "a network without a firewall reaches nothing else, and all in the way is named",
        "networks",
        "web -> test tcp/22",
        U,
        "no_firewall not_shared",
    ),
    Case(
        "every thing in the way, not only the first",
        "nothing_joined",
        "web -> test tcp/22",
        U,
        "not_shared not_joined",
    ),
]
SHARED_OPENS_NOTHING = [
    Case(
        "S to P never: a shared network's machines open no connections into a private network",
        "one_consumer",
        "disk -> web tcp/443",
        U,
        "no_firewall shared_never_opens not_shared",
    ),
    Case(
        "S to P never, by whatever protocol",
        "one_consumer",
        "disk -> web icmp",
        U,
        "no_firewall shared_never_opens not_shared",
    ),
    Case(
        "S to P never, also where S has an own firewall",
        "own_firewall",
        "disk -> web tcp/443",
        U,
        "shared_never_opens not_shared not_joined",
    ),
    Case("S to S never", "unlike", "disk -> tape tcp/22", U, "no_firewall"),
    Case(
        "S to E never: no consumer's firewall is its way to the internet",
        "one_consumer",
        "disk -> internet tcp/443",
        U,
        "no_firewall",
    ),
    Case("E to S never", "one_consumer", "198.51.100.9 -> disk tcp/2049", U, "hidden_from_outside"),
    Case(
        "with an own firewall that joins an external network: as usual",
        "own_firewall",
        "disk -> internet tcp/443",
        R,
    ),
    Case(
        "what they may reach is an endpoint on the firewall's shared address",
        "published",
        "disk -> endpoint:shop-fw in storage tcp/8080",
        R,
    ),
    Case(
        "what they may reach is an endpoint, at its port alone",
        "published",
        "disk -> shop-fw in storage tcp/8081",
        U,
        "firewall_closed",
    ),
    Case(
        "what they may reach is an endpoint, by its protocol alone",
        "published",
        "disk -> shop-fw in storage udp/8080",
        U,
        "firewall_closed",
    ),
    Case(
        "what they may reach is an endpoint, and never past it",
        "published",
        "disk -> web tcp/80",
        U,
        "no_firewall shared_never_opens not_shared",
    ),
    Case(
        "an endpoint is reached by the machines behind its own firewall",
        "published",
        "app -> endpoint:shop-fw in storage tcp/8080",
        R,
    ),
    Case(
        "an endpoint is reached by other consumers, through their own firewall",
        "published",
        "till -> endpoint:shop-fw in storage tcp/8080",
        R,
    ),
    Case(
        "an endpoint is reached by nobody who has not joined",
        "published",
        "test -> endpoint:shop-fw in storage tcp/8080",
        U,
        "no_firewall",
    ),
    Case(
        "an endpoint is not reached from outside",
        "published",
        "198.51.100.9 -> endpoint:shop-fw in storage tcp/8080",
        U,
        "hidden_from_outside",
    ),
    Case(
        "an endpoint leads to no BGP of a machine",
        "published_bgp",
        "disk -> endpoint:shop-fw in storage tcp/8080",
        U,
        "bgp",
    ),
    Case(
        "replies to an endpoint may take an alike sibling",
        "published_with_sibling",
        "disk -> endpoint:shop-fw in storage tcp/8080",
        A,
        "reply_elsewhere",
    ),
    Case(
        "own machines hide from the one that answers, so their replies come back",
        "published_with_sibling",
        "app -> endpoint:shop-fw-2 in storage tcp/8080",
        U,
        "firewall_closed",
    ),
    Case(
        "replies to an endpoint take the sibling that alone has joined",
        "published_with_unlike_sibling",
        "disk -> endpoint:shop-fw in storage tcp/8080",
        R,
    ),
]
OUTSIDE = [
    Case(
        "traffic of pods that is not translated does not leave",
        "pods",
        "pod -> internet tcp/443",
        U,
        "forged",
    ),
    Case(
        "traffic of pods that is not translated reaches no shared network",
        "pods",
        "pod -> disk tcp/2049",
        U,
        "forged",
    ),
    Case(
        "where nat is set and there is no address to hide behind, nothing leaves",
        "cannot_hide",
        "web -> 2001:db8:ffff::9 tcp/443",
        U,
        "cannot_hide",
    ),
    Case("P to E by egress rules", "one_consumer", "web -> internet tcp/443", R),
    Case("P to E by egress rules", "one_consumer", "web -> 198.51.100.9 tcp/443", R),
    Case("P to E by egress rules", "one_consumer", "web -> internet tcp/80", U, "no_egress_rule"),
    Case("P to E by egress rules", "one_consumer", "web -> internet udp/443", U, "no_egress_rule"),
    Case("P to E by egress rules", "no_rules", "web -> internet tcp/443", U, "no_egress_rule"),
    Case("egress rules name ranges", "rules_outside", "web -> internet tcp/8050", R),
    Case(
        "egress rules name ranges", "rules_outside", "web -> internet tcp/8101", U, "no_egress_rule"
    ),
    Case("egress rules name destinations", "rules_outside", "web -> 198.51.100.9 tcp/25", R),
    Case(
        "egress rules name destinations",
        "rules_outside",
        "web -> 192.0.2.9 tcp/25",
        U,
        "no_egress_rule",
    ),
    Case(
        "it depends on which address: part of the internet",
        "rules_outside",
        "web -> internet tcp/25",
        A,
        "no_egress_rule",
    ),
    Case("no destinations mean any", "rules_outside", "web -> internet udp/53", R),
    Case("no port asked for: any of its protocol", "rules_outside", "web -> internet tcp", R),
    Case(
        "pings leave by egress rules too",
        "rules_outside",
        "web -> internet icmp",
        U,
        "no_egress_rule",
    ),
    Case("egress rules name sources", "rules_of_one_source", "web -> internet tcp/443", R),
    Case(
        "egress rules name sources",
        "rules_of_one_source",
        "app -> internet tcp/443",
        U,
        "no_egress_rule",
    ),
    Case(
        "it depends on which machine",
        "rules_of_one_source",
        "net:shop -> internet tcp/443",
        A,
        "no_egress_rule",
    ),
    Case(
        "machines speak no BGP through a firewall",
        "rules_outside",
        "web -> internet tcp/179",
        U,
        "bgp",
    ),
    Case(
        "P imports the destination prefixes of each E",
        "mpls",
        "web -> 100.64.3.4 tcp/443",
        X,
        "way_back_outside",
    ),
    Case(
        "P imports the destination prefixes of each E, and nothing else",
        "mpls",
        "web -> internet tcp/443",
        U,
        "no_way_outside",
    ),
    Case(
        "where nat is not set nothing is translated, and replies are not ours to know",
        "mpls",
        "web -> 100.127.129.9 tcp/443",
        X,
        "way_back_outside",
    ),
    Case(
        "E imports P's prefixes with no-export: nobody outside knows them",
        "rules_outside",
        "192.0.2.7 -> web tcp/22",
        U,
        "hidden_from_outside",
    ),
    Case(
        "E to P by ingress rules, at public addresses that live in P",
        "rules_outside",
        "192.0.2.7 -> 203.0.113.9 tcp/22",
        X,
        "lives_elsewhere",
    ),
    Case(
        "E to P by ingress rules",
        "rules_outside",
        "198.51.100.9 -> 203.0.113.9 tcp/22",
        U,
        "no_ingress_rule lives_elsewhere",
    ),
    Case(
        "E to P by ingress rules",
        "rules_outside",
        "192.0.2.7 -> 203.0.113.9 tcp/23",
        U,
        "no_ingress_rule lives_elsewhere",
    ),
    Case(
        "without an external network: no way to the internet",
        "no_external",
        "web -> internet tcp/443",
        U,
        "no_way_outside no_egress_rule",
    ),
    Case(
        "an external network that has a project serves that project alone",
        "serving",
        "web -> 198.51.100.9 tcp/443",
        U,
        "not_joined",
    ),
    Case(
        "what is reached through another network outside is not ours to know",
        "one_consumer",
        "web -> 100.64.3.4 tcp/443",
        X,
        "led_outside",
    ),
    Case(
        "without a firewall: none, and what to do",
        "networks",
        "web -> internet tcp/443",
        U,
        "no_firewall",
    ),
]
NARROWING = [
    Case("P to S: what the firewall's rules narrow it to", "narrowed", "web -> disk tcp/2049", R),
    Case(
        "P to S: what the firewall's rules narrow it to",
        "narrowed",
        "web -> disk tcp/22",
        U,
        "narrowed",
    ),
    Case(
        "P to S: what the firewall's rules narrow it to",
        "narrowed",
        "web -> 10.128.0.77 tcp/2049",
        U,
        "narrowed",
    ),
    Case(
        "a rule for the whole internet lets through to S too, once it is narrowed",
        "narrowed",
        "web -> 10.128.0.77 tcp/443",
        R,
    ),
    Case(
        "a shared network answers pings, narrowed or not", "narrowed", "web -> 10.128.0.77 icmp", R
    ),
    Case(
        "it depends on which address of the network",
        "narrowed",
        "web -> net:storage tcp/2049",
        A,
        "narrowed",
    ),
    Case("rules name sources", "narrowed_by_source", "web -> disk tcp/2049", R),
    Case("rules name sources", "narrowed_by_source", "app -> disk tcp/2049", U, "narrowed"),
    Case(
        "it depends on which machine",
        "narrowed_by_source",
        "net:shop -> disk tcp/2049",
        A,
        "narrowed",
    ),
    Case(
        "a rule that names one family narrows both",
        "dual_narrowed",
        "web -> disk tcp/2049",
        A,
        "narrowed",
    ),
    Case(
        "a rule that concerns a shared network alone opens nothing outside",
        "narrowed",
        "web -> internet tcp/2049",
        U,
        "no_egress_rule",
    ),
]
THE_FIREWALL = [
    Case(
        "input: SSH never from a shared network",
        "one_consumer",
        "disk -> shop-fw in storage tcp/22",
        U,
        "firewall_closed",
    ),
    Case(
        "input: SSH never from P",
        "one_consumer",
        "web -> shop-fw in shop tcp/22",
        U,
        "firewall_closed",
    ),
    Case(
        "input: SSH only from the management prefixes",
        "one_consumer",
        "192.0.2.9 -> shop-fw in internet tcp/22",
        R,
    ),
    Case(
        "input: SSH only from the management prefixes",
        "one_consumer",
        "198.51.100.9 -> shop-fw in internet tcp/22",
        U,
        "firewall_closed",
    ),
    Case("input: metrics from P", "one_consumer", "web -> shop-fw in shop tcp/9100", R),
    Case(
        "input: metrics from P alone",
        "one_consumer",
        "disk -> shop-fw in storage tcp/9100",
        U,
        "firewall_closed",
    ),
    Case(
        "input: everything else is dropped",
        "one_consumer",
        "web -> shop-fw in shop tcp/80",
        U,
        "firewall_closed",
    ),
    Case(
        "input: everything else is dropped",
        "one_consumer",
        "web -> shop-fw in shop udp/53",
        U,
        "firewall_closed",
    ),
    Case("input: pings are answered", "one_consumer", "disk -> shop-fw in storage icmp", R),
    Case(
        "another consumer's firewall is closed too",
        "two_consumers",
        "web -> pay-fw in storage tcp/22",
        U,
        "firewall_closed",
    ),
]
SEVERAL = [
    Case("alike: nothing special", "alike", "web -> disk tcp/2049", R),
    Case(
        "alike: each hides flows behind its own address, so replies come back",
        "alike",
        "net:shop -> net:storage tcp/2049",
        R,
    ),
    Case("alike: outside too", "alike", "web -> internet tcp/443", R),
    Case(
        "ambiguous where flows could be lost: rules that differ",
        "alike_with_other_rules",
        "web -> internet tcp/443",
        A,
        "no_egress_rule",
    ),
    Case(
        "rules that differ do not matter where both let through",
        "alike_with_other_rules",
        "web -> disk tcp/2049",
        R,
    ),
    Case(
        "unlike: what only some have joined is announced by those",
        "unlike",
        "web -> disk tcp/2049",
        R,
    ),
    Case(
        "unlike: what only some have joined is announced by those",
        "unlike",
        "web -> tape tcp/2049",
        R,
    ),
    Case(
        "unlike: outside as before, by all that lead there", "unlike", "web -> internet tcp/443", R
    ),
    Case(
        "unlike: what none has joined is in the way of each",
        "unlike",
        "web -> till tcp/22",
        U,
        "not_shared not_joined",
    ),
    Case(
        "unlike: none originates a default as long as another brings one",
        "unlike_outside",
        "web -> internet tcp/443",
        R,
    ),
    Case(
        "unlike: what all have joined is announced by all",
        "unlike_outside",
        "web -> disk tcp/2049",
        R,
    ),
    Case(
        "no way outside at all: nobody originates a default",
        "unlike_without_outside",
        "web -> internet tcp/443",
        U,
        "no_way_outside no_egress_rule",
    ),
    Case(
        "no way outside at all: shared networks by the longer prefix",
        "unlike_without_outside",
        "web -> disk tcp/2049",
        R,
    ),
    Case(
        "a firewall that has joined nothing draws nothing",
        "unlike_and_nothing",
        "web -> disk tcp/2049",
        R,
    ),
]
FAMILIES = [
    Case("IPv4 and IPv6, each with its own lists", "dual_consumer", "web -> disk tcp/2049", R),
    Case("IPv6 alone", "dual_consumer", "web -> ice tcp/2049", R),
    Case("IPv4 alone", "dual_consumer", "web -> tape tcp/2049", R),
    Case(
        "it depends on the family",
        "dual_consumer",
        "web -> internet tcp/443",
        A,
        "no_way_outside no_egress_rule way_back_outside",
    ),
    Case("no family in common", "dual", "till -> tape tcp/22", U, "no_common_family"),
    Case(
        "an address of another family than the source's",
        "dual_consumer",
        "till -> 10.128.0.10 tcp/22",
        U,
        "no_common_family",
    ),
    Case(
        "each family its own external network",
        "dual_outside",
        "web -> internet tcp/443",
        X,
        "way_back_outside",
    ),
    Case(
        "an endpoint in IPv6", "dual_published", "disk -> endpoint6:shop-fw in storage tcp/8080", R
    ),
    Case(
        "an endpoint in one family is none in the other",
        "dual_published",
        "disk -> shop-fw in storage tcp/8080",
        U,
        "firewall_closed",
    ),
]
APPLIED = [
    Case("works once it is pushed", "never_pushed", "web -> disk tcp/2049", U, "never_pushed"),
    Case(
        "works once it is pushed: within the network nothing is pushed",
        "never_pushed",
        "web -> app tcp/22",
        R,
    ),
    Case(
        "something it depends on is not ours to know",
        "runs_something_else",
        "web -> disk tcp/2049",
        X,
        "runs_something_else",
    ),
    Case("a firewall that is not in sync is an assumption", "pending", "web -> disk tcp/2049", R),
]
CASES = [
    *CONSUMING,
    *SHARED_OPENS_NOTHING,
    *OUTSIDE,
    *NARROWING,
    *THE_FIREWALL,
    *SEVERAL,
    *FAMILIES,
    *APPLIED,
]
