"""The nightly work: few large files for many small ones, nothing older than may be kept, no names older than allowed.

In: a writer in the role `compact`, the time, and what the policy allows. Out: a store with the same events in one file
for each day and host that is over, sorted by time, with filters in which a single address is looked up without reading
the rest. Each partition is one step, whole or not at all; a second run finds nothing to do; a collector may write and
readers may read meanwhile. Fails with StoreError.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import duckdb
import pyarrow as pa

from gatepost_observer.events import COLUMNS, SCHEMA
from gatepost_observer.store import durable, forget
from gatepost_observer.store.engine import SPILL, DuckDB, view_of
from gatepost_observer.store.errors import StoreError
from gatepost_observer.store.literal import quoted
from gatepost_observer.store.manifest import File
from gatepost_observer.store.merge import LARGE
from gatepost_observer.store.partition import MIXED, Partition, day_of
from gatepost_observer.store.schema import FIELDS
from gatepost_observer.store.writer import Writer, told

MEMORY: Final = "300MB"  # for what is read, and again for what is written; a larger day is sorted on the disk
ROW_GROUP: Final = 40_960  # small: a mail that is found is unpacked with its whole group
BATCH: Final = 50_000
OVER: Final = 2 * 3600  # seconds after midnight until a day counts as over
WORTH_IT: Final = 100_000  # rows that are worth a large file of their own before the day is over


@dataclass(frozen=True)
class Rules:
    """What may be kept, in seconds; None is for ever."""

    keep: float | None = None
    forget_addresses_after: float | None = None


@dataclass(frozen=True)
class Job:
    """Files that one file will stand for."""

    files: tuple[File, ...]
    forget: bool

    @property
    def partition(self) -> Partition:
        """Where they lie."""
        return Partition(self.files[0].day, self.files[0].host)


@dataclass
class Done:
    """What a run did."""

    dropped: int = 0
    merged: int = 0
    into: int = 0
    forgotten: int = 0
    overtaken: int = field(default=0)


def too_old(files: Iterable[File], now: float, rules: Rules) -> list[File]:
    """What must go, because nothing in it may be kept."""
    return [f for f in files if rules.keep is not None and now - f.age_counts_from > rules.keep]


def _must_forget(files: Iterable[File], now: float, rules: Rules) -> bool:
    after = rules.forget_addresses_after
    return after is not None and all(now - f.age_counts_from > after for f in files)


def _job(files: list[File], now: float, rules: Rules) -> Job | None:
    if files[0].day == MIXED or files[0].day >= day_of(int((now - OVER) * 1e6)):  # it still grows
        files = [f for f in files if 0 < f.level < LARGE]
        return Job(tuple(files), False) if sum(f.rows for f in files) >= WORTH_IT else None
    hide = _must_forget(files, now, rules)
    settled = len(files) == 1 and files[0].level == LARGE and files[0].forgotten >= hide
    return None if settled else Job(tuple(files), hide)


def jobs(files: Iterable[File], now: float, rules: Rules) -> list[Job]:
    """What there is to do, oldest first."""
    kin = [(f.day, f.host or "", f) for f in files]
    parts = groupby(sorted(kin, key=lambda k: (k[0], k[1], k[2].path)), lambda k: k[:2])
    found = (_job([f for *_, f in part], now, rules) for _, part in parts)
    return [job for job in found if job]


def compact(writer: Writer, now: float, rules: Rules) -> Done:
    """Do it all; what a collector changed meanwhile is left to the next run."""
    with told(writer.path):
        return _compacted(writer, now, rules)


def _compacted(writer: Writer, now: float, rules: Rules) -> Done:
    done = Done()
    for left in writer.path.glob(f"{SPILL}*"):  # by one that was killed
        shutil.rmtree(left, ignore_errors=True)
    files = writer.store.manifest().files
    over = too_old(files, now, rules)
    if over and writer.publish([], {f.path for f in over}):
        done.dropped = len(over)
    for n, job in enumerate(jobs((f for f in files if f not in over), now, rules)):
        _do(writer, job, n, done)
    writer.remove_superseded()
    return done


def _do(writer: Writer, job: Job, n: int, done: Done) -> None:
    made = _rewritten(writer, job, writer.store.manifest().sequence + 1, n)
    if not writer.publish([made], {f.path for f in job.files}):
        (writer.path / made.path).unlink(missing_ok=True)
        done.overtaken += 1
        return
    done.merged += len(job.files)
    done.into += 1
    done.forgotten += made.rows if job.forget else 0


def _rewritten(writer: Writer, job: Job, number: int, n: int) -> File:
    name = writer.name(job.partition, number, n)
    place = writer.path / name
    durable.folder(place.parent)
    ours: dict[str, Any] = {"memory": MEMORY, "spill": writer.path}
    with DuckDB(writer.path, **ours) as source, DuckDB(writer.path, **ours) as target:
        try:
            rows = _sorted(source, writer, job)
            target.connection.register("rows", rows)
            _copied(target.connection, str(durable.beside(place).absolute()))
        except duckdb.Error as error:
            durable.beside(place).unlink(missing_ok=True)
            raise StoreError(f"{place}: cannot be written: {error}") from error
    durable.put_in_place(place)
    return File(
        path=name,
        day=job.partition.day,
        host=job.partition.host,
        rows=sum(f.rows for f in job.files),
        size=place.stat().st_size,
        first=min(f.first for f in job.files),
        last=max(f.last for f in job.files),
        schema=SCHEMA,
        written=max(f.written for f in job.files),
        level=LARGE,
        forgotten=job.forget,
    )


def _sorted(source: DuckDB, writer: Writer, job: Job) -> pa.RecordBatchReader:
    """The rows of a job, in the order of time, a batch at a time, without addresses where they are to be forgotten."""
    view_of(source.connection, writer.path, job.files)
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    rows = source.connection.sql(f'SELECT {columns} FROM events ORDER BY "time"').to_arrow_reader(BATCH)  # noqa: S608
    if not job.forget:
        return rows
    made = forget.pseudonyms(forget.key_of(writer.path))
    return pa.RecordBatchReader.from_batches(FIELDS, _hidden(rows, made))


def _hidden(rows: Iterable[pa.RecordBatch], made: forget.Replace) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        yield forget.forgotten(batch.cast(FIELDS), made)


def _copied(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    # A dictionary for each column of each group makes DuckDB write a Bloom filter too: with it one address among
    # millions is found without reading the groups that do not hold it.
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(
        f"COPY (FROM rows) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd, "
        f"ROW_GROUP_SIZE {ROW_GROUP}, DICTIONARY_SIZE_LIMIT {ROW_GROUP})"
    )
