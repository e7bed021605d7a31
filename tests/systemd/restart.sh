#!/bin/sh
# Proves on a real system that guests outlive `systemctl restart cloisterd`: boots Debian with systemd as process 1 in QEMU,
# with this checkout installed as packaging/cloisterd.service says, and runs proof.sh there. Needs root, debootstrap, the
# network for the first run, QEMU, and 3 GiB for .cache/systemd-guest; takes minutes, as guests in the guest are emulated twice.
#
#   tests/systemd/restart.sh
set -eu
here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
cache=$checkout/.cache/systemd-guest
root=$cache/root
mkdir -p "$cache"

if [ ! -e "$cache/made" ]; then
  rm -rf "$root"
  packages=systemd-sysv,dbus,udev,linux-image-cloud-amd64,initramfs-tools,qemu-system-x86,iproute2,procps
  debootstrap --variant=minbase --include="$packages" bookworm "$root" http://deb.debian.org/debian
  touch "$cache/made"
fi

target=$root/opt/cloister
rm -rf "$target"
mkdir -p "$target"
cp -a "$checkout/bin" "$checkout/apps" "$checkout/packages" "$checkout/package.json" "$target"
tar -C "$checkout" --exclude='node_modules/.*' --exclude=node_modules/typescript --exclude='node_modules/@typescript' \
  --exclude='node_modules/@biomejs' --exclude='node_modules/*rolldown' --exclude='node_modules/lightningcss*' \
  --exclude='node_modules/vit*' -c node_modules | tar -C "$target" -x
ln -sfn /opt/cloister/bin/cloisterd "$root/usr/local/bin/cloisterd"
ln -sfn /opt/cloister/bin/cloister "$root/usr/local/bin/cloister"
install -m 644 "$checkout/packaging/cloisterd.service" "$root/etc/systemd/system/"
install -m 755 "$here/proof.sh" "$root/root/proof.sh"
cat >"$root/etc/systemd/system/proof.service" <<'UNIT'
[Unit]
After=cloisterd.service
[Service]
Type=oneshot
Environment=PATH=/usr/local/bin:/usr/sbin:/usr/bin
ExecStart=/root/proof.sh
ExecStopPost=systemctl poweroff --force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
UNIT
for unit in cloisterd proof; do
  ln -sfn "/etc/systemd/system/$unit.service" "$root/etc/systemd/system/multi-user.target.wants/$unit.service"
done
echo '/dev/vda / ext4 rw,discard 0 1' >"$root/etc/fstab"

image=$(mktemp "$cache/disk-XXXXXX")
trap 'rm -f "$image"' EXIT
truncate -s 3G "$image"
mke2fs -q -t ext4 -E lazy_itable_init=1 -d "$root" "$image"
timeout 2400 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3072 -nodefaults -no-user-config -no-reboot \
  -display none -serial stdio -kernel "$root"/boot/vmlinuz-* -initrd "$root"/boot/initrd.img-* \
  -append 'root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0' \
  -drive "file=$image,format=raw,if=virtio,cache=unsafe" -device virtio-rng-pci </dev/null | tee "$cache/console.log"
grep -q '^PASSED' "$cache/console.log"
