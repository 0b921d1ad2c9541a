#!/bin/sh
# frr_prints.sh FRR.CONF HOSTNAME: FRR's daemons take the configuration, and frr-reload.py says what it would still change.
# Run in namespaces of its own (network, mounts, host name).
set -e
PATH=$PATH:/usr/lib/frr
mount --make-rprivate /
hostname "$2"
ip link set lo up
for folder in /run/frr /var/log/frr /etc/frr; do
    mkdir -p "$folder" && mount -t tmpfs none "$folder" && chown frr:frr "$folder"
done
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
echo 'service integrated-vtysh-config' >/etc/frr/vtysh.conf
{ cat "$1"; } >/etc/frr/frr.conf
chown -R frr:frr /etc/frr
for daemon in zebra bgpd; do "$daemon" -d -A 127.0.0.1 -i "/run/frr/$daemon.pid" >/dev/null 2>&1; done
trap 'kill $(cat /run/frr/zebra.pid /run/frr/bgpd.pid)' EXIT
vtysh -b >/dev/null 2>&1
frr-reload.py --test --stdout /etc/frr/frr.conf 2>&1
