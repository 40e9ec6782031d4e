"""Whole files: every compression, every way in which a file can be wrong."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from gatepost_observer.lines import Unreadable, blocks, lines
from gatepost_observer.lines.whole import Stretch
from gatepost_observer.lines.zstd import unpack
from hypothesis import given
from hypothesis import strategies as st

TEXT = b"Nov 24 10:59:01 mx1 postfix/qmgr[2]: ABCDEF0123: removed\n" * 20_000


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_log_is_read_whatever_it_is_packed_by_and_whatever_its_name(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(pack(TEXT))
    assert b"".join(blocks(path)) == TEXT
    assert all(block.endswith(b"\n") for block in blocks(path))


def test_zstd_is_unpacked_by_the_command_where_the_module_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("zstd") is None:
        pytest.fail("the command zstd is needed for this test (lab/install)")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert unpack(io.BytesIO(zstd(TEXT)), "mail.log").read() == TEXT


def test_without_any_way_to_unpack_zstd_the_message_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        Unreadable, match=r"mail\.log: is compressed by zstd, expected the module zstandard or the command"
    ):
        unpack(io.BytesIO(zstd(TEXT)), "mail.log")


@given(
    parts=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=20), size=st.integers(1, 64)
)
def test_blocks_end_where_a_line_ends_and_lose_nothing(parts: list[bytes], size: int) -> None:
    data = b"a log\n" + b"\n".join(parts)
    whole = Stretch(io.BytesIO(data))
    reader = io.BufferedReader(whole, size)
    told = list(reader)
    assert all(line.endswith(b"\n") for line in told)
    assert b"".join(told) == data + (b"" if data.endswith(b"\n") else b"\n")


def test_a_line_of_many_megabytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(b"first\n" + b"x" * 3_000_000 + b"\nlast")
    assert [len(line) for line in lines(path)] == [5, 3_000_000, 4]


def test_a_file_without_any_line_end_does_not_fill_the_memory() -> None:
    told = list(io.BufferedReader(Stretch(io.BytesIO(b"x" * 20_000_000)), 1 << 18))
    assert max(map(len, told)) < 10_000_000
    assert sum(map(len, told)) >= 20_000_000


def test_nulls_and_wrong_utf_8_are_part_of_a_log(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(b"\0" * 5000 + b"line \xff\xfe one\nline \0 two\n")
    assert [line.lstrip(b"\0") for line in lines(path)] == [b"line \xff\xfe one", b"line \0 two"]


def wrong(path: Path) -> str:
    """The message of a file that cannot be read."""
    with pytest.raises(Unreadable) as caught:
        list(blocks(path))
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_directory_is_told_as_one(tmp_path: Path) -> None:
    assert wrong(tmp_path) == "is a directory, expected a log file"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert wrong(tmp_path / "none") == "no such file or directory"


@pytest.mark.parametrize("first", [b"\x7fELF\x02\x01\x01\0\0\0", b"\x89PNG\r\n\x1a\n\0\0\0\r", bytes(range(256))])
def test_a_binary_is_told_as_one(tmp_path: Path, first: bytes) -> None:
    path = tmp_path / "ls"
    path.write_bytes(first * 100)
    assert wrong(path) == "is a binary file, expected a log of lines"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_packed_file_that_is_cut_off_or_damaged_is_told(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "mail.log.packed"
    packed = pack(os.urandom(50_000).hex().encode())
    path.write_bytes(packed[: len(packed) // 2])
    assert wrong(path).startswith("ends early")
    path.write_bytes(packed[:9] + b"garbage" + packed[16:])
    assert wrong(path).startswith(("is damaged", "ends early", "invalid data"))


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(TEXT)
    path.chmod(0)
    root = os.geteuid() == 0  # who may read everything
    try:
        if root:
            os.seteuid(65534)
        assert wrong(path) == "permission denied"
    finally:
        if root:
            os.seteuid(0)
