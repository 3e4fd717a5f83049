#!/usr/bin/env bash
# Makes the guest's image: Debian 12 (debootstrap, packages, units cut down), a Debian kernel and a small initramfs.
#
#   image.sh DIR VARIANT     VARIANT: stable (Debian 12's kernel) or backports
#
# Leaves root.ext4, vmlinuz, initrd.gz and manifest.txt in DIR, which appears whole or not at all. Needs root (chroot,
# device-free: the file system is packed by mke2fs -d, so no loop device and no mount outside a private mount namespace).
# Nothing but Debian's own archive is asked, through debootstrap and apt, so every package's signature is checked.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$1
variant=$2
suite=bookworm
mirror=${VM_MIRROR:-http://deb.debian.org/debian}
security_mirror=${VM_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
image_size=3G  # sparse; the room that containers and their images have

work=$target.making.$$
root=$work/tree
trap 'rm -rf "$work"' EXIT

# Runs a command in the tree. Its /proc lives in a mount namespace of its own, so nothing is left mounted when we are killed.
in_tree() {
  unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
}

bootstrap() {
  mkdir -p "$root"
  unshare --mount debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -5 "$work/debootstrap.log" >&2; return 1; }
  {
    echo "deb $mirror $suite main"
    echo "deb $mirror $suite-updates main"
    echo "deb $security_mirror $suite-security main"
    if [ "$variant" = backports ]; then echo "deb $mirror $suite-backports main"; fi
  } >"$root/etc/apt/sources.list"
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

# The kernel's files without its maintainer scripts: those would pull in initramfs-tools and run it for half a minute.
install_kernel() {
  local release=() package
  if [ "$variant" = backports ]; then release=(-t "$suite-backports"); fi
  package=$(in_tree apt-cache "${release[@]}" show --no-all-versions linux-image-cloud-amd64 |
    sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p')
  [ -n "$package" ] || { echo "image.sh: no linux-image-cloud-amd64 in $suite ($variant) of $mirror" >&2; return 1; }
  in_tree sh -c "cd /tmp && apt-get -q download ${release[*]} $package"
  dpkg-deb -x "$root"/tmp/linux-image-*.deb "$root/tmp/kernel"
  kernel=$(basename "$root"/tmp/kernel/lib/modules/*)
  mv "$root/tmp/kernel/lib/modules" "$root/usr/lib/modules"
  mv "$root/tmp/kernel/boot/vmlinuz-$kernel" "$work/vmlinuz"
  cp "$root/tmp/kernel/boot/config-$kernel" "$root/boot/"
  find "$root/usr/lib/modules" -name '*.ko.xz' -exec unxz {} +  # the initramfs has busybox's insmod, which reads plain ELF
  in_tree depmod "$kernel"
}

# Units that a machine without network, console logins and a second boot has no use for. Each costs emulated seconds.
trim_units() {
  local unit units
  units="apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    getty.target systemd-logind.service systemd-tmpfiles-clean.timer systemd-update-utmp.service
    systemd-update-utmp-runlevel.service systemd-random-seed.service systemd-pstore.service systemd-binfmt.service
    proc-sys-fs-binfmt_misc.automount systemd-firstboot.service systemd-machine-id-commit.service systemd-repart.service
    systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-journal-flush.service remote-fs.target
    systemd-ask-password-console.path systemd-ask-password-wall.path systemd-user-sessions.service
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount kmod-static-nodes.service apparmor.service"
  for unit in $units; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
  # dockerd and containerd are started by the suite, with the settings under test.
  rm -f "$root"/etc/systemd/system/multi-user.target.wants/{docker,containerd}.service \
    "$root/etc/systemd/system/sockets.target.wants/docker.socket"
  cp "$here/guest/bulkhead-vm.service" "$root/etc/systemd/system/"
  ln -sf ../bulkhead-vm.service "$root/etc/systemd/system/multi-user.target.wants/bulkhead-vm.service"
}

finish_tree() {
  in_tree dpkg-query -W -f '${Package} ${Version}\n' >"$work/manifest.txt"
  echo "kernel $kernel" >>"$work/manifest.txt"
  echo bulkhead-vm >"$root/etc/hostname"
  printf '127.0.0.1 localhost bulkhead-vm\n' >"$root/etc/hosts"
  echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"  # set: no first-boot run
  echo nameserver 192.0.2.1 >"$root/etc/resolv.conf"  # documentation range: nobody; saves the engine a warning per container
  : >"$root/etc/fstab"
  mkdir -p "$root/payload" "$root/etc/docker" "$root/var/log/journal"
  rm -rf "$root/tmp"/* "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/usr/share/doc" "$root/usr/share/man" \
    "$root/usr/share/locale" "$root/usr/sbin/policy-rc.d" "$root/var/log/journal"
  mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
}

# busybox, the modules that reach the disks (in load order) and /init.
make_initramfs() {
  local ram=$work/ram module
  mkdir -p "$ram"/{bin,dev,proc,modules,root}
  cp "$root/bin/busybox" "$ram/bin/busybox"
  cp "$here/guest/initramfs-init" "$ram/init"
  chmod 755 "$ram/init"
  : >"$ram/modules/order"
  # --show-depends prints "insmod PATH" for modules and "builtin NAME" for what the kernel has inside.
  for module in virtio_pci virtio_blk ext4; do
    in_tree modprobe --set-version "$kernel" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
  done | awk '!seen[$0]++' | while read -r module; do
    cp "$root$module" "$ram/modules/"
    basename "$module" >>"$ram/modules/order"
  done
  (cd "$ram" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd.gz"
  rm -rf "$ram"
}

pack() {
  # lazy_itable_init: no background zeroing in the guest. The journal is left out: the guest's writes are thrown away.
  mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -m 0 -d "$root" "$work/root.ext4" "$image_size" >/dev/null
  rm -rf "$root"
}

mkdir -p "$work"
bootstrap
install_packages >"$work/apt.log" 2>&1 || { tail -5 "$work/apt.log" >&2; exit 1; }
install_kernel >>"$work/apt.log" 2>&1 || { tail -5 "$work/apt.log" >&2; exit 1; }
trim_units
finish_tree
make_initramfs
pack
rm -rf "$target"
mv "$work" "$target"
