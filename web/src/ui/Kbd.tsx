import { clsx } from "clsx";

const APPLE = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);
const SIGNS: Record<string, string> = {
  Ctrl: APPLE ? "⌘" : "Ctrl",
  Alt: APPLE ? "⌥" : "Alt",
  Shift: APPLE ? "⇧" : "Shift",
  Enter: "↵",
};

/** A key, or some to press together: `Ctrl+Enter`. Hidden where there are thumbs, unless `always`. */
export function Kbd({
  keys,
  className,
  always = false,
}: {
  keys: string;
  className?: string;
  always?: boolean;
}) {
  return (
    <kbd
      className={clsx(
        "font-sans text-12 font-normal whitespace-nowrap",
        !always && "pointer-coarse:hidden",
        className,
      )}
    >
      {keys
        .split("+")
        .map((key) => SIGNS[key] ?? key)
        .join(APPLE ? "" : " ")}
    </kbd>
  );
}
