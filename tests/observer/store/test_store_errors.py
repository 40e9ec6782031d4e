"""What is no store, may not be touched, or is of another time, is told in one line, and nothing is damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import some
from gatepost_observer.events import COLUMNS
from gatepost_observer.store import Store, StoreError, engine, locks, writer
from gatepost_observer.store.schema import table


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with ten events."""
    path = tmp_path / "store"
    with writer.opened(path) as one:
        one.commit(some.events(0, 10), {"read": 10})
    return path


def _changed(store: Path, **changes: Any) -> None:
    manifest = store / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **changes}))


@pytest.mark.parametrize("changes", [{"schema": 99}, {"layout": 99}])
@pytest.mark.parametrize("role", [locks.COLLECT, locks.COMPACT])
def test_a_store_of_a_newer_version_is_neither_read_nor_written(
    changes: dict[str, int], role: str, store: Path
) -> None:
    """Nothing on the disk changes."""
    _changed(store, **changes)
    before = {name: (store / name).read_bytes() for name in some.on_disk(store)}
    with pytest.raises(StoreError, match="of a newer Gatepost"):
        Store(store).files()
    with pytest.raises(StoreError, match="of a newer Gatepost"), writer.opened(store, role):
        pass
    assert {name: (store / name).read_bytes() for name in some.on_disk(store)} == before


def test_files_of_an_older_schema_stay_readable_beside_new_ones(store: Path) -> None:
    """A column that came later is NULL in the old rows."""
    [name] = [entry.path for entry in Store(store).entries()]
    pq.write_table(table(some.events(0, 10)).select(["time", "host", "kind", "queue_id"]), store / name)
    manifest = json.loads((store / "manifest.json").read_text())
    manifest["schema"] = manifest["files"][0]["schema"] = 0
    (store / "manifest.json").write_text(json.dumps(manifest))
    with writer.opened(store) as one:
        one.commit(some.events(10, 20, sender="anna@example.org"))
    with engine.opened(Store(store)) as duck:
        rows = duck.rows("SELECT queue_id, sender FROM events")
    assert {row["sender"] for row in rows} == {None, "anna@example.org"}
    assert some.ids(store) == some.expected(0, 20)
    assert json.loads((store / "manifest.json").read_text())["schema"] > 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": "other"}', b"\xff\x00", b'{"format": "gatepost events"}']
)
def test_a_damaged_manifest_is_told(content: bytes, store: Path) -> None:
    """And the writer does not make a new one in its place."""
    (store / "manifest.json").write_bytes(content)
    for use in (lambda: Store(store).files(), lambda: writer.opened(store).__enter__()):
        with pytest.raises(StoreError, match=r"manifest\.json: is "):
            use()
    assert (store / "manifest.json").read_bytes() == content


def test_a_folder_with_other_things_in_it_does_not_become_a_store(tmp_path: Path) -> None:
    """A slip in a path must not fill somebody's folder."""
    (tmp_path / "letter.txt").touch()
    with (
        pytest.raises(StoreError, match=r"is no store and not empty \('letter.txt' lies there\)"),
        writer.opened(tmp_path),
    ):
        pass
    assert [place.name for place in tmp_path.iterdir()] == ["letter.txt"]


def test_a_file_or_nothing_is_no_store(tmp_path: Path) -> None:
    """Reading, compacting, collecting."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is a file, expected the folder of a store"), writer.opened(tmp_path / "file"):
        pass
    with pytest.raises(StoreError, match="cannot be read: Not a directory"):
        Store(tmp_path / "file").files()
    with pytest.raises(StoreError, match="no such store"):
        Store(tmp_path / "nothing").files()
    with pytest.raises(StoreError, match="no such store"), writer.opened(tmp_path / "nothing", locks.COMPACT):
        pass
    assert not (tmp_path / "nothing").exists()


def test_a_second_collector_is_refused_and_told_who_has_the_store(store: Path) -> None:
    """In another process, as it would be."""
    code = "import sys; from gatepost_observer.store import writer; writer.opened(sys.argv[1]).__enter__()"
    with writer.opened(store):
        second = subprocess.run([sys.executable, "-c", code, str(store)], capture_output=True, text=True, check=False)
    assert f"another `gatepost collect` writes here (process {os.getpid()})" in second.stderr
    assert second.returncode == 1


def test_a_folder_without_permission_is_told(store: Path) -> None:
    """As an ordinary user, on a folder of somebody else."""
    store.chmod(0o500)
    store.parent.chmod(0o755)
    for above in store.parents[:3]:
        above.chmod(0o755)
    code = (
        "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from gatepost_observer.store import Store, StoreError, writer\n"
        "for use in (lambda: Store(sys.argv[1]).files(), lambda: writer.opened(sys.argv[1]).__enter__()):\n"
        "    try: use()\n"
        "    except StoreError as error: print(error)"
    )
    if os.getuid() != 0:  # then it is somebody else's already, once nothing is allowed
        code = code.partition("\n")[2].join(["import sys\n", ""])
        store.chmod(0o000)
    done = subprocess.run([sys.executable, "-c", code, str(store)], capture_output=True, text=True, check=False)
    store.chmod(0o700)
    assert done.stdout.count("Permission denied") == 2, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["mysql", "spark:", "duck"])
def test_an_unknown_engine_is_told(name: str, store: Path) -> None:
    """With what there is."""
    with (
        pytest.raises(StoreError, match="no such engine, expected duckdb or spark://host:port"),
        engine.opened(Store(store), name),
    ):
        pass


def test_a_query_reaches_nothing_outside_of_the_store(store: Path) -> None:
    """No files, no network, no extensions, and it cannot be allowed again."""
    with engine.opened(Store(store)) as duck:
        for sql in (
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM 'https://example.org/x.parquet'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
        ):
            with pytest.raises(StoreError, match="the query failed"):
                duck.rows(sql)


def test_every_column_has_its_type_in_the_files(store: Path) -> None:
    """Times in microseconds, UTC; zstd."""
    [path] = Store(store).files()
    file = pq.ParquetFile(path)
    assert file.schema_arrow.names == list(COLUMNS)
    types = {name: str(file.schema_arrow.field(name).type) for name in ("time", "host", "size", "delay", "inside")}
    assert types == {
        "time": "timestamp[us, tz=UTC]", "host": "string", "size": "int64", "delay": "double", "inside": "bool",
    }  # fmt: skip
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
