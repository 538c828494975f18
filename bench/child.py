"""Run a command, and write what it took: `child.py FILE COMMAND…`.

A process of its own, and a small one: Linux counts the memory of whoever forks a process as that
of the process, and a bench is larger than what it measures.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    status = subprocess.call(sys.argv[2:])  # noqa: S603  what the bench wants run
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {"cpu": used.ru_utime + used.ru_stime, "rss": used.ru_maxrss}
    Path(sys.argv[1]).write_text(json.dumps(told))
    sys.exit(status)
