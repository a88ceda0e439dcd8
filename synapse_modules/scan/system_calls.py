"""The system calls of a process that reads one file which is open, and answers: it makes no other (seccomp(2)).

Limits alone leave it what needs no descriptor, such as ending Synapse, whose user it is, by `kill`.
"""

from __future__ import annotations

import errno
from typing import Final

try:
    import pyseccomp
except RuntimeError:  # there is no libseccomp
    pyseccomp = None

#: Whether the system can filter them.
CAN_FILTER: Final = pyseccomp is not None
_ALLOWED: Final = (
    # what is open
    *("read", "readv", "pread64", "write", "writev", "lseek", "close", "fstat", "newfstatat"),
    # memory
    *("brk", "mmap", "mremap", "munmap", "mprotect", "madvise"),
    # time, chance, and what it is itself
    *("clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "getrandom", "getrusage", "getpid", "gettid"),
    # signals to it, locks of threads, and the end
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("futex", "sched_yield", "exit", "exit_group"),
)


def allow_only_reading() -> None:
    """Refuses every other call of this process for good, as what it may not do (EPERM).

    Raises:
        OSError: where the system does not take the filter.
    """
    if pyseccomp is None:
        return
    only = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for call in _ALLOWED:
        only.add_rule(pyseccomp.ALLOW, call)
    only.load()
