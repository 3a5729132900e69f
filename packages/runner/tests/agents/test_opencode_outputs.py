"""Long outputs: what the log has of them, and what is kept for the hub, byte for byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bunkhouse_runner.agents.opencode.outputs import Outputs, Printed
from bunkhouse_runner.pictures import name_of


def outputs(logged: int = 100, kept: int = 1000) -> tuple[Outputs, dict[str, bytes]]:
    there: dict[str, bytes] = {}

    def keep(data: bytes) -> str:
        there[name_of(data)] = data
        return name_of(data)

    return Outputs(logged, kept, keep), there


def test_a_short_output_is_in_the_log_alone() -> None:
    shorten, there = outputs()
    output = shorten.of(Printed(b"x" * 100))
    assert (output.text, output.left_out, output.whole, there) == ("x" * 100, 0, None, {})
    assert shorten.of(Printed(b"\xff\n")).text == "\N{REPLACEMENT CHARACTER}\n"


def test_a_long_one_is_whole_in_the_blob() -> None:
    shorten, there = outputs()
    printed = bytes(range(32, 127)) * 5
    output = shorten.of(Printed(printed))
    assert output.whole is not None and there == {output.whole.blob: printed}
    assert (output.whole.size, output.whole.lost) == (len(printed), 0)
    head, gap, tail = output.text.partition(f"\n… {output.left_out} bytes left out …\n")
    assert gap and (head, tail) == (printed[:50].decode(), printed[-50:].decode())
    assert output.left_out == len(printed) - 100


@pytest.mark.parametrize("cut", [False, True], ids=["in memory", "read from disk by its ends"])
def test_one_that_is_too_long_for_a_blob_says_what_is_lost(cut: bool) -> None:
    shorten, there = outputs()
    printed = b"a" * 2000 + b"b" * 2000
    half = shorten.room // 2
    ends = Printed(printed[:half], printed[-half:], len(printed) - 2 * half)
    output = shorten.of(ends if cut else Printed(printed))
    assert output.whole is not None
    kept = there[output.whole.blob]
    assert len(kept) == output.whole.size <= 1000
    assert output.whole.lost == len(printed) - 2 * half
    head, gap, tail = kept.partition(f"\n… {output.whole.lost:,} bytes left out …\n".encode())
    assert gap and (head, tail) == (b"a" * half, b"b" * half)
    assert output.left_out == len(printed) - 100


@settings(max_examples=200)
@given(st.binary(max_size=3000), st.integers(10, 200), st.integers(300, 2000))
def test_every_byte_is_in_the_blob_or_counted(printed: bytes, logged: int, kept: int) -> None:
    shorten, there = outputs(logged, kept)
    output = shorten.of(Printed(printed))
    if output.whole is None:
        assert len(printed) <= logged and output.text == printed.decode(errors="replace")
        return
    whole = there[output.whole.blob]
    assert len(whole) == output.whole.size <= kept
    gap = f"\n… {output.whole.lost:,} bytes left out …\n" if output.whole.lost else ""
    assert len(whole) - len(gap.encode()) + output.whole.lost == len(printed)
    line = f"\n… {output.left_out:,} bytes left out …\n"
    assert line in output.text
    assert len(printed) - output.left_out <= logged
