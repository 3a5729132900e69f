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

/** The same for some lines. */
export function Area({
  label,
  hint,
  onValue,
  ...rest
}: Omit<ComponentProps<"textarea">, "onChange"> & {
  label: string;
  hint?: string;
  onValue: (value: string) => void;
}) {
  const help = useId();
  return (
    <div>
      <label>
        <span className="mb-1 block text-13 text-ink-2">{label}</span>
        <textarea
          aria-describedby={hint ? help : undefined}
          onChange={(event) => onValue(event.target.value)}
          rows={3}
          spellCheck={false}
          className="field-sizing-content block max-h-80 w-full rounded-md border border-line-strong bg-paper px-2.5 py-1.5 font-mono text-12"
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
