#!/bin/bash
# The service under a real systemd: PID 1 of namespaces of its own, on an overlay of this machine's root, so that
# nothing outside is changed. Needs root, systemd and 2 GB of memory; takes 4 minutes.
#   tests/support/real_systemd.sh /opt/thermal-edge/bin/edge      an environment outside /tmp that install.sh made
set -eu
edge=${1:?give the path of an edge that install.sh made}
work=$(mktemp -d)
group=/sys/fs/cgroup/unified/thermal-edge-test
[ -d /sys/fs/cgroup/unified ] || group=/sys/fs/cgroup/thermal-edge-test
mkdir -p "$group"

# shellcheck disable=SC2016  # the inner shell's own variables
inner='
set -e
echo $$ >"$GROUP/cgroup.procs"
exec unshare --mount --pid --cgroup --uts --ipc --net --fork --propagation private bash -ec "
mount -t tmpfs -o size=2g none $WORK
mkdir $WORK/upper $WORK/work $WORK/root
mount -t overlay overlay -o lowerdir=/,upperdir=$WORK/upper,workdir=$WORK/work $WORK/root
cd $WORK/root
mount -t proc proc proc && mount -t sysfs sysfs sys && mount -t cgroup2 cgroup2 sys/fs/cgroup && mount --rbind /dev dev
mount -t tmpfs -o mode=755 none run && mount -t tmpfs -o mode=1777 none tmp
rm -rf etc/systemd/system/*.wants etc/systemd/system/thermal-edge.service
for unit in systemd-udevd systemd-tmpfiles-setup systemd-logind systemd-timesyncd systemd-update-utmp; do
    ln -sf /dev/null etc/systemd/system/\$unit.service
done
mkdir old && pivot_root . old && umount -l /old
export container=other
exec /lib/systemd/systemd --system --unit=multi-user.target --show-status=no"
'
GROUP=$group WORK=$work setsid bash -c "$inner" >/dev/null 2>&1 &
outer=$!
trap 'kill -9 $(pgrep -P $outer) 2>/dev/null || true; wait $outer 2>/dev/null || true; sleep 1; rmdir "$work" || true; find "$group" -depth -type d -exec rmdir {} + || true' EXIT
sleep 5

inside() {
    nsenter --target "$(pgrep -P $outer)" --mount --pid --cgroup --uts --ipc --net "$@"
}
step() {
    echo "=== $1"
    inside bash -c "$2" || echo "(exit code $?)"
}
# shellcheck disable=SC2016  # of the shell inside
main_pid='$(systemctl show -p MainPID --value thermal-edge)'

step "systemd" "systemctl --version | head -1; systemctl is-system-running --wait"
step "install" "mkdir -p /srv/t && cd /srv/t
printf '[camera]\nsource = \"sim:seed=3\"\n[model]\nbackend = \"null\"\n[outputs]\nfolder = \"flights/{n}\"\n' >m.toml
(cat m.toml; printf '[limits]\nframes = 5\n') >short.toml
sed 's|sim:seed=3|/dev/video7|' m.toml >camera.toml
$edge service install --mission m.toml; sleep 5; $edge service status"
step "its unit" "systemd-analyze verify --man=no /etc/systemd/system/thermal-edge.service
systemd-analyze security --no-pager thermal-edge.service | tail -1
grep -E '^(Uid|NoNewPrivs|Seccomp|CapBnd)' /proc/$main_pid/status"
step "killed" "kill -9 $main_pid; sleep 1; $edge service status; sleep 12; $edge service status"
step "hung as a whole: the manager's watchdog" "kill -STOP $main_pid; sleep 100; $edge service status | head -2
journalctl --no-pager | grep -i watchdog | tail -2"
step "stopped" "time systemctl stop thermal-edge; $edge service status | head -4"
step "ends soon again and again" "$edge service install --mission /srv/t/short.toml; sleep 60; $edge service status | head -2
journalctl -u thermal-edge --no-pager | grep 'the last'"
step "without its camera" "$edge service install --mission /srv/t/camera.toml; sleep 5; $edge service status | head -2
time systemctl stop thermal-edge"
step "uninstalled" "$edge service uninstall; $edge service status; ls /srv/t/flights"
step "somebody else's unit" "echo '[Unit]' >/etc/systemd/system/thermal-edge.service
$edge service install --mission /srv/t/m.toml; $edge service uninstall"
