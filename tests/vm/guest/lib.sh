# Tools of the checks. A check fails by ending with another code than 0; 77 is a skip.

# Prints a command and what it says: the transcript. The output also lies in $out and the exit code in $code.
show() {
  printf '$ %s\n' "$(printf '%s ' "$@" | sed 's/ $//')"
  code=0
  out=$("$@" 2>&1) || code=$?
  [ -z "$out" ] || printf '%s\n' "$out"
  [ "$code" = 0 ] || echo "(exit code $code)"
}

# The same, and the check fails when the command does.
must() {
  show "$@"
  [ "$code" = 0 ] || exit 1
}

fail() {
  echo "failed: $1"
  exit 1
}

skip() {
  echo "skipped: $1"
  exit 77
}

# equal WHAT WANTED GOT
equal() { [ "$2" = "$3" ] || fail "$1 is '$3', not '$2'"; }

# matches WHAT REGEX TEXT
matches() { [[ $3 =~ $2 ]] || fail "$1 is '$3', which does not match '$2'"; }

is_bulkhead() { [[ $(basename "$runtime") == bulkhead* ]]; }

only_bulkhead() { is_bulkhead || skip "a promise of bulkhead, and the runtime is $(basename "$runtime")"; }

# docker run for one command, its options first. No network but where a check is about it: that saves a quarter of the time.
run() { show docker run --rm --network none "$@"; }
must_run() { must docker run --rm --network none "$@"; }

# Starts the container "box" that sleeps; the arguments go to docker run.
box() { must docker run -d --name box --network none "$@" "$image" sleep 1000; }
in_box() { show docker exec box "$@"; }
must_in_box() { must docker exec box "$@"; }

pid_of() { docker inspect -f '{{.State.Pid}}' "$1"; }

# The host's directory of the container's cgroup, by its init process: no guess about the driver's naming.
cgroup_of() {
  local path
  path=$(sed -n 's/^0:://p' "/proc/$(pid_of "$1")/cgroup")
  echo "/sys/fs/cgroup$path"
}

# cgroup_is CONTAINER FILE WANTED, as the host sees it
cgroup_is() {
  local dir got
  dir=$(cgroup_of "$1")
  got=$(cat "$dir/$2")
  echo "# $dir/$2: $got"
  equal "$2" "$3" "$got"
}

# Tries for some seconds until the command succeeds.
eventually() {
  local i
  for i in $(seq 40); do
    if "$@"; then return 0; fi
    sleep 0.25
  done
  fail "never became true: $*"
}

gone() { [ ! -e "$1" ]; }

remove_containers() {
  local ids
  ids=$(docker ps -aq)
  # shellcheck disable=SC2086 # a list of ids
  [ -z "$ids" ] || docker rm -fv $ids >/dev/null || true
}

# start_engine DRIVER default|chosen: dockerd with the runtime under test as its default, and the image loaded.
start_engine() {
  local options=() started
  [ "$2" = default ] || options=("native.cgroupdriver=$1")
  jq -n --arg runtime "$runtime" '{"runtimes": {"under-test": {"path": $runtime}}, "default-runtime": "under-test",
    "storage-driver": "overlay2", "exec-opts": $ARGS.positional}' --args "${options[@]}" >/etc/docker/daemon.json
  started=$(date +%s)
  systemctl restart docker || return 1
  docker image inspect "$image" >/dev/null 2>&1 || docker import -c 'CMD ["sh"]' /payload/image.tar "$image" >/dev/null || return 1
  echo "engine ready in $(($(date +%s) - started)) s"
}

# The end of every pass, for smoke.sh: nothing may be left of all the containers before.
check_nothing_left() {
  remove_containers
  sleep 1
  equal "cgroups left" "" "$(find /sys/fs/cgroup -mindepth 1 -type d \( -name '*docker-*.scope' -o -path '*/docker/*' -o -name '*smoke-oci*' \))"
  equal "overlay mounts left" "" "$(grep ' overlay ' /proc/self/mountinfo || true)"
  equal "processes left" "" "$(ps -eo comm,args | grep -E '^(runc|bulkhead|containerd-shim)' | grep -v ^bulkhead-vm || true)"
}
