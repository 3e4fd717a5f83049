// What is restricted when nobody says otherwise. The question for every entry: does a container
// that has this path bind-mounted hold the host? Binds are idmapped, so the container's root writes
// as the host's root. Nothing below /home, /root, /tmp, /srv, /opt, /mnt and /var/www is here: that
// is where people's projects live. The manual page admin-settings.json(5) prints these tables.
#include "policy/defaults.h"

namespace bulkhead::policy {
namespace {

constexpr std::string_view kKernel = "a kernel interface of the host";
constexpr std::string_view kEngineConfig = "an engine's configuration";
constexpr std::string_view kEngineData = "an engine's data: every image, container and volume";
constexpr std::string_view kEngineSocket = "an engine's control socket or run-time state";
constexpr std::string_view kHostControl = "a control socket of the host";
constexpr std::string_view kSecret = "credentials of the host";
constexpr std::string_view kBulkhead = "Bulkhead's own";
constexpr std::string_view kPrograms = "programs and libraries that the host runs as root";
constexpr std::string_view kJobs = "commands that the host runs as root";
constexpr std::string_view kAccounts = "the host's accounts";

// Refused also read-only. A parent directory of one of these is refused or masked.
constexpr DefaultPath kAlways[] = {
    {"/proc", kKernel},  // sysrq-trigger, core_pattern, every process's root and memory
    {"/sys", kKernel},   // cgroup release agents, uevent helpers, device power
    {"/dev", kKernel},   // disks, memory, consoles; harmless nodes are exceptions below
    {"/boot", "the host's kernel and boot loader"},
    {"/efi", "the host's boot loader"},

    {"/etc/docker", kEngineConfig},      // daemon.json names the runtime
    {"/etc/containerd", kEngineConfig},  // config.toml names the runtime
    {"/etc/containers", kEngineConfig},  // containers.conf, hooks.d, registries, signature policy
    {"/etc/crio", kEngineConfig},
    {"/etc/buildkit", kEngineConfig},
    {"/etc/nerdctl", kEngineConfig},
    {"/etc/cdi", kEngineConfig},         // device injection: hooks that run on the host
    {"/etc/kubernetes", kEngineConfig},  // cluster administrator's keys, static pods
    {"/etc/rancher", kEngineConfig},     // k3s, rke2: the same

    {"/var/lib/docker", kEngineData},
    {"/var/lib/containerd", kEngineData},
    {"/var/lib/containers", kEngineData},  // podman, CRI-O, buildah
    {"/var/lib/crio", kEngineData},
    {"/var/lib/buildkit", kEngineData},
    {"/var/lib/nerdctl", kEngineData},
    {"/var/lib/kubelet", "kubelet's data: pods' secrets and volumes"},
    {"/var/lib/rancher", kEngineData},
    {"/var/lib/etcd", "the cluster's database"},

    {"/run/docker", kEngineSocket},
    {"/run/containerd", kEngineSocket},  // also the shims' sockets and the bundles
    {"/run/containers", kEngineSocket},
    {"/run/podman", kEngineSocket},
    {"/run/libpod", kEngineSocket},
    {"/run/crio", kEngineSocket},
    {"/run/buildkit", kEngineSocket},
    {"/run/k3s", kEngineSocket},
    {"/run/runc", kEngineSocket},  // state of other runtimes: who writes it is root at `delete`
    {"/run/crun", kEngineSocket},

    {"/run/bulkhead", kBulkhead},
    {"/var/lib/bulkhead", kBulkhead},
    {"/etc/bulkhead", kBulkhead},

    {"/run/systemd/private", kHostControl},  // systemd without polkit: any unit as root
    {"/run/dbus/system_bus_socket", kHostControl},
    {"/run/libvirt", kHostControl},  // virtual machines with host disks
    {"/run/snapd.socket", kHostControl},
    {"/run/credentials", kSecret},  // of systemd's services

    {"/etc/shadow", kSecret},
    {"/etc/shadow-", kSecret},
    {"/etc/gshadow", kSecret},
    {"/etc/gshadow-", kSecret},
    {"/etc/security/opasswd", kSecret},
    {"/etc/sudoers", kSecret},
    {"/etc/sudoers.d", kSecret},
    {"/etc/ssh", kSecret},  // host keys
};

// Refused unless read-only: reading tells nothing secret, and many images want a file of these.
constexpr DefaultPath kWritable[] = {
    {"/bin", kPrograms},  // symbolic links into /usr on merged systems
    {"/sbin", kPrograms},
    {"/lib", kPrograms},  // also /lib/modules, which workloads mount read-only
    {"/lib32", kPrograms},
    {"/lib64", kPrograms},
    {"/usr/bin", kPrograms},  // Bulkhead's programs too
    {"/usr/sbin", kPrograms},
    {"/usr/lib", kPrograms},
    {"/usr/lib32", kPrograms},
    {"/usr/lib64", kPrograms},
    {"/usr/libexec", kPrograms},
    {"/usr/local/bin", kPrograms},  // first in root's PATH
    {"/usr/local/sbin", kPrograms},
    {"/usr/local/lib", kPrograms},
    {"/opt/cni", kPrograms},  // network plugins, run by the engine
    {"/snap", kPrograms},
    {"/var/lib/snapd", kPrograms},

    {"/etc/ld.so.preload", kPrograms},
    {"/etc/ld.so.conf", kPrograms},
    {"/etc/ld.so.conf.d", kPrograms},
    {"/etc/ld.so.cache", kPrograms},
    {"/etc/alternatives", kPrograms},

    {"/etc/passwd", kAccounts},
    {"/etc/passwd-", kAccounts},
    {"/etc/group", kAccounts},
    {"/etc/group-", kAccounts},
    {"/etc/subuid", kAccounts},  // where the id ranges come from
    {"/etc/subgid", kAccounts},
    {"/etc/nsswitch.conf", kAccounts},
    {"/etc/pam.conf", kAccounts},
    {"/etc/pam.d", kAccounts},
    {"/etc/security", kAccounts},
    {"/etc/polkit-1", kAccounts},
    {"/etc/dbus-1", kAccounts},
    {"/etc/doas.conf", kAccounts},
    {"/etc/selinux", kAccounts},
    {"/etc/apparmor.d", kAccounts},

    {"/etc/crontab", kJobs},
    {"/etc/anacrontab", kJobs},
    {"/etc/cron.d", kJobs},
    {"/etc/cron.hourly", kJobs},
    {"/etc/cron.daily", kJobs},
    {"/etc/cron.weekly", kJobs},
    {"/etc/cron.monthly", kJobs},
    {"/var/spool/cron", kJobs},
    {"/var/spool/at", kJobs},
    {"/var/spool/anacron", kJobs},
    {"/etc/systemd", kJobs},
    {"/run/systemd/system", kJobs},
    {"/run/systemd/transient", kJobs},
    {"/run/systemd/generator", kJobs},
    {"/run/systemd/generator.early", kJobs},
    {"/run/systemd/generator.late", kJobs},
    {"/run/udev", kJobs},  // rules.d
    {"/var/lib/systemd", kJobs},
    {"/etc/init.d", kJobs},
    {"/etc/inittab", kJobs},
    {"/etc/rc.local", kJobs},
    {"/etc/rc0.d", kJobs},
    {"/etc/rc1.d", kJobs},
    {"/etc/rc2.d", kJobs},
    {"/etc/rc3.d", kJobs},
    {"/etc/rc4.d", kJobs},
    {"/etc/rc5.d", kJobs},
    {"/etc/rc6.d", kJobs},
    {"/etc/rcS.d", kJobs},
    {"/etc/rc.d", kJobs},
    {"/etc/default", kJobs},
    {"/etc/sysconfig", kJobs},
    {"/etc/profile", kJobs},
    {"/etc/profile.d", kJobs},
    {"/etc/bash.bashrc", kJobs},
    {"/etc/bashrc", kJobs},
    {"/etc/zsh", kJobs},
    {"/etc/environment", kJobs},
    {"/etc/environment.d", kJobs},
    {"/etc/fstab", kJobs},
    {"/etc/crypttab", kJobs},
    {"/etc/modules", kJobs},
    {"/etc/modules-load.d", kJobs},
    {"/etc/modprobe.d", kJobs},
    {"/etc/depmod.d", kJobs},
    {"/etc/udev", kJobs},
    {"/etc/sysctl.conf", kJobs},
    {"/etc/sysctl.d", kJobs},
    {"/etc/tmpfiles.d", kJobs},
    {"/etc/sysusers.d", kJobs},
    {"/etc/binfmt.d", kJobs},
    {"/etc/logrotate.conf", kJobs},
    {"/etc/logrotate.d", kJobs},
    {"/etc/network", kJobs},
    {"/etc/NetworkManager", kJobs},
    {"/etc/networkd-dispatcher", kJobs},
    {"/etc/dhcp", kJobs},
    {"/etc/ppp", kJobs},
    {"/etc/cni", kJobs},
    {"/etc/apt", kJobs},
    {"/etc/dpkg", kJobs},
    {"/etc/yum.repos.d", kJobs},
    {"/etc/dnf", kJobs},
    {"/etc/apk", kJobs},
    {"/var/lib/dpkg", kJobs},  // maintainer scripts
    {"/etc/kernel", kJobs},
    {"/etc/initramfs-tools", kJobs},
    {"/etc/dracut.conf.d", kJobs},
    {"/etc/grub.d", kJobs},
    {"/etc/cloud", kJobs},
    {"/var/lib/cloud", kJobs},
    {"/var/log/bulkhead", kBulkhead},  // the audit log
};

// Sockets, so that they are found under any name: a private engine's, another init's /run.
constexpr std::string_view kSockets[] = {
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/run/dockershim.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/var/lib/lxd/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
    "/var/lib/incus/unix.socket",
    "/run/incus/unix.socket",
};

// Below any Docker data root.
constexpr DefaultException kDockerExceptions[] = {
    {"/containers/*/hosts", {}},
    {"/containers/*/hostname", {}},
    {"/containers/*/resolv.conf", {}},
    {"/containers/*/mounts/**", {}},  // shm, secrets, configs
    {"/volumes/*/_data", {}},
    {"/volumes/*/_data/**", {}},
    {"/plugins/*/propagated-mount/**", {}},  // volumes of plugins
    // BuildKit inside dockerd (seen with 20.10). Its containers mount cache, bind, secret and ssh
    // sources from the layer store and dockerd's TMPDIR, where a user's own container must not
    // reach: only for BuildKit's bundles.
    {"/buildkit/executor/hosts", {}},
    {"/buildkit/executor/hosts.*", {}},
    {"/buildkit/executor/resolv*.conf", {}},
    {"/overlay2/*/diff", "/buildkit/executor/*"},
    {"/overlay2/*/diff/**", "/buildkit/executor/*"},
    {"/overlay2/*/merged", "/buildkit/executor/*"},
    {"/overlay2/*/merged/**", "/buildkit/executor/*"},
    {"/tmp/buildkit-secrets*/*", "/buildkit/executor/*"},
    {"/tmp/.buildkit-ssh-sock*/ssh_auth_sock", "/buildkit/executor/*"},
};

constexpr DefaultException kExceptions[] = {
    {"/var/lib/bulkhead/guard/sockets/*/docker.sock", {}},  // the guard's: each judged and filtered

    {"/dev/null", {}},
    {"/dev/zero", {}},
    {"/dev/full", {}},
    {"/dev/random", {}},
    {"/dev/urandom", {}},
    {"/dev/tty", {}},

    // containerd's CRI plugin.
    {"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/*/hosts", {}},
    {"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/*/hostname", {}},
    {"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/*/resolv.conf", {}},
    {"/run/containerd/io.containerd.grpc.v1.cri/sandboxes/*/shm", {}},
    {"/var/lib/containerd/io.containerd.grpc.v1.cri/containers/*/volumes/*", {}},
    {"/var/lib/containerd/io.containerd.grpc.v1.cri/containers/*/volumes/*/**", {}},

    // nerdctl: namespace, then container id.
    {"/var/lib/nerdctl/*/containers/*/*/hostname", {}},
    {"/var/lib/nerdctl/*/containers/*/*/resolv.conf", {}},
    {"/var/lib/nerdctl/*/etchosts/*/*/hosts", {}},
    {"/var/lib/nerdctl/*/volumes/*/*/_data", {}},
    {"/var/lib/nerdctl/*/volumes/*/*/_data/**", {}},

    // podman and CRI-O. Not all of userdata: attach and control sockets lie there too.
    {"/run/containers/storage/*-containers/*/userdata/hosts", {}},
    {"/run/containers/storage/*-containers/*/userdata/hostname", {}},
    {"/run/containers/storage/*-containers/*/userdata/resolv.conf", {}},
    {"/run/containers/storage/*-containers/*/userdata/passwd", {}},
    {"/run/containers/storage/*-containers/*/userdata/group", {}},
    {"/run/containers/storage/*-containers/*/userdata/.containerenv", {}},
    {"/run/containers/storage/*-containers/*/userdata/run/**", {}},
    {"/run/containers/storage/*-containers/*/userdata/shm", {}},
    {"/var/lib/containers/storage/*-containers/*/userdata/shm", {}},
    {"/var/lib/containers/storage/volumes/*/_data", {}},
    {"/var/lib/containers/storage/volumes/*/_data/**", {}},

    // kubelet. termination-log files are named by container and attempt.
    {"/var/lib/kubelet/pods/*/etc-hosts", {}},
    {"/var/lib/kubelet/pods/*/volumes/*/*", {}},
    {"/var/lib/kubelet/pods/*/volumes/*/*/**", {}},
    {"/var/lib/kubelet/pods/*/volume-subpaths/**", {}},
    {"/var/lib/kubelet/pods/*/containers/*/*", {}},
};

// Devices that --device may pass: made to be used by programs that are not root, or namespaced.
constexpr std::string_view kDevices[] = {
    "/dev/fuse",
    "/dev/net/tun",
    "/dev/kvm",
    "/dev/dri/*",
    "/dev/dri/by-path/*",
    "/dev/kfd",
    "/dev/accel/*",
    "/dev/dxg",  // the GPU of WSL 2
    "/dev/nvidia*",
    "/dev/nvidia-caps/*",
    "/dev/snd/*",
    "/dev/video*",
    "/dev/media*",
    "/dev/ttyUSB*",
    "/dev/ttyACM*",
};

// Data directories of engines inside of containers, with a program that uses them.
constexpr DefaultDataDirectory kDataDirectories[] = {
    {"/var/lib/docker", "dockerd"},
    {"/var/lib/containerd", "containerd"},
    {"/var/lib/containers", "podman"},
    {"/var/lib/containers", "buildah"},
    {"/var/lib/containers", "crio"},
    {"/var/lib/buildkit", "buildkitd"},
    {"/var/lib/kubelet", "kubelet"},  // emptyDir volumes, in which there may be an engine again
    {"/var/lib/rancher", "k3s"},
    {"/var/lib/rancher", "rke2"},
    {"/var/lib/k0s", "k0s"},
};

}  // namespace

std::span<const DefaultPath> default_restricted_always() { return kAlways; }
std::span<const DefaultPath> default_restricted_writable() { return kWritable; }
std::span<const std::string_view> default_engine_sockets() { return kSockets; }
std::span<const DefaultException> default_exceptions() { return kExceptions; }
std::span<const DefaultException> docker_exceptions() { return kDockerExceptions; }
std::span<const std::string_view> default_devices() { return kDevices; }
std::span<const DefaultDataDirectory> default_data_directories() { return kDataDirectories; }

}  // namespace bulkhead::policy
