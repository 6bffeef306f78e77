"""Tests that free memory is the least of what machine and control group leave."""

from source.inputter import _memory


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_the_machine_says_what_is_available(tmp_path):
    write(tmp_path, "proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    2048 kB\n")
    assert _memory.free_bytes(tmp_path) == 2048 * 1024


def test_a_control_group_lowers_it(tmp_path):
    write(tmp_path, "proc/meminfo", "MemAvailable: 2048 kB\n")
    write(tmp_path, "sys/fs/cgroup/memory.max", "1000000\n")
    write(tmp_path, "sys/fs/cgroup/memory.current", "400000\n")
    assert _memory.free_bytes(tmp_path) == 600_000


def test_a_control_group_of_version_1_lowers_it(tmp_path):
    write(tmp_path, "proc/meminfo", "MemAvailable: 2048 kB\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.usage_in_bytes", "600000\n")
    assert _memory.free_bytes(tmp_path) == 0


def test_a_control_group_without_limit_is_passed_over(tmp_path):
    write(tmp_path, "proc/meminfo", "MemAvailable: 2048 kB\n")
    write(tmp_path, "sys/fs/cgroup/memory.max", "max\n")
    assert _memory.free_bytes(tmp_path) == 2048 * 1024


def test_nothing_is_free_where_nobody_says(tmp_path):
    assert _memory.free_bytes(tmp_path) == 0


def test_a_limit_is_taken_as_it_is_and_otherwise_a_quarter():
    assert _memory.cache_limit_bytes(1.5) == 3 << 19
    assert 0 <= _memory.cache_limit_bytes(None) <= _memory.free_bytes()
