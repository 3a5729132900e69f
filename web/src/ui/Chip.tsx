import { clsx } from "clsx";
import { ChevronDown } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";

/** A button that shows what is chosen and opens what can be. */
export function Chip({
  icon,
  label,
  children,
  className,
  ...rest
}: ComponentProps<"button"> & { icon: ReactNode; label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      className={clsx(
        "target inline-flex h-8 max-w-full min-w-0 items-center gap-1.5 rounded-md px-2 text-13 text-ink-2 transition-colors hover:bg-hover hover:text-ink data-[state=open]:bg-hover",
        className,
      )}
      {...rest}
    >
      <span className="shrink-0 text-ink-3">{icon}</span>
      <span className="truncate">{children}</span>
      <ChevronDown size={12} className="shrink-0 text-ink-3" />
    </button>
  );
}
