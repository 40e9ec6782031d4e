"""Rendering from a playbook: done again exactly when something that was read or written has changed."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

GENERATOR = """
import sys
from pathlib import Path
policy, out = Path(sys.argv[2]), Path(sys.argv[sys.argv.index("--out") + 1])
(out / "gate12").mkdir(exist_ok=True)
(out / "gate12" / "manifest.json").write_text(policy.read_text())
print("gate12")
"""


@pytest.fixture(scope="module")
def action() -> ModuleType:
    path = Path(__file__).parents[2] / "plugins/action/gatepost_render.py"
    spec = importlib.util.spec_from_file_location("gatepost_render", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class World:
    """A policy, a generator and a folder for bundles."""

    def __init__(self, action: ModuleType, folder: Path, generator: str) -> None:
        self.action, self.out = action, folder / "out"
        self.policy, package = folder / "policies/policy.yml", folder / "source/gatepost"
        for made in (self.out, self.policy.parent, package):
            made.mkdir(parents=True)
        self.policy.write_text("one")
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(generator)
        self.generator = package / "__main__.py"
        self.command = ["render", str(self.policy), "--out", str(self.out)]
        self.environment = action._environment(str(package.parent))

    @property
    def key(self) -> str:
        return str(self.action._key(self.command, self.environment))

    def render(self) -> None:
        assert self.action._render(self.command, self.environment, self.out, self.key).returncode == 0

    @property
    def cached(self) -> bool:
        return self.action._unchanged(self.out / self.action.STAMP, self.key) is not None


@pytest.fixture
def world(action: ModuleType, tmp_path: Path) -> World:
    world = World(action, tmp_path, GENERATOR)
    world.render()
    return world


def test_with_nothing_changed_the_last_rendering_holds(world: World) -> None:
    assert world.cached


def test_a_changed_policy_is_rendered_again_even_with_its_old_time(world: World) -> None:
    times = (world.policy.stat().st_atime_ns, world.policy.stat().st_mtime_ns)
    world.policy.write_text("two")
    os.utime(world.policy, ns=times)
    assert not world.cached


def test_a_new_file_beside_the_policy_is_a_reason_to_render_again(world: World) -> None:
    (world.policy.parent / "more.txt").touch()
    assert not world.cached


def test_a_changed_generator_renders_again(world: World) -> None:
    world.generator.write_text(GENERATOR + "\n")
    assert not world.cached


def test_a_bundle_that_was_changed_is_rendered_again(world: World) -> None:
    (world.out / "gate12/manifest.json").write_text("by hand")
    assert not world.cached


def test_another_environment_renders_again(world: World) -> None:
    world.environment["LANG"] = "xx"
    assert not world.cached


def test_a_generator_that_asks_another_program_is_always_asked_again(action: ModuleType, tmp_path: Path) -> None:
    world = World(action, tmp_path, GENERATOR + "import subprocess\nsubprocess.run(['true'])\n")
    world.render()
    assert not world.cached


def test_a_generator_that_warns_is_always_asked_again(action: ModuleType, tmp_path: Path) -> None:
    world = World(action, tmp_path, GENERATOR + "print('look out', file=sys.stderr)\n")
    world.render()
    assert not world.cached
