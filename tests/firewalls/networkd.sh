#!/bin/sh
# networkd.sh FOLDER: systemd-networkd reads the units in FOLDER and says what it thinks of them. Run in namespaces of its own.
mount --make-rprivate /
for folder in /etc/systemd/network /run/systemd; do
    mkdir -p "$folder" && mount -t tmpfs none "$folder"
done
cp "$1"/* /etc/systemd/network
SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console timeout -s KILL 2 /lib/systemd/systemd-networkd 2>&1
