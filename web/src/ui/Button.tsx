import { clsx } from "clsx";
import type { ComponentProps } from "react";

const LOOK = {
  main: "bg-accent text-accent-ink font-semibold hover:bg-accent-hover disabled:bg-hover disabled:text-ink-3",
  plain:
    "border border-line-strong bg-raised hover:bg-hover disabled:text-ink-3 disabled:hover:bg-raised",
  quiet:
    "text-ink-2 hover:bg-hover hover:text-ink disabled:text-ink-3 disabled:hover:bg-transparent",
  danger: "border border-bad-line bg-raised text-bad hover:bg-bad-tint",
} as const;

const SHAPE =
  "target inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md px-3 text-13 transition-colors select-none";

type Look = { look?: keyof typeof LOOK };

type Props = ComponentProps<"button"> & Look;

/** A verb to press. `main` is the one thing to do here; there is one of it at most. */
export function Button({ look = "plain", className, type = "button", ...rest }: Props) {
  return <button type={type} className={clsx(SHAPE, LOOK[look], className)} {...rest} />;
}

/** A verb that leads away from the page, to an address that the hub answers itself. */
export function LinkButton({ look = "plain", className, ...rest }: ComponentProps<"a"> & Look) {
  return <a className={clsx(SHAPE, LOOK[look], className)} {...rest} />;
}

/** A button that is an icon alone; `label` says what it does. */
export function IconButton({
  label,
  className,
  type = "button",
  ...rest
}: ComponentProps<"button"> & { label: string }) {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={clsx(
        "target inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-3 transition-colors hover:bg-hover hover:text-ink disabled:opacity-50",
        className,
      )}
      {...rest}
    />
  );
}
