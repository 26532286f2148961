"""What a process does to itself before it becomes a server: end with its parent, step down from root."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522

# Read, and write, where the file's mode would not allow it.
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int, how: signal.Signals) -> None:
    """The kernel sends this process the signal once its parent is gone, however that one ended."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, how)
        if os.getppid() != parent:  # it went before we asked, and a handler of its could swallow the signal
            os._exit(1)


def adopt_orphans() -> None:
    """Processes whose parents die below this one become its children, so that it can see and end them."""
    if sys.platform == "linux":
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def become(uid: int, gid: int, capabilities: tuple[int, ...] = ()) -> None:
    """Root turns into this user for good, keeping only these capabilities, which its own children inherit.

    OSError where the system does not let it (a container without CAP_SETPCAP, say).
    """
    if capabilities:
        # setuid() then keeps them, and access() counts them: PostgreSQL asks access() about its own file.
        _prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if capabilities:
        _keep(capabilities)


def _keep(capabilities: tuple[int, ...]) -> None:
    mask = sum(1 << capability for capability in capabilities)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable: once for the capabilities below 32, once for the rest.
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if _libc.capset(header, sets) != 0:
        _fail("capset")
    for capability in capabilities:
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(option, *padded) != 0:
        _fail("prctl")


def _fail(call: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{call}: {os.strerror(number)}")
