"""What is entered of a firewall is looked at where it is entered: hosts, keys, uplinks, rules."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from firewalls.allocation import replace_rules
from firewalls.models import Firewall, Rule
from networks.common import limits
from networks.models import Network
from tests.api import Api, codes
from tests.test_admin import staff
from tests.world import World, world

pytestmark = pytest.mark.django_db

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y3rUVhqgnxPCjAmoEEVRVFjjIrc3kYmkkHOOkzZM3"


@pytest.fixture
def fra() -> World:
    fra = world()
    fra.firewall("fw", fra.shop, fra.private("shop", fra.shop), fra.internet)
    return fra


@pytest.fixture
def path(fra: World) -> str:
    return f"firewalls/{Firewall.objects.get().pk}/"


def changed(path: str, **fields: Any) -> Any:
    return Api().patch(path, fields)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:22", "256.1.1.1", "1.2.3", "-x", "a_b", "fw.", "[2001:db8::1]", "0x7f000001"],
)
def test_a_host_is_a_name_or_an_address(path: str, host: str) -> None:
    refused = codes(changed(path, management={"host": host}))
    assert refused == {"management": ["invalid_host"]}
    hop = {"partition": "fra", "jump_host": host, "jump_user": "hop", "jump_key": KEY}
    assert codes(Api().post("ssh-access/", hop)) == {"jump_host": ["invalid_host"]}


@pytest.mark.parametrize("host", ["fw-1.example.org", "192.0.2.7", "2001:db8::7", "fe80::1%eth0"])
def test_hosts_are_taken(path: str, host: str) -> None:
    assert changed(path, management={"host": host}).json()["management"]["host"] == host


@pytest.mark.parametrize(
    "key", ["ssh-ed25519 AAAA", KEY[:-4], "ssh-rsa AAAA", KEY.replace("ed25519", "rsa", 1), "x"]
)
def test_a_host_key_is_a_key(path: str, key: str) -> None:
    assert codes(changed(path, management={"host_key": key})) == {
        "management": ["invalid_host_key"]
    }
    assert changed(path, management={"host_key": KEY}).json()["management"]["host_key"] == KEY


@pytest.mark.parametrize("uplink", ["lo", "bridge", "vrf3", "-x", "a" * 16, "a b"])
def test_an_uplink_is_an_interface_that_the_firewall_does_not_make(path: str, uplink: str) -> None:
    assert set(codes(changed(path, uplinks=[uplink]))["uplinks"]) == {"item_invalid"}


class TestRules:
    @pytest.mark.parametrize(
        ("sources", "destinations"),
        [
            (["192.0.2.0/24"], ["2001:db8::/64"]),
            (["192.0.2.0/24", "2001:db8::/64"], ["198.51.100.0/24"]),
            (["2001:db8::/64"], ["198.51.100.0/24", "2001:db8:1::/64"]),
        ],
    )
    def test_whose_families_cannot_meet_are_refused(
        self, path: str, sources: list[str], destinations: list[str]
    ) -> None:
        rule = {"protocol": "tcp", "ports": [22], "from": sources, "to": destinations}
        answer = changed(path, rules={"ingress": [rule]})
        assert codes(answer) == {"rules": ["other_family"]}
        assert "Ingress rule 1: What comes from IPv" in answer.json()["rules"][0]["message"]
        assert not Rule.objects.exists()

    @pytest.mark.parametrize(
        ("sources", "destinations"),
        [([], ["2001:db8::/64"]), (["192.0.2.0/24"], []), (["192.0.2.0/24"], ["198.51.100.0/24"])],
    )
    def test_of_one_family_are_taken(
        self, path: str, sources: list[str], destinations: list[str]
    ) -> None:
        rule = {"protocol": "tcp", "ports": [22], "from": sources, "to": destinations}
        assert changed(path, rules={"ingress": [rule]}).status_code == 200
        assert Rule.objects.count() == 1

    @pytest.mark.parametrize("port", ["\u0662\u0662", "22-\u0662\u0663", "0", "65536", "9-8", ""])
    def test_have_ports_in_plain_digits(self, path: str, port: str) -> None:
        rule = {"protocol": "tcp", "ports": [port]}
        assert codes(changed(path, rules={"ingress": [rule]})) == {"rules": ["item_invalid"]}

    def test_whose_protocol_is_in_capitals_name_the_one_that_is_meant(self, path: str) -> None:
        answer = changed(path, rules={"egress": [{"protocol": "TCP", "ports": [22]}]})
        assert codes(answer) == {"rules": ["invalid_choice"]}
        assert "did you mean tcp? There are icmp, tcp, udp." in answer.json()["rules"][0]["message"]

    @pytest.mark.parametrize("prefix", ["192.0.2.7", "192.0.2.0/0.0.0.255"])
    def test_have_prefixes_with_their_length(self, path: str, prefix: str) -> None:
        rule = {"protocol": "tcp", "ports": [22], "from": [prefix]}
        assert codes(changed(path, rules={"ingress": [rule]})) == {"rules": ["invalid_prefix"]}

    @pytest.mark.parametrize(
        ("key", "item", "limit"),
        [
            ("ports", 22, limits.MOST_PORTS),
            ("from", "192.0.2.0/24", limits.MOST_CIDRS),
            ("to", "192.0.2.0/24", limits.MOST_CIDRS),
        ],
    )
    def test_have_limits(self, path: str, key: str, item: object, limit: int) -> None:
        rule = {"protocol": "tcp", "ports": [22], key: [item] * (limit + 1)}
        answer = changed(path, rules={"ingress": [rule]})
        assert codes(answer) == {"rules": ["too_many"]}
        assert answer.json()["rules"][0]["message"] == f"At most {limit:,} are taken at once."

    def test_are_not_too_many(self, path: str) -> None:
        rule = {"protocol": "tcp", "ports": [22]}
        answer = changed(path, rules={"ingress": [rule] * (limits.MOST_RULES + 1)})
        assert codes(answer) == {"rules": ["too_many"]}
        values = {"direction": "egress", "protocol": "tcp", "ports": ["22"]}
        with pytest.raises(ValidationError, match=r"At most 1,000 are taken at once\."):
            replace_rules(Firewall.objects.get(), [values] * (limits.MOST_RULES + 1))
        with pytest.raises(ValidationError, match=r"at most 1,000 rules of each direction"):
            Rule(firewall=Firewall.objects.get(), position=1001, **values).save()


def test_limits_are_the_same_in_the_admin_and_on_pages(fra: World) -> None:
    firewall, many = Firewall.objects.get(), ", ".join(["10.128.4.9"] * 201)
    fra.private("storage", fra.storage, shared=True)
    joining = staff().post(f"/firewalls/{firewall.pk}/join/storage/", {"addresses": many})
    assert "At most 200 are taken at once." in joining.content.decode()
    order = {"name": "new", "partition": "fra", "project": "shop", "network": "shop"}
    adding = staff().post("/admin/machines/machine/add/", {**order, "addresses": many})
    assert "At most 200 are taken at once." in adding.content.decode()
    rule = {"firewall": firewall.pk, "direction": "egress", "protocol": "tcp", "ports": "22"}
    adding = staff().post("/admin/firewalls/rule/add/", {**rule, "position": "1001"})
    assert "at most 1,000 rules of each direction" in adding.content.decode()
    assert firewall.machine.addresses.count() == 3 and not Rule.objects.exists()


def test_uplinks_have_a_limit(path: str) -> None:
    answer = changed(path, uplinks=[f"lan{number}" for number in range(17)])
    assert codes(answer) == {"uplinks": ["too_many"]}


@pytest.mark.usefixtures("fra")
def test_a_reason_is_one_line_at_every_door(path: str) -> None:
    body = {"start": "now", "reason": "a\nb"}
    assert codes(Api().post(f"{path}push/", body)) == {"reason": ["not_one_line"]}


def test_errors_of_a_firewall_are_on_fields_that_there_are(path: str) -> None:
    assert set(codes(changed(path, project="analytics"))) == {"network", "project"}
    assert Network.objects.filter(pk="shop").exists()
