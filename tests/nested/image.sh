#!/usr/bin/env bash
# Makes the image of the nested engines: Debian 12 by debootstrap, with the packages of the list beside this file.
#
#   image.sh ARCHIVE     writes ARCHIVE (a tar), which appears whole or not at all. About two minutes. Needs root.
#
# Debian's mirror is the one that this machine's apt uses (its sources and proxy); every package's signature is checked.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$1
suite=bookworm
work=$target.making.$$
root=$work/tree
trap 'rm -rf "$work"' EXIT

mirror() {
  local known
  # shellcheck disable=SC2016 # apt's own place-holder
  known=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" 'Component: main' \
    2>/dev/null | head -1)
  echo "${known:-http://deb.debian.org/debian/}"
}

apt_proxy() { apt-config dump --format '%v' Acquire::http::Proxy; }

# Runs a command in the tree. Its /proc lives in a mount namespace of its own, so nothing stays mounted when we are killed.
in_tree() {
  unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
}

bootstrap() {
  mkdir -p "$root"
  http_proxy=${http_proxy:-$(apt_proxy)} unshare --mount debootstrap --variant=minbase "$suite" "$root" "$(mirror)" \
    >"$work/debootstrap.log" 2>&1 || { tail -5 "$work/debootstrap.log" >&2; return 1; }
  echo "deb $(mirror) $suite main" >"$root/etc/apt/sources.list"
  if [ -n "$(apt_proxy)" ]; then echo "Acquire::http::Proxy \"$(apt_proxy)\";" >"$root/etc/apt/apt.conf.d/proxy"; fi
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"  # no service starts in the chroot
  chmod 755 "$root/usr/sbin/policy-rc.d"
}

install_packages() {
  local packages
  packages=$(grep -v '^#' "$here/packages")
  in_tree apt-get -q update
  # shellcheck disable=SC2086 # a list of words
  in_tree apt-get -qy -o Dpkg::Options::=--force-unsafe-io install --no-install-recommends $packages
}

# Smaller, and nothing of this machine in it. The engines start when a test asks for them.
finish_tree() {
  rm -f "$root"/etc/systemd/system/*.wants/{docker,containerd,podman,cni,systemd-network}* \
    "$root"/etc/apt/apt.conf.d/proxy "$root"/etc/{resolv.conf,hostname} "$root/usr/sbin/policy-rc.d"
  : >"$root/etc/machine-id"  # empty: systemd makes one up, and asks nobody
  rm -rf "$root"/tmp/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root/usr/share/doc" "$root/usr/share/man" \
    "$root/usr/share/locale" "$root/var/lib/docker" "$root/var/lib/containerd"
}

mkdir -p "$work"
bootstrap
install_packages >"$work/apt.log" 2>&1 || { tail -5 "$work/apt.log" >&2; exit 1; }
finish_tree
tar -C "$root" --numeric-owner -cf "$work/archive.tar" .
mv "$work/archive.tar" "$target"
