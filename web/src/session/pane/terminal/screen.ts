/** A terminal's screen: xterm in our fonts and colours, loaded when the first one is opened. */
import { FitAddon } from "@xterm/addon-fit";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { type ITheme, Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";

const FONT = "JetBrains Mono Variable";
/** As many lines as the sandbox keeps itself. */
const SCROLLBACK = 50_000;

export interface Screen {
  readonly terminal: Terminal;
  /** As many rows and columns as have room; null while it is not laid out. */
  fit(): { rows: number; cols: number } | null;
  restyle(): void;
  dispose(): void;
}

export async function openScreen(place: HTMLElement, leave: () => void): Promise<Screen> {
  // Its cells are measured once: the font has to be there.
  await document.fonts.load(`13px "${FONT}"`).catch(() => []);
  const terminal = new Terminal({
    allowProposedApi: true,
    cursorBlink: false,
    fontFamily: `"${FONT}", "JetBrains Mono", ui-monospace, monospace`,
    fontSize: 13,
    lineHeight: 1.25,
    minimumContrastRatio: 4.5,
    scrollback: SCROLLBACK,
    theme: theme(),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(new Unicode11Addon());
  terminal.loadAddon(new WebLinksAddon((_, uri) => window.open(uri, "_blank", "noopener")));
  terminal.unicode.activeVersion = "11";
  terminal.attachCustomKeyEventHandler((event) => keep(event, terminal, leave));
  terminal.open(place);
  return {
    terminal,
    fit() {
      const size = fit.proposeDimensions();
      if (!size || !Number.isFinite(size.rows) || !Number.isFinite(size.cols)) return null;
      const rows = Math.max(2, size.rows);
      const cols = Math.max(10, size.cols);
      terminal.resize(cols, rows);
      return { rows, cols };
    },
    restyle() {
      terminal.options.theme = theme();
    },
    dispose: () => terminal.dispose(),
  };
}

/** Whether a key is the terminal's. Copy and paste are the browser's; Ctrl+F6 leads out of it. */
function keep(event: KeyboardEvent, terminal: Terminal, leave: () => void): boolean {
  if (event.ctrlKey && event.key === "F6") {
    if (event.type === "keydown") leave();
    return false;
  }
  if (event.ctrlKey && event.shiftKey && event.code === "KeyV") return false;
  if (event.ctrlKey && event.shiftKey && event.code === "KeyC" && terminal.hasSelection()) {
    if (event.type === "keydown") void navigator.clipboard?.writeText(terminal.getSelection());
    event.preventDefault();
    return false;
  }
  return true;
}

const HUES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

function theme(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const hues: Record<string, string> = {};
  for (const hue of HUES) {
    hues[hue] = token(`ansi-${hue}`);
    hues[`bright${hue[0]?.toUpperCase()}${hue.slice(1)}`] = token(`ansi-${hue}`);
  }
  return {
    ...hues,
    background: token("sunken"),
    foreground: token("ink"),
    cursor: token("accent"),
    cursorAccent: token("accent-ink"),
    selectionBackground: `${token("accent")}59`,
    scrollbarSliderBackground: `${token("line-strong")}99`,
    scrollbarSliderHoverBackground: token("line-strong"),
    scrollbarSliderActiveBackground: token("line-strong"),
  };
}
