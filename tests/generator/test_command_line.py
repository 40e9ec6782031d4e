"""The commands in odd surroundings: whatever a user does, an answer or a reason comes out, never a traceback."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gatepost.cli import app
from ids import ROOT
from typer.testing import CliRunner, Result

MINIMAL = str(ROOT / "policies" / "minimal.yml")
INVENTORY = str(ROOT / "inventories" / "example")
EXPLAIN = ["explain", MINIMAL, "--client", "203.0.113.9", "--from", "a@b.example", "--to", "anna@example.org"]
BAD = MINIMAL.replace("policies/minimal", "tests/bad/bad-address")
HOST = "mx1.example.org"


def render(out: Path, *options: str) -> Result:
    """What `gatepost render` of the ten lines says."""
    return CliRunner().invoke(app, ["render", MINIMAL, "-i", INVENTORY, "--out", str(out), *options])


def shell(command: str, *words: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`"$@"` of a shell's command is gatepost with these words."""
    argv = ["bash", "-o", "pipefail", "-c", command, "bash", sys.executable, "-m", "gatepost", *words]
    return subprocess.run(argv, capture_output=True, check=False, env={**os.environ, **environment})


@pytest.mark.parametrize(
    "words",
    [["schema"], ["check", MINIMAL], ["check", BAD], EXPLAIN, ["--help"]],
    ids=lambda words: " ".join(words[:2]).replace(str(ROOT), ""),
)
def test_what_cannot_be_printed_ends_without_an_answer(words: list[str]) -> None:
    done = shell('"$@" > /dev/full', *words)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == b"gatepost: cannot print: No space left on device"
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [["schema"], ["check", BAD], EXPLAIN], ids=lambda words: " ".join(words[:2]).replace(str(ROOT), "")
)
def test_a_reader_who_leaves_is_no_answer_and_no_complaint(words: list[str]) -> None:
    done = shell('"$@" | true', *words)
    assert (done.returncode, done.stderr) in ((3, b""), (0 if words[1:] != [BAD] else 1, b""))


def test_the_answer_does_not_hang_on_standard_output_being_there() -> None:
    assert shell('"$@" >&- 2>&-', "check", MINIMAL).returncode == 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_json_in_every_encoding_and_for_every_name(encoding: str, tmp_path: Path) -> None:
    policy = os.fsencode(tmp_path) + "/ü€".encode() + b"\xff.yml"
    Path(os.fsdecode(policy)).write_text("policy: 1\nü: €\n", encoding="utf-8")
    done = shell('"$@"', "check", "--json", policy, PYTHONIOENCODING=f"{encoding}:strict")
    assert done.returncode == 1
    assert any("ü" in finding["message"] for finding in json.loads(done.stdout.decode())["findings"])
    told = shell('"$@"', "check", policy, PYTHONIOENCODING=f"{encoding}:strict")
    assert (told.returncode, b"Traceback" in told.stderr, b"unknown-key" in told.stdout) == (1, False, True)


def test_a_file_name_never_breaks_a_line_of_output(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(tmp_path / "a\nb\x1b[31m.yml")])
    assert all(line.startswith((str(tmp_path), "    ")) for line in done.stdout.splitlines())
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("command", ["render", "prove"])
def test_an_unknown_host_is_wrong_usage_and_json_says_so(command: str, tmp_path: Path) -> None:
    words = [command, MINIMAL, "-i", INVENTORY, "--host", "mx9\n", "--json"]
    done = CliRunner().invoke(app, words + (["--out", str(tmp_path)] if command == "render" else []))
    assert done.exit_code == 2
    assert "no such host" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_full_disk_is_no_answer_and_leaves_nothing_behind(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    done = render(tmp_path, *options)
    assert done.exit_code == 3
    assert "No space left on device" in (json.loads(done.stdout)["error"] if options else done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    done = render(tmp_path / "out", "--json")
    assert done.exit_code == 2
    assert "cannot be written" in json.loads(done.stdout)["error"]


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / HOST).mkdir()
    (tmp_path / HOST / "precious").touch()
    done = render(tmp_path)
    assert done.exit_code == 2
    assert f"{tmp_path / HOST}: cannot be written: it is no bundle of an earlier run" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [HOST]
    assert (tmp_path / HOST / "precious").exists()


def test_an_earlier_bundle_is_replaced_as_a_whole(tmp_path: Path) -> None:
    assert render(tmp_path, "--host", HOST, "--host", HOST).exit_code == 0
    manifest = (tmp_path / HOST / "manifest.json").read_bytes()
    (tmp_path / HOST / "manifest.json").write_text("older")
    (tmp_path / HOST / "files" / "left").touch()
    assert render(tmp_path, "--host", HOST).exit_code == 0
    assert (tmp_path / HOST / "manifest.json").read_bytes() == manifest
    assert not (tmp_path / HOST / "files" / "left").exists()
    assert [path.name for path in tmp_path.iterdir()] == [HOST]


def test_the_schema_is_json_with_and_without_being_asked_for_it() -> None:
    plain, asked = (CliRunner().invoke(app, ["schema", *more]) for more in ([], ["--json"]))
    assert asked.exit_code == 0
    assert json.loads(asked.stdout) == json.loads(plain.stdout)


@pytest.mark.parametrize(("wish", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_no_color_is_set(wish: str, coloured: bool) -> None:
    told = CliRunner().invoke(app, ["check", BAD], env={"NO_COLOR": wish}, color=True)
    assert ("\x1b[" in told.stdout) is coloured


def test_every_command_shows_an_example_that_can_be_copied() -> None:
    for command in ("check", "explain", "prove", "render", "schema"):
        told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80"}).stdout
        examples = [line.strip() for line in told.partition("Example")[2].splitlines()[1:] if line.strip()]
        assert examples and all(line.startswith(f"gatepost {command}") for line in examples)


@pytest.mark.parametrize("surroundings", [{"PYTHONHASHSEED": "1"}, {"LC_ALL": "C"}, {"TZ": "Asia/Tokyo"}], ids=str)
def test_the_same_bytes_are_rendered_wherever_and_however_it_is_called(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    example = MINIMAL.replace("minimal", "odd")
    for out, folder, environment in (("a", ROOT, {}), ("b", tmp_path, surroundings)):
        policy = os.path.relpath(example, folder)
        words = ["render", policy, "-i", os.path.relpath(INVENTORY, folder), "--out", str(tmp_path / out)]
        done = shell(f'cd "{folder}" && "$@"', *words, **environment)
        assert done.returncode == 0, done.stderr
    first, second = (
        {p.relative_to(top): p.read_bytes() for p in top.rglob("*") if p.is_file()}
        for top in (tmp_path / "a", tmp_path / "b")
    )
    assert first == second and len(first) > 50
