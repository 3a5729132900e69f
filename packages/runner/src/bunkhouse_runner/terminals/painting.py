"""A terminal as it is, as bytes that make an empty one look the same and go on the same."""

from collections.abc import Sequence

from bunkhouse_runner.terminals.control import Answers

HISTORY_LINES = 10_000
"""Of what has scrolled away, whoever comes late gets so many lines."""
_NUMBERS = (
    "cursor_x", "cursor_y", "history_size", "pane_width", "pane_height",
    "alternate_on", "alternate_saved_x", "alternate_saved_y",
    "scroll_region_upper", "scroll_region_lower",
    "cursor_flag", "insert_flag", "keypad_cursor_flag", "keypad_flag", "origin_flag", "wrap_flag",
    "mouse_standard_flag", "mouse_button_flag", "mouse_all_flag", "mouse_sgr_flag",
    "mouse_utf8_flag",
)  # fmt: skip
_MODES = {
    # flag: (what it is at first, what makes it so when it is otherwise)
    "cursor_flag": (1, b"\x1b[?25l"),
    "insert_flag": (0, b"\x1b[4h"),
    "keypad_cursor_flag": (0, b"\x1b[?1h"),
    "keypad_flag": (0, b"\x1b="),
    "wrap_flag": (1, b"\x1b[?7l"),
    "mouse_standard_flag": (0, b"\x1b[?1000h"),
    "mouse_button_flag": (0, b"\x1b[?1002h"),
    "mouse_all_flag": (0, b"\x1b[?1003h"),
    "mouse_sgr_flag": (0, b"\x1b[?1006h"),
    "mouse_utf8_flag": (0, b"\x1b[?1005h"),
}
_SHELLS = frozenset({"bash", "zsh", "fish"})
_RESET = b"\x1bc"
_NEW_LINE = b"\r\n"


def commands(pane: str) -> list[str]:
    """Return what to ask of tmux in order to `paint`."""
    state = " ".join(f"#{{{name}}}" for name in _NUMBERS)
    capture = f"capture-pane -t {pane} -p -e -J"
    return [
        f"display-message -t {pane} -p '{state} #{{pane_current_command}}'",
        f"{capture} -S -{HISTORY_LINES} -E -1",
        f"{capture} -a -q",
        capture,
    ]


def paint(answers: Answers) -> bytes:
    """Return the picture, out of the answers to `commands`."""
    said, history, saved, screen = answers
    *numbers, program = said[0].decode(errors="replace").split(" ", len(_NUMBERS))
    state: dict[str, int] = dict(zip(_NUMBERS, map(int, numbers), strict=True))
    parts = [_RESET]
    if state["history_size"]:
        parts += [_line(line) + _NEW_LINE for line in history]
    if state["alternate_on"]:
        parts.append(_lines(saved))
        parts.append(_move(state["alternate_saved_x"], state["alternate_saved_y"]))
        parts.append(b"\x1b[?1049h\x1b[H")
    parts.append(_lines(screen))
    parts.append(b"\x1b[m")
    upper, lower = state["scroll_region_upper"], state["scroll_region_lower"]
    if (upper, lower) != (0, state["pane_height"] - 1):
        parts.append(b"\x1b[%d;%dr" % (upper + 1, lower + 1))
    parts += [code for flag, (first, code) in _MODES.items() if state[flag] != first]
    if program in _SHELLS and not state["alternate_on"]:
        # Tmux does not say; a shell that waits for a command has asked for it.
        parts.append(b"\x1b[?2004h")
    parts.append(_move(state["cursor_x"], state["cursor_y"]))
    if state["origin_flag"]:
        parts.append(b"\x1b[?6h")
    return b"".join(parts)


def _lines(lines: Sequence[bytes]) -> bytes:
    return _NEW_LINE.join(_line(line) for line in lines)


def _line(line: bytes) -> bytes:
    # Lines that may continue are padded; where nothing is coloured, that is to be seen nowhere.
    return line if b"\x1b" in line else line.rstrip(b" ")


def _move(x: int, y: int) -> bytes:
    return b"\x1b[%d;%dH" % (y + 1, x + 1)
