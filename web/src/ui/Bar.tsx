import { clsx } from "clsx";

/** How far something is: from 0 to 1, or null where nobody knows. */
export function Bar({
  value,
  label,
  className,
}: {
  value: number | null;
  label: string;
  className?: string;
}) {
  const percent = value === null ? null : Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(percent === null ? {} : { "aria-valuenow": percent })}
      className={clsx("h-1 overflow-hidden rounded-full bg-hover", className)}
    >
      <div
        className={clsx("h-full rounded-full bg-accent", percent === null && "alive w-1/3")}
        style={
          percent === null ? undefined : { width: `${percent}%`, transition: "width var(--calm)" }
        }
      />
    </div>
  );
}
