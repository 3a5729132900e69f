import { useEffect, useRef, useState } from "react";
import type { Link } from "@/api/connection";
import { useShownTheme } from "@/ui/theme";
import { leaveToComposer } from "../leave";
import type { Line } from "./line";
import type { Screen } from "./screen";

/** One terminal of the sandbox, as all see it who look at it. */
export function TerminalView({
  sessionId,
  id,
  visible,
  pressed,
  onEnded,
}: {
  sessionId: string;
  id: string;
  visible: boolean;
  /** How often its tab was pressed: each time, the keyboard is its own again. */
  pressed: number;
  onEnded: () => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | null>(null);
  const [link, setLink] = useState<Link>("connecting");
  const ended = useRef(onEnded);
  ended.current = onEnded;
  const shown = useRef(visible);
  shown.current = visible;
  const theme = useShownTheme();

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let over = false;
    let line: Line | null = null;
    let frame = 0;
    const refit = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const size = screen.current?.fit();
        if (size) line?.resize(size);
      });
    };
    const observer = new ResizeObserver(refit);
    void (async () => {
      const [{ openScreen }, { openLine }] = await Promise.all([
        import("./screen"),
        import("./line"),
      ]);
      if (over) return;
      const made = await openScreen(element, leaveToComposer);
      if (over) return made.dispose();
      screen.current = made;
      line = openLine(sessionId, id, made, { changed: setLink, ended: () => ended.current() });
      observer.observe(element);
      if (shown.current) made.terminal.focus();
    })();
    return () => {
      over = true;
      observer.disconnect();
      cancelAnimationFrame(frame);
      line?.close();
      screen.current?.dispose();
      screen.current = null;
    };
  }, [sessionId, id]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the page
  useEffect(() => screen.current?.restyle(), [theme]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a press on the tab of the shown one counts too
  useEffect(() => {
    if (visible) screen.current?.terminal.focus();
  }, [visible, pressed]);

  return (
    <div
      data-testid="terminal-view"
      data-terminal={id}
      data-link={link}
      data-own-keys
      className={`absolute inset-0 bg-sunken ${visible ? "" : "invisible"}`}
    >
      <div ref={place} className="absolute inset-y-1 right-0 left-3 overflow-hidden" />
      {link === "offline" && (
        <p
          role="status"
          className="absolute top-2 right-4 rounded-md border border-line-strong bg-raised px-2 py-1 text-12 text-ink-2 shadow-md"
        >
          Connection lost. Trying again…
        </p>
      )}
    </div>
  );
}
