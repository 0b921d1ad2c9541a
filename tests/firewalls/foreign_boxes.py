"""Boxes that somebody else has set up: taken over, given back, and what goes wrong on the way."""

import base64
import os
import shutil
from pathlib import Path

from firewalls.device.applier import others
from firewalls.device.protocol import packed
from tests.firewalls.boxes import CHANGED, GOOD
from tests.firewalls.broken_boxes import BOX, INSIDE, PRACTICE, Box, Fault, How, Told, fails, vtysh
from tests.firewalls.exits_in_the_way import FRR, VRF, WITH_UNITS

UNITS = "/etc/systemd/network"
OURS = WITH_UNITS | {
    f"{UNITS}/10-sn-lan0.network": "[Match]\nName=lan0\n[Network]\nAddress=10.0.0.1/32\n",
    f"{UNITS}/00-sn-lo.network": "[Match]\nName=lo\n",
}
THEIRS = {
    f"{UNITS}/20-br.netdev": "# theirs\n[NetDev]\nName=br\nKind=bridge\n",
    f"{UNITS}/20-br.network": "[Match]\nName=br\n[Network]\nVLAN=svi\nVLAN=svi2\n",
    f"{UNITS}/30-svi.netdev": "[NetDev]\nName=svi\nKind=vlan\n",
    f"{UNITS}/30-svi.network": "[Match]\nName=svi\n[Network]\nAddress=10.0.0.1/32\n",
    f"{UNITS}/31-svi2.netdev": "[NetDev]\nName=svi2\nKind=vlan\n",
    f"{UNITS}/31-svi2.network": "[Match]\nName=svi2\n[Network]\nVRF=vrf7\n",
    f"{UNITS}/30-vrf.netdev": "[NetDev]\nName=vrf7\nKind=vrf\n[VRF]\nTable=1000\n",
    f"{UNITS}/05-any.network": "[Match]\nName=!mgmt*\nType=ether\n",
    f"{UNITS}/00-loop.network": "[Match]\nType=loopback\n",
    f"{UNITS}/06-mac.network": "[Match]\nMACAddress=52:54:00:00:00:01\nDriver=x\n",
    f"{UNITS}/40-up.network": "[Match]\nName=up0\n[Network]\nVRF=x\nVLAN=vrf7\n",
    "/run/systemd/network/10-netplan.network": "[Match]\nName=lan*\n",
}
BESIDE = {
    f"{UNITS}/05-mgmt.network": "[Match]\nName=mgmt0\n",
    f"{UNITS}/01-none.network": "[Network]\nDHCP=yes\n",
    f"{UNITS}/00-kind.network": "[Match]\nKind=vlan\n",
    f"{UNITS}/99-any.network": "[Match]\nName=*\n",
    "/run/systemd/network/05-mgmt.network": "[Match]\nName=lan0\n",  # hidden by the other
    f"{UNITS}/90.txt": "no unit\n",
}


def put(box: Box, files: dict[str, str]) -> None:
    for path, text in files.items():
        place = box.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def set_up(box: Box) -> list[str]:
    """With their units and a device; gives the digests by which these are adopted."""
    put(box, THEIRS | BESIDE)
    put(box, {"/sys/class/net/lan0/address": "52:54:00:00:00:01\n"})
    (box.root / "etc/systemd/network/07-masked.network").symlink_to(os.devnull)
    return [others.digest(path.lstrip("/"), text) for path, text in THEIRS.items()]


def version(box: Box) -> str:
    return box.run("version")[1].split()[0]


def push(box: Box, adopted: list[str], how: How, files: dict[str, str] = OURS) -> Told:
    words = ["apply", version(box), *adopted]
    return box.told(*box.run(*words, given=packed(files), how=how))


def give_back(box: Box, how: How) -> Told:
    return box.told(*box.run("give-back", version(box), how=how))


def logging(log: Path) -> How:
    """Of networkd and of what is done to devices."""
    loud = {
        name: f'echo "{name} $*" >>{log}\n{BOX[name]}' for name in ("ip", "systemctl", "networkctl")
    }
    return How(loud)


def theirs_are_in_place(box: Box) -> bool:
    return (
        all((box.root / path.lstrip("/")).exists() for path in THEIRS)
        and not (box.root / f"{UNITS}/10-netplan.network".lstrip("/")).is_symlink()
    )


def units_of_somebody_else(box: Box) -> None:
    """Refused, taken over, told where they come later, and given back."""
    log = box.root.with_name("foreign.log")
    how = logging(log)
    adopted = set_up(box)
    refused = push(box, [], how)
    assert refused.ended == "failed" and refused.steps["check-units"][0] == "failed", refused
    assert "; and 8 more." in refused.steps["check-units"][1], refused
    assert theirs_are_in_place(box) and not log.exists()
    (box.state / "before/confirmed").unlink()  # as if nothing had ever been pushed here
    told = push(box, adopted, how)
    assert told.ended == "applied", told
    assert box.run("confirm", told.token)[1] == "confirmed\n"
    assert "restart systemd-networkd" in log.read_text()
    assert "ip link delete br\n" in log.read_text() and not theirs_are_in_place(box)
    assert (box.root / f"{UNITS}/10-netplan.network".lstrip("/")).is_symlink()
    put(box, {f"{UNITS}/01-later.network": "[Match]\nName=lan0\n"})
    assert "units of somebody else in the way" in box.run("show")[1]
    assert push(box, [], how).steps["check-units"][0] == "failed"
    later = others.digest(f"{UNITS}/01-later.network"[1:], "[Match]\nName=lan0\n")
    told = push(box, [later], how)
    assert told.ended == "applied" and box.run("confirm", told.token)[1] == "confirmed\n", told
    assert box.run("survey")[1].endswith("taken-over\nend\n")
    told = give_back(box, how)
    assert told.ended == "applied" and theirs_are_in_place(box), told
    assert box.run("confirm", told.token)[1] == "confirmed\n" and box.has(GOOD)


def units_of_somebody_else_that_come_back(box: Box) -> None:
    """A push that goes back gives them back, at once or at boot; one was removed meanwhile."""
    adopted = set_up(box)
    failing = fails("nft", '"-f $APPLIER_ROOT/etc/nftables.conf"', "no memory")
    assert push(box, adopted, How(failing)).ended == "rolled-back" and theirs_are_in_place(box)
    put(box, {"/etc/shared-networks/probes/no": "#!/bin/sh\nexit 1\n"})
    (box.root / "etc/shared-networks/probes/no").chmod(0o755)
    gone = f"{UNITS}/30-vrf.netdev"
    removing = How({"nft": f'rm -f "$APPLIER_ROOT{gone}"\n{BOX["nft"]}'})
    assert push(box, adopted, removing).ended == "rolled-back" and not theirs_are_in_place(box)
    put(box, {gone: THEIRS[gone]})
    assert theirs_are_in_place(box)
    (box.root / "etc/shared-networks/probes/no").unlink()
    told = push(box, adopted, PRACTICE)
    assert told.ended == "applied" and box.run("confirm", told.token)[1] == "confirmed\n", told
    (box.root / f"{UNITS}/10-netplan.network".lstrip("/")).unlink()  # by hand, and so shown again
    assert give_back(box, PRACTICE).ended == "applied" and theirs_are_in_place(box)


def what_was_kept_cannot_be_restored(box: Box) -> None:
    """Each of its parts may fail; then what runs stays."""
    box.settle(CHANGED)
    kept = box.state / "before"
    (kept / "rules").write_text(GOOD["/etc/nftables.conf"] + "table inet was {\n}\n")
    assert give_back(box, How()).ended == "rolled-back", "the rules are not as they were"
    (kept / "rules").write_text("")
    (kept / "running.conf").write_text("another\n")
    assert give_back(box, How()).ended == "rolled-back", "FRR is not as it was"
    rules = fails("nft", "*-c*new.*/rules", "no such table")
    told = give_back(box, How(rules))
    assert told.ended == "failed" and told.steps["check-nftables"][1] == "no such table", told
    told = give_back(box, How(fails("vtysh", "*-C*before/running.conf*", "unknown")))
    assert told.ended == "failed" and told.steps["check-frr"][1] == "unknown", told
    told = give_back(box, How(fails("nft", "*-f*new.*/rules", "no memory", when="true")))
    assert told.ended == "failed", told
    put(box, {VRF: "[NetDev]\nName=vrf7\n"})
    lost = {"vtysh": vtysh(running_config=f'rm -f "$APPLIER_ROOT{FRR}"; echo end')}
    assert give_back(box, How(lost)).ended in ("rolled-back", "failed")
    assert give_back(box, PRACTICE).ended == "applied"
    box.run("recover", how=INSIDE)


def a_unit_that_goes_while_it_is_given_back(box: Box) -> None:
    (box.state / "before/confirmed").unlink()
    told = push(box, set_up(box), How())
    assert box.run("confirm", told.token)[1] == "confirmed\n"
    removing = f'rm -f "$APPLIER_ROOT{UNITS}/05-mgmt.network"'
    told = give_back(box, How({"frr-reload.py": removing}))
    assert told.ended == "rolled-back" and "is not what it was." in told.steps["verify"][1], told


def nothing_was_kept(box: Box) -> None:
    """By an earlier version; or there is no room for it."""
    for path in (box.state / "before").iterdir():
        if path.is_file():
            path.unlink()
    box.settle(CHANGED, How(faults=(Fault("open", "*before/confirmed*"),)))
    told = push(box, [], How(faults=(Fault("mkdir", "*before.new*"),)), GOOD)
    assert told.ended == "failed" and "could not be kept" in told.steps["save"][1], told
    box.settle(OURS)
    shutil.rmtree(box.state / "before")
    told = give_back(box, How())
    assert told.ended == "failed" and "Nothing is kept here" in told.steps["unpack"][1], told
    told = box.settle(WITH_UNITS)
    assert "It was managed before" in told.steps["save"][1], told
    assert box.told(*box.run("give-back", "0" * 64)).steps["version"][0] == "failed"
    shutil.rmtree(box.state)
    assert give_back(box, How(faults=(Fault("mkdir", "*shared-networks*"),))).ended == "failed"


def a_survey_of_much(box: Box) -> None:
    (box.state / "before/confirmed").unlink()
    assert box.run("survey")[1].endswith("\nend\n")
    put(box, {f"{UNITS}/05-long.network": "#" * 300_000, "/etc/sysctl.d/99-x.conf": "net.a=1\n"})
    how = How({"sshd": "echo allowusers metal; echo port 22"})
    status, said = box.run("survey", how=how)
    assert status == 0 and "\tcut\n" in said and said.endswith("end\n")
    assert box.run("survey", how=PRACTICE)[0] == 0
    assert box.run("survey", how=How(fails("nft", "*list*", "no")))[0] == 0


def a_survey_of_secrets(box: Box) -> None:
    """They stay there: what is told of a unit and of FRR's file has them hidden."""
    put(
        box,
        {
            f"{UNITS}/05-vpn.netdev": "[NetDev]\nName=wg0\n[WireGuard]\nPrivateKey=of-the-vpn",
            "/etc/frr/frr.conf": "router bgp 1\n neighbor 192.0.2.1 password of-the-peer\n",
        },
    )
    told = [
        base64.b64decode(line.split("\t")[2]).decode()
        for line in box.run("survey")[1].splitlines()
        if line.startswith(("unit\t", "file\t", "now\t"))
    ]
    everything = "\n".join(told)
    assert "of-the-vpn" not in everything and "of-the-peer" not in everything
    assert "PrivateKey=(hidden)" in everything and "192.0.2.1 password (hidden)" in everything


FOREIGN = (
    units_of_somebody_else,
    units_of_somebody_else_that_come_back,
    what_was_kept_cannot_be_restored,
    a_unit_that_goes_while_it_is_given_back,
    nothing_was_kept,
    a_survey_of_much,
    a_survey_of_secrets,
)
