#!/bin/sh
# The first process of a machine in namespaces of its own (machine.py): arranges its files, and becomes its systemd.
# Nothing of the machine outside is changed: what is written lies in FOLDER, or in memory.
set -eu
folder=$1 python=$2 packages=$3

mount --make-rprivate /
mount -t tmpfs tmpfs "$folder/memory"
cd "$folder/memory"
mkdir etc etc-work units
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$PWD/etc,workdir=$PWD/etc-work" /etc

# Of Debian's own units only those that every boot needs.
for unit in basic sysinit sockets timers paths slices local-fs network-online shutdown umount final; do
    cp "/lib/systemd/system/$unit.target" units/
done
mount --bind units /lib/systemd/system
rm -rf /etc/systemd/system
cp -r "$folder/units" /etc/systemd/system
cp -r "$folder/settings" /etc/shopcallbacks
echo 'shopcallbacks:x:4711:4711::/opt/shopcallbacks:/usr/sbin/nologin' >> /etc/passwd
echo 'shopcallbacks:x:4711:' >> /etc/group

mount -t tmpfs -o mode=755 tmpfs /opt
mkdir /opt/python /opt/shopcallbacks
mount --bind "$python" /opt/python
mount --bind "$folder/product" /opt/shopcallbacks
mount --bind "$packages" /opt/shopcallbacks/.venv/lib
mount --bind "$folder/log" /var/log
mount -t tmpfs -o mode=755 tmpfs /run

mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /sys
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    umount -R /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    umount -R /sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
fi
exec env -i container=namespace PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=basic.target --log-target=null --show-status=no
