import os
import subprocess
import sys

from bunkhouse_protocol.places import ENV_TOKEN


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != ENV_TOKEN}
    return subprocess.run(
        [sys.executable, "-m", "bunkhouse_runner"],
        env={**env, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_token_it_says_who_starts_it() -> None:
    done = start()
    assert done.returncode == 2
    assert ENV_TOKEN in done.stderr
