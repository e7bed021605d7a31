#!/bin/sh
# Proves that guests outlive `systemctl restart cloisterd`, in a container with systemd as process 1 and one tree of control
# groups (version 2), whatever the host has. Runs proof.sh there; takes a minute.
#
#   tests/systemd/container.sh
set -eu

# The second half: in the new namespaces, becomes process 1 of the container.
if [ "${1:-}" = inside ]; then
  root=$2
  mount --make-rprivate /
  mount -t overlay -o "lowerdir=$root,upperdir=$3/upper,workdir=$3/work" overlay "$3/root"
  cd "$3/root"
  mount -t proc proc proc
  mount -t sysfs -o ro sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs dev
  mkdir dev/pts
  for name in null zero full random urandom tty; do
    touch "dev/$name"
    mount --bind "/dev/$name" "dev/$name"
  done
  touch dev/console
  mount --bind "$3/console" dev/console
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs tmpfs tmp
  rm -f etc/fstab
  pivot_root . mnt
  cd /
  umount -l /mnt
  exec env -i container=cloister-proof PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init >/dev/null 2>&1
fi

. "$(dirname "$(readlink -f "$0")")/prepare.sh"
tree=$(findmnt -n -o TARGET -t cgroup2 | head -1)
group=$tree/cloister-proof-$$
scratch=$(mktemp -d)
# On a file system of its own: one overlay cannot be made over another.
mount -t tmpfs -o size=1G tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root" "$group"
: >"$scratch/console"
clean() {
  find "$group" -depth -type d -exec rmdir {} \;
  umount "$scratch"
  rmdir "$scratch"
}
trap clean EXIT
timeout -s KILL 600 sh -c 'echo $$ >"$1/cgroup.procs"; shift
  exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup "$@"' sh "$group" "$0" inside "$root" "$scratch" || true
cat "$scratch/console"
grep -q '^PASSED' "$scratch/console"
