"""What the benchmark scripts share: one measured process, a description of the machine, a record that is never overwritten.

Keep this module light. On Linux a child's peak memory starts from what its parent held when it was started, so a parent
that loads numpy would be measured instead of a small child.
"""

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# 1 says that rows were skipped: the run is complete, and its summary tells how many.
SEMDEDUP_DONE = (0, 1)
SIMD = ("avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_tile",
        "amx_int8", "asimd", "asimddp", "i8mm", "sve", "sve2")


class Paths:
    """Replaces the places of this machine by names, so that a stored record can be read and repeated elsewhere."""

    def __init__(self, **named):
        """The names of the given folders or files; the repository is `.`, the interpreter `python`."""
        pairs = [(str(ROOT) + "/", ""), (str(ROOT), "."), (sys.executable, "python"), (str(Path.home()), "~")]
        for name, path in named.items():
            pairs += [(str(path), f"${name}"), (str(Path(path).resolve()), f"${name}")]
        self.pairs = sorted(set(pairs), key=lambda pair: -len(pair[0]))

    def hide(self, text):
        for place, name in self.pairs:
            text = text.replace(place, name)
        return text


def measured(command, paths, allowed=(0,)):
    """Runs one process to its end: wall seconds, processor seconds, peak resident bytes of the process, and its output.

    Stops the benchmark if the exit code is not an allowed one: a run that failed is not a fast run.
    """
    command = [str(part) for part in command]
    load = os.getloadavg()[0]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        stdout, stderr = (paths.hide(written(pipe)) for pipe in (out, err))
    shown = paths.hide(" ".join(command))
    if child.returncode not in allowed:
        sys.exit(f"error: exit code {child.returncode} from: {shown}\n{stderr[-2000:]}")
    return {
        "command": shown,
        "exit_code": child.returncode,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        # ru_maxrss counts kibibytes, except on macOS, where it counts bytes.
        "peak_rss_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "load_before": round(load, 2),
        "stdout": json_or_text(stdout),
        "stderr": stderr[-4000:],
    }


def written(file):
    """All that a process wrote to a file."""
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def json_or_text(text):
    """The text as JSON where it is JSON, so that a record can be queried; otherwise as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def machine():
    """The machine and the state of the code, as far as they explain a figure."""
    model, flags = processor()
    status = output(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"])
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instruction_sets": [name for name in SIMD if name in flags],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "os": operating_system(),
        "python": platform.python_version(),
        "rustc": output(["rustc", "--version"]),
        "commit": output(["git", "-C", str(ROOT), "rev-parse", "HEAD"]),
        "uncommitted_changes": bool(status),
    }


def processor():
    """The processor's name and its set of feature flags, from where the system tells them."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return output(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor(), set()
    fields = {}
    for line in info.read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags") or fields.get("Features") or ""
    return fields.get("model name") or platform.machine(), set(flags.split())


def operating_system():
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.system()} {platform.release()}"
    except (OSError, KeyError):
        return platform.platform()


def output(command):
    """What a command prints, or an empty text where it is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def binary(given):
    """The `semdedup` to measure: the one given, else the release build of this checkout."""
    path = Path(given) if given else Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "semdedup"
    if not path.is_file():
        sys.exit(f"error: {path} is not there\nhint: cargo build --release --locked, or name it with --semdedup")
    return path.resolve()


def store(name, record):
    """Writes a record to `bench/runs/<date>-<name>.json` under a name that is still free, and returns its path."""
    folder = ROOT / "bench" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.date.today():%Y-%m-%d}-{name}"
    number = 1
    while True:
        path = folder / (f"{stem}.json" if number == 1 else f"{stem}-{number}.json")
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump(record, file, indent=1, ensure_ascii=False)
                file.write("\n")
            return path
        except FileExistsError:
            number += 1


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
