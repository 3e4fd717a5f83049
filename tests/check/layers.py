"""Who may include whom: the arrows of ARCHITECTURE.md, as they are in src/. A folder that is not here
fails the check, so that a new one gets its place by decision. Every folder may include itself."""

LAYERS = {
    "base": set(),
    "json": {"base"},
    "sys": {"base"},  # the kernel without policy
    "cli": {"base"},
    "images": {"base"},  # pure: references and the verdict on an image
    "policy": {"base", "json", "images"},
    "spec": {"base", "json"},
    "idpool": {"base", "spec"},
    "cgroup": {"base", "spec"},
    "seccomp": {"base", "spec"},
    "plan": {"base", "spec", "policy"},  # pure: never sys
    "sandbox": {"base", "sys", "spec", "plan", "seccomp", "cgroup"},  # executes: never policy
    "scope": {"base", "cgroup"},  # the process that talks to systemd
    "keeper": {"base", "sys", "cli", "spec", "plan", "seccomp", "sandbox", "cgroup"},
    "audit": {"base", "json", "sys"},
    "runtime": {"base", "json", "sys", "cli", "policy", "spec", "plan", "idpool", "seccomp", "cgroup",
                "sandbox", "keeper", "audit"},
    "http": {"base"},
    "h2": {"base", "http"},
    "registry": {"base", "json", "sys", "images"},  # what decides about registries, without a network
    "fetch": {"base", "json", "sys", "cli", "images", "policy", "spec", "seccomp", "registry"},  # the process
    "guard": {"base", "json", "sys", "cli", "policy", "images", "audit", "http", "h2", "registry"},
    "ctl": {"base", "json", "sys", "cli", "policy", "images", "audit", "plan", "spec", "idpool", "cgroup",
            "registry"},
}

# Third-party headers and the only folders that may see them: a library has one adapter.
LIBRARIES = {
    r"boost/json": {"json"},
    r"boost/(asio|beast)": {"http", "h2", "guard"},
    r"seccomp\.h": {"seccomp"},
    r"sys/capability\.h": {"sys"},
    r"systemd/": {"scope"},
    r"fuse": {"keeper"},
    r"curl/": {"fetch"},
    r"nghttp2/": {"h2"},
}
