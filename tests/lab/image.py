"""The guest image: a small Debian with the kernel, FRR, nftables and systemd, built once and kept outside the repository."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

GUEST = Path(__file__).parent / "guest"
SUITE = "bookworm"
PACKAGES = (
    "linux-image-cloud-amd64",
    "systemd-sysv",
    "systemd-container",
    "dbus",
    "udev",
    "kmod",
    "procps",
    "iproute2",
    "netbase",
    "frr",
    "frr-pythontools",
    "nftables",
    "openssh-server",
    "sudo",
    "python3",
    "tcpdump",
    "busybox-static",
    # Instead of initramfs-tools and usrmerge, which bring Perl along and work for seconds.
    "tiny-initramfs",
    "usr-is-merged",
)
# Read by dpkg in the guest. Nobody minds if half an image is lost with the power, and what is not unpacked takes no time.
DPKG = """force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/lib/udev/hwdb.d/*
path-exclude=/etc/kernel/postinst.d/tiny-initramfs
path-exclude=/lib/modules/*/kernel/drivers/*
path-exclude=/lib/modules/*/kernel/fs/*
path-include=/lib/modules/*/kernel/drivers/block/*
path-include=/lib/modules/*/kernel/drivers/net/*
path-include=/lib/modules/*/kernel/drivers/virtio/*
path-include=/lib/modules/*/kernel/fs/ext4/*
path-include=/lib/modules/*/kernel/fs/jbd2/*
path-include=/lib/modules/*/kernel/fs/mbcache.ko
path-include=/lib/modules/*/kernel/fs/overlayfs/*
"""
MODULES = ("virtio_pci", "virtio_blk", "ext4")
# What a firewall need not start here: what a container cannot have, and what would cost an emulated processor seconds.
MASKED = (
    "systemd-logind",
    "systemd-journal-flush",
    "systemd-update-utmp",
    "systemd-update-utmp-runlevel",
    "systemd-networkd-wait-online",
    "systemd-firstboot",
    "systemd-sysusers",
    "systemd-pcrphase",
    "systemd-pcrphase-sysinit",
    "systemd-user-sessions",
    "console-getty",
    "e2scrub_reap",
    "cron",
    "getty@tty1",
    "modprobe@",
    "systemd-modules-load",
    "kmod-static-nodes",
    "systemd-remount-fs",
    "systemd-tmpfiles-setup-dev",
    "systemd-udev-trigger",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-initctl.socket",
)
TIMERS = (
    "apt-daily",
    "apt-daily-upgrade",
    "e2scrub_all",
    "fstrim",
    "dpkg-db-backup",
    "systemd-tmpfiles-clean",
    "logrotate",
)
FRR_UNIT = """[Unit]
After=systemd-networkd.service
[Service]
Type=oneshot
RemainAfterExit=yes
WatchdogSec=0
Restart=no
ExecStart=
ExecStart=/lab/frr-start
ExecStop=
ExecReload=
ExecReload=/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf
"""
SSHD = "UsePAM no\nUseDNS no\nPasswordAuthentication no\nHostKey /etc/ssh/ssh_host_ed25519_key\n"
INITRD = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do /bin/busybox insmod "/modules/$module"; done < /modules/order
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 50 ]; do /bin/busybox sleep 0.1; tries=$((tries + 1)); done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /lab/init
"""


@dataclass(frozen=True)
class Image:
    """A kernel, its initial file system, and the guest's root."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def root(self) -> Path:
        return self.folder / "root.img"


TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
}


def missing() -> str:
    """What this machine lacks for the lab, as one sentence; empty if nothing."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if lacking := [package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)]:
        return f"The lab needs more here: apt-get install {' '.join(lacking)}"
    if os.geteuid() != 0 and not _described().folder.exists():
        return "Building the guest image takes root, once: sudo make lab-image"
    return ""


def cache() -> Path:
    """Where images are kept: LAB_CACHE, or else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LAB_CACHE") or Path(home) / "shared-networks" / "lab")


def image() -> Image:
    """The image that this source describes; built if there is none yet."""
    found = _described()
    with _alone():
        if not found.folder.exists():
            _build(found.folder)
    return found


def _described() -> Image:
    recipe = hashlib.sha256(
        repr((PACKAGES, DPKG, MODULES, MASKED, TIMERS, FRR_UNIT, SSHD, INITRD)).encode()
    )
    for path in _files():
        recipe.update(path.read_bytes())
    return Image(cache() / recipe.hexdigest()[:16])


@contextmanager
def _alone() -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _files() -> list[Path]:
    return [GUEST / "init", GUEST / "frr-start"]


def _build(folder: Path) -> None:
    began = time.monotonic()
    print("lab: building the guest image (once, up to a minute) ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache()) as name:
        root, made = Path(name) / "root", Path(name) / "image"
        made.mkdir()
        _debian(root)
        _furnish(root)
        _initrd(root, made / "initrd")
        shutil.copy(next((root / "boot").glob("vmlinuz-*")), made / "vmlinuz")
        with (made / "root.img").open("wb") as disk:
            disk.truncate(1 << 30)
        _run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", str(root), str(made / "root.img"))
        made.rename(folder)
    print(
        f"lab: built in {time.monotonic() - began:.0f} seconds, kept in {folder}",
        file=sys.stderr,
        flush=True,
    )


def _run(*command: str) -> str:
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def _debian(root: Path) -> None:
    """Packages as they come. What dpkg is to leave out is told after the first of them are unpacked, which mmdebstrap does itself:
    it would start an interpreter for each. It also makes the links of a merged /usr, so that nothing moves files later.
    """
    settings = root.with_name("dpkg.cfg")
    settings.write_text(DPKG)
    _run(
        "mmdebstrap",
        "--quiet",
        "--variant=essential",
        "--mode=root",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        f'--extract-hook=cp {settings} "$1/etc/dpkg/dpkg.cfg.d/lab"',
        SUITE,
        str(root),
        *_sources(),
    )


def _sources() -> list[str]:
    """This machine's own package sources where they are of the same Debian; else those that mmdebstrap knows."""
    apt = Path("/etc/apt")
    files = [
        apt / "sources.list",
        *sorted(apt.glob("sources.list.d/*.list")),
        *sorted(apt.glob("sources.list.d/*.sources")),
    ]
    return [
        str(path)
        for path in files
        if path.exists() and re.search(rf"^[^#]*\s{SUITE}(\s|$)", path.read_text(), re.M)
    ]


def _furnish(root: Path) -> None:
    """The first program, and what is left out of a firewall's units; `install` enables its own."""
    (root / "lab").mkdir()
    for path in _files():
        shutil.copy(path, root / "lab" / path.name)
        (root / "lab" / path.name).chmod(0o755)
    units = root / "etc/systemd/system"
    for unit in [
        *(name if "." in name else f"{name}.service" for name in MASKED),
        *(f"{name}.timer" for name in TIMERS),
    ]:
        (units / unit).symlink_to("/dev/null")
    (units / "frr.service.d").mkdir()
    (units / "frr.service.d/lab.conf").write_text(FRR_UNIT)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/ssh/sshd_config").write_text(SSHD)
    (root / "etc/frr/vtysh.conf").write_text("service integrated-vtysh-config\n")
    (root / "etc/frr/frr.conf").write_text("")
    (root / "etc/machine-id").write_text(
        "0123456789abcdef0123456789abcdef\n"
    )  # nspawn asks for one


def _initrd(root: Path, target: Path) -> None:
    """A tiny first file system: busybox and the modules that find the root, in the order that modules.dep asks for."""
    inside = root / "initrd"
    for name in ("bin", "dev", "proc", "sys", "root", "modules"):
        (inside / name).mkdir(parents=True)
    shutil.copy(root / "bin/busybox", inside / "bin/busybox")
    (inside / "init").write_text(INITRD)
    (inside / "init").chmod(0o755)
    version = next((root / "lib/modules").iterdir()).name
    shown = [
        _run("chroot", str(root), "modprobe", "-S", version, "--show-depends", module)
        for module in MODULES
    ]
    paths = dict.fromkeys(
        line.split()[1] for text in shown for line in text.splitlines() if line.startswith("insmod")
    )
    for path in paths:
        shutil.copy(root / path.lstrip("/"), inside / "modules")
    (inside / "modules/order").write_text("".join(f"{Path(path).name}\n" for path in paths))
    _run(
        "chroot",
        str(root),
        "sh",
        "-c",
        "cd /initrd && find . | busybox cpio -o -H newc | gzip -1 > /initrd.gz",
    )
    shutil.move(root / "initrd.gz", target)
    shutil.rmtree(inside)


if __name__ == "__main__":
    print(image().folder)
