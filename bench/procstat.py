"""CPU time and memory of a process and its children, from /proc (proc(5))."""

import os

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


def _family(pid):
    """The process and all below it: nginx has a master and a worker."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as children:
                    found.extend(int(child) for child in children.read().split())
        except OSError:
            pass  # it has just ended
    return found


def cpu_us(pid):
    """utime + stime in microseconds, all threads; in steps of the clock tick, 10 ms."""
    ticks = 0
    for member in _family(pid):
        with open(f"/proc/{member}/stat") as stat:
            # The second field, the name, may hold blanks and brackets: count from the last bracket (field 2).
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * TICK_US


def memory(pid):
    """Resident memory now and at its highest, in MB of 10^6 bytes."""
    sums = {"VmRSS": 0, "VmHWM": 0}
    for member in _family(pid):
        with open(f"/proc/{member}/status") as status:
            for line in status:
                key, _, value = line.partition(":")
                if key in sums:
                    sums[key] += int(value.split()[0]) * 1024
    return {"rss_mb": round(sums["VmRSS"] / 1e6, 1), "peak_mb": round(sums["VmHWM"] / 1e6, 1)}
