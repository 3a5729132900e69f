"""What an engine prints, made into progress."""

import pytest

from bunkhouse.sandboxes.build_output import BuildOutput
from bunkhouse.sandboxes.recipe import Step

STEPS = (Step("Preparing", 0), Step("Packages", 50), Step("Node", 20), Step("Runner", 5))


def _feed(output: BuildOutput, *lines: str) -> list[float]:
    progress: list[float] = []
    for line in lines:
        output.feed(line)
        progress.append(output.progress)
    return progress


@pytest.mark.parametrize(
    "lines",
    [
        ("STEP 1/4: FROM base", "STEP 2/4: RUN apt", "STEP 3/4: RUN node"),
        # Docker counts the ARG before FROM too.
        ("Step 1/5 : ARG BASE", "Step 2/5 : FROM base", "Step 3/5 : RUN apt", "Step 4/5 : RUN n"),
    ],
    ids=["podman", "docker"],
)
def test_both_engines_steps(lines: tuple[str, ...]) -> None:
    output = BuildOutput(STEPS)
    _feed(output, *lines)
    assert output.title == "Node"
    assert output.progress == pytest.approx((25 + 50) / 100)


def test_progress_never_falls_and_ends_below_one() -> None:
    output = BuildOutput(STEPS)
    lines = ["I: downloading", "I: extracting", "STEP 1/4: FROM base", "STEP 2/4: RUN apt"]
    lines += ["0 upgraded, 2 newly installed, 0 to remove", "Unpacking git (1) ..."]
    lines += ["Unpacking jq (1) ...", "Setting up git (1) ...", "Setting up jq (1) ..."]
    lines += ["Setting up jq (1) ...", "STEP 3/4: RUN n", "-->", "STEP 4/4: COPY", "STEP 1/4: odd"]
    progress = _feed(output, *lines)
    assert progress == sorted(progress)
    assert progress[0] > 0
    assert 0.9 < progress[-1] <= 1


def test_apt_moves_within_its_step() -> None:
    output = BuildOutput(STEPS)
    _feed(output, "STEP 2/4: RUN apt", "0 upgraded, 2 newly installed, 0 to remove")
    before = output.progress
    _feed(output, "Unpacking git (1) ...", "Setting up git (1) ...")
    assert output.progress == pytest.approx(before + 0.25)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            ["Get:1 x", "E: Unable to locate package gti", "building at STEP: exit status 100"],
            "E: Unable to locate package gti",
        ),
        (["npm error code ENOTFOUND", "npm error network", "STEP 2/4: RUN"], "npm error network"),
        (["something odd", "exit code 3"], "something odd"),
        ([], ""),
    ],
)
def test_the_complaint_is_what_says_why(lines: list[str], complaint: str) -> None:
    output = BuildOutput(STEPS)
    _feed(output, *lines)
    assert output.complaint() == complaint
