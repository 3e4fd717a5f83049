# What only Bulkhead promises; with another runtime these are skipped.

check_id_ranges() {
  only_bulkhead
  must docker run -d --name first --network none "$image" sleep 1000
  must docker run -d --name second --network none "$image" sleep 1000
  must docker exec first awk '{ print $1, $2, $3 }' /proc/self/uid_map
  equal "first range" "0 100000 65536" "$out"
  must docker exec second awk '{ print $1, $2, $3 }' /proc/self/uid_map
  equal "second range" "0 165536 65536" "$out"
  equal "the host's view of the process" 165536 "$(stat -c %u "/proc/$(pid_of second)")"
}

check_host_namespaces_refused() {
  only_bulkhead
  run --pid=host "$image" true
  matches refusal "can't share namespaces \[pid\] with the host" "$out"
  show docker run --rm --network=host "$image" true
  matches refusal "can't share a network namespace with the host" "$out"
  must_run --cgroupns=host "$image" cat /proc/self/cgroup
  equal "cgroup namespace" "0::/" "$out"
}

# Every way prints its errno's text; "started" shows that the container got as far as to try.
check_locked_mounts() {
  only_bulkhead
  mkdir -p /srv/locked
  run --privileged -v /srv/locked:/ro:ro "$image" sh -c 'echo started
    mount -o remount,bind,rw /ro && echo REMOUNTED
    umount /ro && echo UNMOUNTED
    umount -l /ro && echo DETACHED
    mount --bind /ro /mnt && mount -o remount,bind,rw /mnt && echo REMOUNTED-COPY
    touch /ro/x /mnt/x && echo WROTE'
  matches "the container" '^started' "$out"
  [[ ! $out =~ (REMOUNTED|UNMOUNTED|DETACHED|WROTE) ]] || fail "a lock did not hold: ${BASH_REMATCH[1]}"
  equal "refusals" 6 "$(grep -ciE 'not permitted|permission denied|Invalid argument|Read-only file system' <<<"$out")"
  rm -r /srv/locked
}

check_privileged_is_contained() {
  only_bulkhead
  must_run --privileged "$image" sh -c 'ls /dev; test ! -e /dev/vda'
  run --privileged "$image" sh -c 'echo started; mknod /tmp/disk b 254 0 || echo REFUSED; (echo h >/proc/sysrq-trigger) || echo REFUSED; dmesg || echo REFUSED'
  matches "the container" '^started' "$out"
  equal "refusals" 3 "$(grep -c REFUSED <<<"$out")"
}

check_uptime() {
  only_bulkhead
  must_run "$image" cut -d. -f1 /proc/uptime
  [ "$out" -lt 15 ] || fail "uptime is $out s"
}

check_restricted_mounts() {
  only_bulkhead
  run -v /etc/docker/daemon.json:/x "$image" cat /x
  matches refusal "can't mount /etc/docker/daemon.json because it's configured as a restricted host mount" "$out"
}
