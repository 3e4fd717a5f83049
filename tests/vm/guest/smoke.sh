#!/usr/bin/env bash
# The smoke suite: dockerd with the runtime under test, once with the engine's own choice of cgroup driver (systemd) and
# once with cgroupfs.
#
#   smoke.sh RUNTIME [FILTER]           the whole suite; FILTER: a regular expression on the checks' names
#   smoke.sh RUNTIME --one CHECK        one check, against the engine that runs
#
# A new check is one function "check_NAME": in checks_cgroup.sh what depends on the cgroup driver (run with both), in
# checks.sh what any runtime must do, in checks_bulkhead.sh what only Bulkhead promises (both run once).
# It runs in a shell of its own under "set -e" with a time limit; its tools are in lib.sh.
here=$(dirname "${BASH_SOURCE[0]}")
runtime=$1
check_limit_seconds=120
export image=smoke runtime

. "$here/lib.sh"
. "$here/checks_cgroup.sh"
. "$here/checks.sh"
. "$here/checks_bulkhead.sh"

if [ "${2:-}" = --one ]; then
  set -eu -o pipefail
  trap remove_containers EXIT
  "$3"
  exit 0
fi

filter=${2:-.}

# The checks of a file in the order they stand there.
checks_of() { sed -n 's/^\(check_[a-z0-9_]*\)() {.*/\1/p' "$here/$1"; }

run_check() {
  local check=$1 started code result
  started=$(date +%s%N)
  timeout --kill-after=5 "$check_limit_seconds" bash "$here/smoke.sh" "$runtime" --one "$check" >/tmp/check.log 2>&1
  code=$?
  case $code in 0) result=pass ;; 77) result=skip ;; 124 | 137) result=fail; echo "time limit of $check_limit_seconds s" >>/tmp/check.log ;; *) result=fail ;; esac
  printf '%s %s [%s] %s s\n' "${result^^}" "${check#check_}" "$driver" "$((($(date +%s%N) - started) / 100000000))" | sed 's/\([0-9]\) s$/.\1 s/; s/ \.\([0-9]\)/ 0.\1/'
  sed 's/^/    /' /tmp/check.log
  echo "@ $result ${check#check_}[$driver]"
  if [ $result = fail ]; then
    # What dockerd logged since, but what the client has printed already.
    journalctl -q --no-pager -o cat -u docker --since "@$((started / 1000000000))" |
      grep -vE 'level=info|stream copy error|Handler for|cleanup: failed' | tail -5 | sed 's/^/    dockerd: /'
  fi
}

# run_pass DRIVER default|chosen FILE...: an engine with that driver, and the checks of those files against it.
run_pass() {
  export driver=$1
  if ! start_engine "$1" "$2"; then
    echo "FAIL engine start [$driver]"
    journalctl -q --no-pager -o cat -u docker -n 20
    echo "@ fail engine-start[$driver]"
    return
  fi
  local check file
  for file in "${@:3}"; do
    for check in $(checks_of "$file"); do
      if [[ ${check#check_} =~ $filter ]]; then run_check "$check"; fi
    done
  done
  driver=$1 run_check check_nothing_left
}

run_pass systemd default checks_cgroup.sh checks.sh checks_bulkhead.sh
run_pass cgroupfs chosen checks_cgroup.sh
systemctl stop docker docker.socket containerd
