# shellcheck shell=sh
# Shared by vm.sh and container.sh: makes a Debian system with systemd in .cache/systemd-guest/root (kept between runs) and
# installs this checkout there, as packaging/cloisterd.service says, and proof.sh. Needs root and debootstrap, and the network
# for the first run. Sets `cache` and `root`.
here=$(dirname "$(readlink -f "$0")")
checkout=$(readlink -f "$here/../..")
cache=$checkout/.cache/systemd-guest
root=$cache/root
mkdir -p "$cache"

if [ ! -e "$cache/made" ]; then
  rm -rf "$root"
  packages=systemd-sysv,dbus,udev,linux-image-cloud-amd64,initramfs-tools,qemu-system-x86,qemu-utils,libatomic1,procps
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
StandardOutput=file:/dev/console
StandardError=file:/dev/console
UNIT
for unit in cloisterd proof; do
  ln -sfn "/etc/systemd/system/$unit.service" "$root/etc/systemd/system/multi-user.target.wants/$unit.service"
done
