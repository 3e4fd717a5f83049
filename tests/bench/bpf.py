"""The engine's seccomp profile as compiled code, for the floor program: libseccomp through ctypes."""

import ctypes
import ctypes.util
import errno

ACTIONS = {"SCMP_ACT_ALLOW": 0x7FFF0000, "SCMP_ACT_ERRNO": 0x00050000 | errno.EPERM}
ARCHITECTURES = {"SCMP_ARCH_X86_64": 0xC000003E, "SCMP_ARCH_X86": 0x40000003, "SCMP_ARCH_X32": 0x4000003E}
COMPARE = {"SCMP_CMP_EQ": 4, "SCMP_CMP_MASKED_EQ": 7}


class Argument(ctypes.Structure):
    _fields_ = [("index", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def arguments_of(rule):
    result = []
    for arg in rule.get("args") or []:
        # MASKED_EQ: `value` is the mask, `valueTwo` what must remain.
        result.append(Argument(arg["index"], COMPARE[arg["op"]], arg["value"], arg.get("valueTwo", 0)))
    return (Argument * len(result))(*result), len(result)


def compile_profile(profile, path):
    """Writes the filter's BPF to `path`; returns the number of instructions."""
    lib = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_init.argtypes = [ctypes.c_uint32]
    context = ctypes.c_void_p(lib.seccomp_init(ACTIONS[profile["defaultAction"]]))
    for name in profile["architectures"]:
        status = lib.seccomp_arch_add(context, ctypes.c_uint32(ARCHITECTURES[name]))
        if status not in (0, -errno.EEXIST):
            raise OSError(-status, f"seccomp_arch_add {name}")
    for rule in profile["syscalls"]:
        action = ACTIONS[rule["action"]]
        if rule["action"] == "SCMP_ACT_ERRNO":
            action = 0x00050000 | (rule.get("errnoRet") or errno.EPERM)
        array, count = arguments_of(rule)
        for name in rule["names"]:
            number = lib.seccomp_syscall_resolve_name(name.encode())
            if number != -1 and action != ACTIONS[profile["defaultAction"]]:
                lib.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, count, array)
    with open(path, "wb") as file:
        status = lib.seccomp_export_bpf(context, file.fileno())
        if status:
            raise OSError(-status, "seccomp_export_bpf")
        size = file.seek(0, 2)
    lib.seccomp_release(context)
    return size // 8
