# shellcheck shell=bash
# A Docker Engine of its own beside whatever is installed, for scripts/demo. It has its own containerd,
# data root, socket, bridge and cgroup parent, and makes none of Docker's iptables rules (a second engine
# that starts removes the first one's). Everything lies in, or is named in, one directory, so that
# another process can take it down later.
#   engine_up DIR RUNTIME; export DOCKER_HOST=unix://DIR/docker.sock; ...; engine_down DIR

# What the engine made outside of its directory: a line "kind name" each.
note() { echo "$2 $3" >>"$1/made"; }
noted() { sed -n "s/^$2 //p" "$1/made" 2>/dev/null; }

# 198.18.0.0/15 is for benchmarks and routed nowhere (RFC 2544): it hides no network of the host.
free_subnet() {
  local n
  for n in {10..250}; do
    ip -4 route show | grep -qF "198.18.$n." || { echo "198.18.$n"; return; }
  done
  return 1
}

start_process() {  # DIR NAME COMMAND...: in the background, out of reach of the terminal's signals
  local dir=$1 name=$2
  shift 2
  setsid "$@" >"$dir/$name.log" 2>&1 </dev/null &
  note "$dir" process "$! $name"
}

wait_for() {  # DIR NAME COMMAND...: until the command succeeds; the log of NAME when it does not
  local dir=$1 name=$2 i
  shift 2
  for ((i = 0; i < 600; ++i)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "$name did not start:" >&2
  tail -n 15 "$dir/$name.log" >&2
  return 1
}

make_bridge() {
  local dir=$1 bridge subnet
  bridge=bhdemo$$ subnet=$(free_subnet)
  ip link add "$bridge" type bridge
  note "$dir" bridge "$bridge"
  note "$dir" subnet "$subnet.0/24"
  ip addr add "$subnet.1/24" dev "$bridge"
  ip link set "$bridge" up
}

write_configuration() {  # DIR RUNTIME
  cat >"$1/containerd.toml" <<END
version = 2
root = "$1/containerd"
state = "$1/containerd-run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$1/containerd.sock"
END
  cat >"$1/daemon.json" <<END
{
  "runtimes": {"bulkhead": {"path": "$2"}},
  "default-runtime": "bulkhead",
  "data-root": "$1/data",
  "exec-root": "$1/exec",
  "pidfile": "$1/dockerd.pid",
  "hosts": ["unix://$1/docker.sock"],
  "containerd": "$1/containerd.sock",
  "bridge": "$(noted "$1" bridge)",
  "default-address-pools": [{"base": "198.19.0.0/16", "size": 24}],
  "iptables": false,
  "ip6tables": false,
  "ip-forward": false,
  "exec-opts": ["native.cgroupdriver=cgroupfs"],
  "cgroup-parent": "/$(basename "$1")"
}
END
}

engine_up() {
  local dir=$1 runtime=$2
  # overlay2 does not work on an overlay (when the machine is itself a container).
  if [[ $(stat -f -c %T "$dir") == overlayfs ]]; then mount -t tmpfs -o mode=700 bulkhead-demo "$dir"; fi
  make_bridge "$dir"
  write_configuration "$dir" "$runtime"
  start_process "$dir" containerd containerd --config "$dir/containerd.toml"
  wait_for "$dir" containerd test -S "$dir/containerd.sock"
  # BuildKit inside the engine does not ask for the default runtime.
  start_process "$dir" dockerd env "DOCKER_BUILDKIT_RUNC_COMMAND=$runtime" dockerd --config-file "$dir/daemon.json"
  wait_for "$dir" dockerd docker -H "unix://$dir/docker.sock" version
}

# Lets containers reach the outside through one tagged rule set of our own.
engine_allow_outgoing() {
  local dir=$1 bridge subnet
  bridge=$(noted "$dir" bridge) subnet=$(noted "$dir" subnet)
  note "$dir" forwarding "$(cat /proc/sys/net/ipv4/ip_forward)"
  echo 1 >/proc/sys/net/ipv4/ip_forward
  iptables -w -t nat -A POSTROUTING -s "$subnet" ! -o "$bridge" -j MASQUERADE
  iptables -w -I FORWARD -i "$bridge" -j ACCEPT
  iptables -w -I FORWARD -o "$bridge" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
}

forbid_outgoing() {
  local dir=$1 bridge subnet
  bridge=$(noted "$dir" bridge) subnet=$(noted "$dir" subnet)
  iptables -w -t nat -D POSTROUTING -s "$subnet" ! -o "$bridge" -j MASQUERADE
  iptables -w -D FORWARD -i "$bridge" -j ACCEPT
  iptables -w -D FORWARD -o "$bridge" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  noted "$dir" forwarding >/proc/sys/net/ipv4/ip_forward
}

# Ends a process that the engine started: a pid that another one has taken meanwhile is let alone.
stop_process() {  # DIR PID NAME
  local i
  grep -qsF "$1" "/proc/$2/cmdline" || return 0
  kill "$2" 2>/dev/null
  for ((i = 0; i < 300; ++i)); do
    [[ -d /proc/$2 ]] && ! grep -q '^State:.Z' "/proc/$2/status" 2>/dev/null || return 0
    sleep 0.1
  done
  echo "$3 (process $2) did not end; killing it" >&2
  kill -KILL "$2" 2>/dev/null
}

remove_cgroups() {
  local name=$1 group
  for group in /sys/fs/cgroup/"$name" /sys/fs/cgroup/*/"$name"; do
    [[ -d $group ]] && find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
  done
}

engine_down() {
  local dir=$1 pid name point
  local -x DOCKER_HOST=unix://$dir/docker.sock
  local containers
  containers=$(docker ps -aq 2>/dev/null)
  # shellcheck disable=SC2086  # a list of ids
  [[ -z $containers ]] || docker rm -f $containers >/dev/null
  tac "$dir/made" 2>/dev/null | sed -n 's/^process //p' | while read -r pid name; do
    stop_process "$dir" "$pid" "$name"
  done
  [[ -z $(noted "$dir" forwarding) ]] || forbid_outgoing "$dir"
  for name in $(noted "$dir" bridge); do ip link del "$name" 2>/dev/null; done
  while read -r point; do umount -l "$point"; done < <(
    awk -v dir="$dir" '$5 == dir || index($5, dir "/") == 1 {print $5}' /proc/self/mountinfo | sort -r)
  remove_cgroups "$(basename "$dir")"
  rm -rf "$dir"
}

# ---- the image -----------------------------------------------------------------------------------

# The program itself: Ubuntu's /usr/sbin/bpftool is a script that looks for it.
find_bpftool() {
  local path
  for path in "/usr/lib/linux-tools/$(uname -r)/bpftool" /usr/sbin/bpftool /usr/local/sbin/bpftool; do
    [[ -x $path && $(head -c 4 "$path" | tail -c 3) == ELF ]] && echo "$path" && return
  done
  return 1
}

copy_with_libraries() {  # PROGRAM ROOT
  local file
  for file in "$1" $(ldd "$1" | grep -o '/[^ ]*'); do
    mkdir -p "$2$(dirname "$file")"
    cp -L "$file" "$2$file"
  done
}

# Imports the image $2: busybox and, where the host has it, bpftool.
import_image() {
  local root=$1/image busybox program
  busybox=$(command -v busybox)
  mkdir -p "$root"/{bin,etc,root,tmp,proc,sys,dev,var,mnt,usr/sbin}
  chmod 1777 "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  for program in $("$busybox" --list | grep -vx busybox); do ln -s busybox "$root/bin/$program"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"
  if program=$(find_bpftool); then
    copy_with_libraries "$program" "$root"
    [[ $program == /usr/sbin/bpftool ]] || ln -s "$program" "$root/usr/sbin/bpftool"
  fi
  tar -C "$root" -c . | docker import -c 'CMD ["sh"]' -c 'ENV PATH=/bin:/usr/sbin' - "$2" >/dev/null
  rm -rf "$root"
}
