#!/bin/sh
# Runs in the system that vm.sh or container.sh has made, once the system is up: two domains run while the daemon is restarted.
set -eu
HOME=/root
export HOME

fail() {
  echo "FAILED: $1"
  systemctl status cloisterd --no-pager || true
  journalctl -u cloisterd --no-pager -n 40 || true
  exit 1
}

# Waits until a command succeeds.
until_succeeds() {
  attempts=0
  echo "waiting for: $*"
  until "$@" >/dev/null 2>&1; do
    attempts=$((attempts + 1))
    [ "$attempts" -lt 60 ] || fail "it does not succeed: $*"
    sleep 2
  done
}

# The QEMUs that run, and the group of each in the one tree of version 2.
guests() {
  for pid in $(pidof qemu-system-x86_64); do
    echo "$pid $(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
  done | sort
}

until_succeeds cloister ls
for name in one two; do
  echo "starting $name"
  cloister create "$name" --class StandaloneVM --prop memory=32 --prop maxmem=0
  cloister start "$name"
done
before=$(guests)
echo "guests before: $before"
[ "$(echo "$before" | grep -c '/cloister.slice/cloister-guests.slice/cloister-guest-.*\.scope$')" = 2 ] ||
  fail "the guests are not in scopes of their own"
scope=$(systemctl list-units --no-legend --plain 'cloister-guest-*.scope' | cut -d' ' -f1 | head -1)
systemctl show "$scope" -p MemoryMax -p TasksMax -p CPUQuotaPerSecUSec -p Description
[ "$(systemctl show "$scope" -p TasksMax --value)" -lt 1000 ] || fail "the scope has no limits"
daemon=$(systemctl show cloisterd -p MainPID --value)

for round in 1 2; do
  echo "restart $round"
  systemctl restart cloisterd || fail "restart $round"
  until_succeeds cloister ls
  [ "$(guests)" = "$before" ] || fail "the guests are not those that ran before restart $round"
  [ "$(systemctl show cloisterd -p MainPID --value)" != "$daemon" ] || fail "the daemon is still the same one"
done
kill -KILL "$(systemctl show cloisterd -p MainPID --value)"
until_succeeds cloister ls
[ "$(guests)" = "$before" ] || fail "the guests are not those that ran before the daemon was killed"
cloister ls
[ "$(cloister ls | grep -c 'Running  StandaloneVM')" = 2 ] || fail "the daemon does not know its guests"

for name in one two; do cloister kill "$name"; done
[ -z "$(guests)" ] || fail "a guest is left"
until_succeeds sh -c '! systemctl list-units --no-legend "cloister-guest-*.scope" | grep -q scope'
cloister start one
cloister kill one
echo "PASSED"
