"""CPU time of processes, from Linux' `/proc`."""

import os
from collections import defaultdict
from pathlib import Path

#: Units of CPU time in a second, as `/proc` counts it.
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int) -> float:
    """Return the CPU seconds of a process and its descendants, children that it waited for included."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = entry.read_text()
        except OSError:
            continue  # it ended meanwhile; its parent's count has it
        # The name, in brackets, may hold spaces. Fields are numbered as in proc_pid_stat(5), from state (3).
        fields = stat.rpartition(")")[2].split()
        pid = int(entry.parent.name)
        children[int(fields[1])].append(pid)
        # utime, stime, cutime and cstime: fields 14 to 17.
        ticks[pid] = sum(map(int, fields[11:15]))
    total, tree = 0, [root]
    while tree:
        pid = tree.pop()
        total += ticks.get(pid, 0)
        tree += children[pid]
    return total / TICKS
