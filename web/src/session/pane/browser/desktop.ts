/** The sandbox's screen in an element of the page, by VNC; loaded when it is first looked at. */
import RFB from "@novnc/novnc";

const KEYS = { v: 0x76, control: 0xffe3, backspace: 0xff08, enter: 0xff0d };
/** A pane narrower than this shows the screen smaller instead of making it as narrow, in pixels. */
const NARROW = 600;

export interface Desktop {
  focus(): void;
  /** Put a text into the sandbox's clipboard; with `press`, Ctrl+V is pressed there too. */
  paste(text: string, press: boolean): void;
  /** What a keyboard on the screen wrote. */
  type(text: string): void;
  backspace(): void;
  close(): void;
}

interface Options {
  opened: () => void;
  /** `problem`: what the other side said, where it said anything. */
  closed: (problem: string | null) => void;
  /** A text was copied in the sandbox. */
  copied: (text: string) => void;
  leave: () => void;
}

export function openDesktop(place: HTMLElement, url: string, options: Options): Desktop {
  const rfb = new RFB(place, url, { wsProtocols: ["binary"] });
  let problem: string | null = null;
  rfb.background = "transparent";
  rfb.scaleViewport = true;
  rfb.qualityLevel = 7;

  const until = new AbortController();
  const { signal } = until;
  const adapt = () => {
    rfb.resizeSession = place.clientWidth >= NARROW;
  };
  const observer = new ResizeObserver(adapt);
  observer.observe(place);
  adapt();

  const press = (keysym: number, code: string | null) => {
    rfb.sendKey(keysym, code, true);
    rfb.sendKey(keysym, code, false);
  };
  const paste = (text: string) => rfb.clipboardPasteFrom(text);

  rfb.addEventListener("connect", () => options.opened(), { signal });
  rfb.addEventListener(
    "securityfailure",
    (event) => {
      problem = (event as CustomEvent<{ reason?: string }>).detail.reason ?? null;
    },
    { signal },
  );
  rfb.addEventListener("disconnect", () => options.closed(problem), { signal });
  rfb.addEventListener(
    "clipboard",
    (event) => options.copied((event as CustomEvent<{ text: string }>).detail.text),
    { signal },
  );

  // Ctrl+V is let through to the browser, which then tells what is in the reader's clipboard.
  place.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey && event.key === "F6") {
        event.preventDefault();
        event.stopPropagation();
        options.leave();
      } else if ((event.ctrlKey || event.metaKey) && event.code === "KeyV") {
        event.stopPropagation();
      }
    },
    { capture: true, signal },
  );
  document.addEventListener(
    "paste",
    (event) => {
      if (!place.contains(document.activeElement)) return;
      const text = event.clipboardData?.getData("text/plain");
      if (text) paste(text);
      // Control is held down there already.
      press(KEYS.v, "KeyV");
    },
    { signal },
  );

  return {
    focus: () => rfb.focus({ preventScroll: true }),
    paste(text, pressed) {
      paste(text);
      if (!pressed) return;
      rfb.sendKey(KEYS.control, "ControlLeft", true);
      press(KEYS.v, "KeyV");
      rfb.sendKey(KEYS.control, "ControlLeft", false);
    },
    type(text) {
      for (const character of text) {
        const code = character.codePointAt(0) ?? 0;
        if (character === "\n") press(KEYS.enter, "Enter");
        else press(code < 0x100 ? code : 0x01000000 + code, null);
      }
    },
    backspace: () => press(KEYS.backspace, "Backspace"),
    close() {
      until.abort();
      observer.disconnect();
      rfb.disconnect();
    },
  };
}
