"""What a person does at pages and at the admin, one thing after the other, chosen by chance."""

from collections.abc import Sequence

from tests.storm.writers import FIREWALLS, MACHINES, OF_SHOP, Action, Writer, firewall, machine

PAGES = ("/", "/firewalls/", "/networks/", "/rollouts/", "/retired/", "/activity/")
ADMIN = ("firewalls/firewall", "firewalls/rule", "networks/network", "networks/address")


def read(writer: Writer, number: int) -> None:
    one = f"/firewalls/{FIREWALLS[number]}/"
    writer.look(writer.chance.choice([*PAGES, one, f"{one}diff/", "/networks/storage/share/"]))


def read_admin(writer: Writer, number: int) -> None:
    writer.look(f"/admin/{writer.chance.choice(ADMIN)}/")


def join(writer: Writer, number: int) -> None:
    writer.post(f"/firewalls/{FIREWALLS[number]}/join/backup/", push="on")


def leave(writer: Writer, number: int) -> None:
    writer.post(f"/firewalls/{FIREWALLS[number]}/leave/backup/", push="on")


def push(writer: Writer, number: int) -> None:
    writer.post(f"/firewalls/{FIREWALLS[number]}/push/")


def check(writer: Writer, number: int) -> None:
    writer.post(f"/firewalls/{FIREWALLS[number]}/check/")


def ask_needs(writer: Writer, number: int) -> None:
    writer.post(f"/firewalls/{FIREWALLS[number]}/needs/")


def dismiss_key(writer: Writer, number: int) -> None:
    writer.post(f"/firewalls/{FIREWALLS[number]}/host-key/dismiss/")


def roll_out(writer: Writer, number: int) -> None:
    rows = [writer.ask("GET", f"firewalls/{one}/") for one in FIREWALLS]
    shown = " ".join(f"{row['id']}:{row['wanted']}:{row['name']}" for row in rows if row)
    form = {"cause": writer.name, "sizes": "1, rest", "max_failures": "0", "shown": shown}
    writer.post("/rollouts/new/", **form)


def free(writer: Writer, number: int) -> None:
    writer.post(f"/firewalls/{FIREWALLS[number]}/free/", confirm=f"fw-{number}")
    writer.ask("POST", "firewalls/", firewall(number))


def add_rule(writer: Writer, number: int) -> None:
    place = str(writer.chance.randrange(100, 900))
    rule = {"direction": "egress", "position": place, "protocol": "tcp", "ports": "443"}
    writer.post("/admin/firewalls/rule/add/", firewall=FIREWALLS[number], **rule)


def join_in_admin(writer: Writer, number: int) -> None:
    joined = {"firewall": FIREWALLS[number], "network": "backup", "addresses": ""}
    writer.post("/admin/firewalls/attachment/add/", **joined)


def withdraw_in_admin(writer: Writer, number: int) -> None:
    if id := writer.endpoint(number):
        writer.post(f"/admin/firewalls/endpoint/{id}/delete/", post="yes")


def free_in_admin(writer: Writer, number: int) -> None:
    writer.post(f"/admin/firewalls/firewall/{FIREWALLS[number]}/delete/", post="yes")
    writer.ask("POST", "firewalls/", firewall(number))


def replace_machine_in_admin(writer: Writer, number: int) -> None:
    writer.post(f"/admin/machines/machine/{MACHINES[number]}/delete/", post="yes")
    writer.ask("POST", "machines/", machine(number))


def add_address(writer: Writer, number: int) -> None:
    reserved = {"network": f"net-{number}", "project": "shop", "kind": "static"}
    writer.post("/admin/networks/address/add/", **reserved)


def come_and_go_in_admin(writer: Writer, number: int) -> None:
    """A network of one name, which several may make at once, and somebody removes."""
    objects = {"default_child_prefix_length": "{}", "labels": "{}"}
    columns = {"name": "in-admin", "kind": "private", **OF_SHOP, **objects}
    writer.post("/admin/networks/network/add/", **columns)
    writer.post("/admin/networks/network/in-admin/delete/", post="yes")


PERSON: Sequence[Action] = [
    *[join, leave, push, check, ask_needs, dismiss_key, roll_out, free, read, read_admin],
    *[add_rule, join_in_admin, withdraw_in_admin, free_in_admin, replace_machine_in_admin],
    *[add_address, come_and_go_in_admin, Writer.publish],
]
