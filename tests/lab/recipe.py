"""What the guest image consists of: Debian's packages, what is left out, and what is added."""

import os
from pathlib import Path

GUEST = Path(__file__).parent / "guest"
SUITE = os.environ.get("SUITE") or "bookworm"  # Debian 12; "trixie" is Debian 13
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
    # Instead of initramfs-tools and usrmerge, which need Perl and work for seconds.
    "tiny-initramfs",
    "usr-is-merged",
)
# Read by dpkg in the guest. Nobody minds if half an image is lost with the power, and what is not
# unpacked takes no time.
DPKG = """force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=*/lib/udev/hwdb.d/*
path-exclude=/etc/kernel/postinst.d/tiny-initramfs
path-exclude=*/lib/modules/*/kernel/drivers/*
path-exclude=*/lib/modules/*/kernel/fs/*
path-include=*/lib/modules/*/kernel/drivers/block/*
path-include=*/lib/modules/*/kernel/drivers/net/*
path-include=*/lib/modules/*/kernel/drivers/virtio/*
path-include=*/lib/modules/*/kernel/fs/ext4/*
path-include=*/lib/modules/*/kernel/fs/jbd2/*
path-include=*/lib/modules/*/kernel/fs/mbcache.ko*
path-include=*/lib/modules/*/kernel/fs/overlayfs/*
"""
MODULES = ("virtio_pci", "virtio_blk", "ext4")
# Programs that the image has in /lab. The agent and the start of firewalls come with each run.
PROGRAMS = (GUEST / "init", GUEST / "frr-start")
# What a firewall need not start here: what a container cannot have, and what would cost an emulated
# processor seconds.
MASKED = (
    "systemd-logind.service",
    "systemd-journal-flush.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-networkd-wait-online.service",
    "systemd-firstboot.service",
    "systemd-sysusers.service",
    "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-user-sessions.service",
    "console-getty.service",
    "e2scrub_reap.service",
    "cron.service",
    "getty@tty1.service",
    "modprobe@.service",
    "systemd-modules-load.service",
    "kmod-static-nodes.service",
    "systemd-remount-fs.service",
    "systemd-tmpfiles-setup-dev.service",
    "systemd-udev-trigger.service",
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
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "dpkg-db-backup.timer",
    "systemd-tmpfiles-clean.timer",
    "logrotate.timer",
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
SSHD = """Include /etc/ssh/sshd_config.d/*.conf
UsePAM no
UseDNS no
PasswordAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
"""
INITRD = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do /bin/busybox insmod "/modules/$module"; done < /modules/order
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 50 ]; do /bin/busybox sleep 0.1; tries=$((tries + 1)); done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /lab/init
"""


def fingerprint_parts() -> list[bytes]:
    """Everything above: another recipe is another image."""
    constants = (SUITE, PACKAGES, DPKG, MODULES, MASKED, FRR_UNIT, SSHD, INITRD)
    return [repr(constants).encode(), *(path.read_bytes() for path in PROGRAMS)]
