import { clsx } from "clsx";
import { memo, useMemo } from "react";
import { type AnsiColor, parseAnsi } from "./ansi";

const COLOR: Record<AnsiColor, string> = {
  black: "var(--ansi-black)",
  red: "var(--ansi-red)",
  green: "var(--ansi-green)",
  yellow: "var(--ansi-yellow)",
  blue: "var(--ansi-blue)",
  magenta: "var(--ansi-magenta)",
  cyan: "var(--ansi-cyan)",
  white: "var(--ansi-white)",
};

/** What a program printed, with the colours that it asked for. */
export const Ansi = memo(function Ansi({ text }: { text: string }) {
  const spans = useMemo(() => parseAnsi(text), [text]);
  return spans.map(({ text, color, bold, faint, underline }, index) => (
    <span
      // biome-ignore lint/suspicious/noArrayIndexKey: spans have no identity but their place
      key={index}
      className={clsx(bold && "font-semibold", faint && "text-ink-3", underline && "underline")}
      style={color ? { color: COLOR[color] } : undefined}
    >
      {text}
    </span>
  ));
});
