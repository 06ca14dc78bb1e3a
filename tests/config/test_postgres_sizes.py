"""The embedded PostgreSQL takes what a machine can spare, and no more."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from config.services.postgres_sizes import Machine, found, sized

_MEGABYTES = {"shared_buffers", "effective_cache_size", "maintenance_work_mem", "max_wal_size", "min_wal_size"}


def _numbers(machine: Machine) -> dict[str, int]:
    return {name: int(value.removesuffix("MB")) for name, value in sized(machine).items()}


def test_a_machine_of_four_gigabytes_keeps_its_memory_for_the_rest():
    assert _numbers(Machine(memory=4096, free_disk=100_000))["shared_buffers"] == 256


def test_a_large_machine_gives_four_gigabytes_and_a_log_of_four():
    numbers = _numbers(Machine(memory=65536, free_disk=500_000))
    assert (numbers["shared_buffers"], numbers["max_wal_size"]) == (4096, 4096)


@given(memory=st.integers(1024, 2_000_000), free_disk=st.integers(4096, 10_000_000))
def test_it_never_takes_more_than_an_eighth_of_memory_and_disk(memory: int, free_disk: int):
    numbers = _numbers(Machine(memory=memory, free_disk=free_disk))
    assert set(numbers) == _MEGABYTES
    assert numbers["shared_buffers"] * 8 <= memory
    assert numbers["max_wal_size"] * 8 <= free_disk
    assert numbers["min_wal_size"] < numbers["max_wal_size"]


def test_it_looks_at_a_folder_that_is_yet_to_be_made(tmp_path: Path):
    machine = found(tmp_path / "not" / "there")
    assert machine.memory > 256
    assert machine.free_disk > 0
