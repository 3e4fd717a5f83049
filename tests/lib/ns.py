"""A private mount namespace for a suite: what it mounts or hides is gone with its last process."""

import ctypes
import os
import subprocess

CLONE_NEWNS = 0x20000
MS_PRIVATE = 1 << 18
MS_REC = 1 << 14


def sh(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def private_mounts():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "private mount namespace (needs root)")


def private_dev(scratch):
    """A /dev of our own: crun chowns the stdio nodes, which would be the host's /dev/null."""
    dev = os.path.join(scratch, "dev")
    os.makedirs(dev)
    sh("mount", "-t", "tmpfs", "-o", "mode=755", "dev", dev)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        info = os.stat(f"/dev/{name}")
        os.mknod(f"{dev}/{name}", info.st_mode, info.st_rdev)
        os.chmod(f"{dev}/{name}", 0o666)
    for name in ("pts", "shm", "mqueue"):
        if os.path.isdir(f"/dev/{name}"):
            os.mkdir(f"{dev}/{name}")
            sh("mount", "--bind", f"/dev/{name}", f"{dev}/{name}")
    os.symlink("pts/ptmx", f"{dev}/ptmx")
    os.symlink("/proc/self/fd", f"{dev}/fd")
    sh("mount", "--move", dev, "/dev")


def hide_unified():
    """crun 1.8 refuses a hybrid host whose v2 hierarchy has no controllers: it then sees plain v1."""
    if os.path.ismount("/sys/fs/cgroup/unified"):
        sh("umount", "/sys/fs/cgroup/unified")


def tmpfs_run():
    """/run as every systemd host has it; on a plain disk each state directory would cost a journal commit."""
    sh("mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run")
    os.mkdir("/run/lock")
