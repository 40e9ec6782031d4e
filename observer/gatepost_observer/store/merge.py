"""Many small files become one as they come, so that a reader never has to open thousands.

In: a writer. Out: wherever FAN files of one level lie in a partition, one of the next level stands for them, sorted by
time. The collector does this after its commits; it costs it milliseconds. What is large already is left to `compact`.
Fails like the writer; a merge that was overtaken by `compact` is dropped without a trace.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from gatepost_observer.store.manifest import File
from gatepost_observer.store.partition import Partition
from gatepost_observer.store.schema import conformed
from gatepost_observer.store.writer import Writer

FAN: Final = 32
SMALL: Final = 50_000  # rows
LARGE: Final = 9  # the level of what `compact` wrote


def _kin(entry: File) -> tuple[str, str, int]:
    return entry.day, entry.host or "", entry.level


def crowded(files: Iterable[File], fan: int = FAN) -> list[list[File]]:
    """Groups of small files that one file could stand for."""
    small = sorted((f for f in files if f.level < LARGE and f.rows < SMALL), key=lambda f: (*_kin(f), f.path))
    groups = [list(group) for _, group in groupby(small, _kin)]
    return [group[:fan] for group in groups if len(group) >= fan]


def merge_small(writer: Writer, fan: int = FAN) -> int:
    """Merge what is crowded; how many files there are less."""
    now = writer.store.manifest()
    fewer = 0
    for n, group in enumerate(crowded(now.files, fan)):
        merged = _merged(writer, group, now.sequence + 1, n)
        if writer.publish([merged], {entry.path for entry in group}):
            fewer += len(group) - 1
        else:
            (writer.path / merged.path).unlink(missing_ok=True)
    return fewer


def _merged(writer: Writer, group: list[File], number: int, n: int) -> File:
    tables = [conformed(pq.read_table(writer.path / entry.path, partitioning=None)) for entry in group]
    rows = pa.concat_tables(tables).sort_by("time")
    first, written = group[0], max(entry.written for entry in group)
    return writer.add(Partition(first.day, first.host), rows, number, n, first.level + 1, written)
