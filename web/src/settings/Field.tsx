import { type ComponentProps, useId } from "react";

/** A line to fill in, what it is above it and a word of help below. */
export function Field({
  label,
  hint,
  onValue,
  ...rest
}: Omit<ComponentProps<"input">, "onChange"> & {
  label: string;
  hint?: string;
  onValue: (value: string) => void;
}) {
  const help = useId();
  return (
    <div>
      <label>
        <span className="mb-1 block text-13 text-ink-2">{label}</span>
        <input
          aria-describedby={hint ? help : undefined}
          onChange={(event) => onValue(event.target.value)}
          className="target h-8 w-full rounded-md border border-line-strong bg-paper px-2.5"
          {...rest}
        />
      </label>
      {hint && (
        <p id={help} className="mt-1 text-12 text-ink-3">
          {hint}
        </p>
      )}
    </div>
  );
}
