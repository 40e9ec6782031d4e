"""The manifest: what is refused before anything is staged."""

from __future__ import annotations

from typing import Any

import pytest
from release.errors import ManifestError
from release.manifest import manifest_parse, release_id
from stand_ins import Bundle

GOOD = Bundle({"/etc/a.conf": "1\n"})


def with_file(**change: object) -> dict[str, Any]:
    raw = GOOD.raw
    content = {**raw, "files": [{**raw["files"][0], **change}]}
    return {**content, "release": release_id(content)}


def test_a_manifest_becomes_typed_values() -> None:
    (file,) = manifest_parse(GOOD.raw).files
    assert (file.path, file.mode, file.change) == ("/etc/a.conf", 0o640, "reload")


def test_a_manifest_that_was_changed_after_rendering_is_refused() -> None:
    with pytest.raises(ManifestError, match="release id"):
        manifest_parse({**GOOD.raw, "host": "other"})


def test_a_manifest_of_another_version_is_refused() -> None:
    with pytest.raises(ManifestError, match="version 1, not 2"):
        manifest_parse({**GOOD.raw, "manifest": 2})


@pytest.mark.parametrize(
    "path", ["etc/a", "/etc/../root/a", "/etc//a", "//etc/a", "/", "/etc/a/", "/var/lib/gatepost/current"]
)
def test_a_path_outside_of_what_a_release_may_write_is_refused(path: str) -> None:
    with pytest.raises(ManifestError, match="no release may write"):
        manifest_parse(with_file(path=path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "rw-r--r--"}, "not octal"),
        ({"change": "kick"}, "change must be one of"),
        ({"build": "hash"}, "build must be lmdb or null"),
        ({"service": "nobody"}, "services that the manifest does not list: nobody"),
        ({"size": "1"}, "'size' must be a whole number"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(change: dict[str, object], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        manifest_parse(with_file(**change))
