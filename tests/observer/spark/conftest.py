"""A Spark of two workers on this machine, for the tests that need one: started here, ended by their process ids."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

PATIENCE = 120.0


def _spark_home() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent


class Daemon:
    """A master or a worker, with its words in a file."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.log = folder / f"{name}.log"
        environment = {
            **os.environ,
            "SPARK_HOME": str(_spark_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "TZ": "Asia/Tokyo",
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(_spark_home() / "bin" / "spark-class"), *arguments],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=folder,
            )

    def waits_for(self, pattern: str, times: int = 1) -> str:
        """What it says, once it has said this so many times."""
        deadline = time.monotonic() + PATIENCE
        while len(found := re.findall(pattern, self.log.read_text(errors="replace"))) < times:
            assert self._process.poll() is None, self.log.read_text(errors="replace")
            assert time.monotonic() < deadline, self.log.read_text(errors="replace")
            time.sleep(0.05)  # looked for again and again, not waited for
        return str(found[0])

    def end(self) -> None:
        """End it and wait for it."""
        self._process.terminate()
        self._process.wait(PATIENCE)


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a standalone master with two workers."""
    assert shutil.which("java"), "no Java here: lab/install installs it"
    folder = tmp_path_factory.mktemp("spark")
    deploy = "org.apache.spark.deploy"
    with ExitStack() as until_the_end:
        master = Daemon(
            folder, "master", f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"
        )
        until_the_end.callback(master.end)
        address = master.waits_for(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        for number in (1, 2):
            options = ["--host", "127.0.0.1", "--webui-port", "0", "--cores", "1", "--memory", "1g"]
            work = ["--work-dir", str(folder / f"work{number}")]
            worker = Daemon(folder, f"worker{number}", f"{deploy}.worker.Worker", *options, *work, address)
            until_the_end.callback(worker.end)
        master.waits_for(r"Registering worker", times=2)
        yield address
