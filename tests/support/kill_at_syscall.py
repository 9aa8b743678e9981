"""Kills a program exactly before its n-th system call that could change something, or changes the world
exactly before it reads about it.

A ptrace loop over all threads of the program; children that it starts run free.
"""

import ctypes
import os
import signal

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long

_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_OPTIONS = 1 | 8 | 1 << 20  # SYSGOOD, TRACECLONE (threads), EXITKILL
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_WALL = 0x40000000
_ENTRY = 1

# x86-64 numbers: everything by which a program changes the world beyond its memory.
_CHANGING = {
    1: "write", 18: "pwrite64", 20: "writev", 44: "sendto", 46: "sendmsg", 307: "sendmmsg",
    82: "rename", 264: "renameat", 316: "renameat2", 87: "unlink", 263: "unlinkat", 84: "rmdir",
    83: "mkdir", 258: "mkdirat", 2: "open", 257: "openat", 77: "ftruncate", 73: "flock",
    62: "kill", 308: "setns", 424: "pidfd_send_signal", 57: "fork", 58: "vfork", 231: "exit_group",
}  # fmt: skip
_RECEIVING = (45, 47)  # recvfrom, recvmsg


class _Info(ctypes.Structure):
    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32),
                ("ip", ctypes.c_uint64), ("sp", ctypes.c_uint64), ("nr", ctypes.c_uint64),
                ("arguments", ctypes.c_uint64 * 6)]  # fmt: skip


def _is_changing(info):
    if info.op != _ENTRY or info.nr not in _CHANGING:
        return False
    if info.nr in (2, 257):  # opening changes something when it may create
        return bool(info.arguments[1 if info.nr == 2 else 2] & os.O_CREAT)
    return True


def run(command, text, environment, number=None, before_receiving=lambda: None):
    """Runs a command with `text` as its input and kills it before changing call `number` (from 1).

    Without a number it runs to its end. `before_receiving` is called, with the command halted, each
    time that it is about to receive from a socket. Returns (wait status, names of the changing calls made).
    Output goes nowhere.
    """
    reading, writing = os.pipe()
    os.write(writing, text)  # a document of these tests fits into the pipe
    os.close(writing)
    child = os.fork()
    if child == 0:
        try:
            os.dup2(reading, 0)
            null = os.open("/dev/null", os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            _libc.ptrace(_TRACEME, 0, None, None)
            os.execve(command[0], command, environment)
        finally:
            os._exit(127)
    os.close(reading)
    return _trace(child, number, before_receiving)


def _trace(child, number, before_receiving):
    calls = []
    info = _Info()
    os.waitpid(child, _WALL)
    _libc.ptrace(_SETOPTIONS, child, None, ctypes.c_void_p(_OPTIONS))
    _libc.ptrace(_SYSCALL, child, None, None)
    while True:
        thread, status = os.waitpid(-1, _WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if thread == child:
                return status, calls
            continue
        stop = os.WSTOPSIG(status)
        delivered = 0
        if stop == _SYSCALL_STOP:
            size = ctypes.sizeof(info)
            _libc.ptrace(_GET_SYSCALL_INFO, thread, ctypes.c_void_p(size), ctypes.byref(info))
            if info.op == _ENTRY and info.nr in _RECEIVING:
                before_receiving()
            if _is_changing(info):
                calls.append(_CHANGING[info.nr])
                if len(calls) == number:
                    os.kill(child, signal.SIGKILL)
                    continue
        elif stop not in (signal.SIGTRAP, signal.SIGSTOP):
            delivered = stop
        _libc.ptrace(_SYSCALL, thread, None, ctypes.c_void_p(delivered))
