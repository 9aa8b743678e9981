"""A watcher that runs, and what it has said."""

import os
import re
import signal
import socket
import subprocess

from netns_support import wait_until
from netstack_support import NETSTACK


class Watcher:
    """`burrow-netstack watch`, ready: it has told so by the service manager's protocol."""

    def __init__(self, *options, flags=(), log="/run/watch.log"):
        self.log = log
        notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notified.bind("/run/notify.sock")
        notified.settimeout(10)
        with open(log, "w") as file:
            self.process = subprocess.Popen(
                [*NETSTACK, *flags, "watch", *options], stderr=file,
                env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": "/run/notify.sock"})
        try:
            self.state = notified.recv(4096).decode()
        except TimeoutError:
            raise AssertionError(f"not ready: {self.said()}") from None
        finally:
            notified.close()
            os.unlink("/run/notify.sock")

    def said(self):
        with open(self.log) as file:
            return file.read()

    def says(self, pattern, timeout=5):
        return wait_until(lambda: re.search(pattern, self.said()), timeout)

    def cpu_ticks(self):
        """User and system time, from /proc/PID/stat."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def context_switches(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return sum(int(count) for count in re.findall(r"ctxt_switches:\s+(\d+)", file.read()))

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return 1024 * int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
