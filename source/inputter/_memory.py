"""How much memory is free, so that a cache takes its share and no more."""

from pathlib import Path

_MEGABYTE = 1 << 20
_CACHE_SHARE = 4


def cache_limit_bytes(limit_mb: float | None) -> int:
    """Returns the bytes a cache may take: the limit given, or a quarter of the memory that is free.

    Args:
        limit_mb: limit in MiB; None asks the system.
    """
    return int(limit_mb * _MEGABYTE) if limit_mb is not None else free_bytes() // _CACHE_SHARE


def free_bytes(root: Path = Path("/")) -> int:
    """Returns the bytes that this process may still allocate, 0 where the system does not say.

    The smaller of what the machine has available and what the limit of its control group leaves.

    Args:
        root: where the system's files are looked for.
    """
    amounts = [
        _machine(root),
        *(_group(root / folder) for folder in ("sys/fs/cgroup", "sys/fs/cgroup/memory")),
    ]
    return min((amount for amount in amounts if amount is not None), default=0)


def _machine(root: Path) -> int | None:
    """Returns `MemAvailable` of /proc/meminfo, which is in KiB (proc_meminfo(5))."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(sizes[0]) * 1024 if sizes else None


def _group(folder: Path) -> int | None:
    """Returns limit minus usage of a control group, version 2 or 1; None without a limit."""
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            return max(0, int((folder / limit).read_text()) - int((folder / usage).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return None
