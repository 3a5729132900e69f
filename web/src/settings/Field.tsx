import { type ComponentProps, type ReactNode, useId } from "react";

interface Said {
  label: string;
  hint?: string;
  onValue: (value: string) => void;
}

/** What says of a field which words are about it. */
interface Named {
  id: string;
  "aria-describedby": string | undefined;
}

/** A line to fill in, what it is above it and a word of help below. */
export function Field({
  label,
  hint,
  onValue,
  ...rest
}: Omit<ComponentProps<"input">, "onChange"> & Said) {
  return (
    <Labelled label={label} hint={hint}>
      {(named) => (
        <input
          {...named}
          onChange={(event) => onValue(event.target.value)}
          className="target h-8 w-full rounded-md border border-line-strong bg-paper px-2.5"
          {...rest}
        />
      )}
    </Labelled>
  );
}

/** The same for a whole number, one at least. */
export function Count(props: ComponentProps<typeof Field>) {
  return <Field type="number" inputMode="numeric" min={1} step={1} {...props} />;
}

/** For how many days something is to be good; left empty, for as many as the installation says. */
export function Days(props: Omit<ComponentProps<typeof Field>, "label">) {
  return <Count label="For how many days" placeholder="as is usual here" {...props} />;
}

/** What such a field says, for the hub. */
export const countIn = (value: string) => (value === "" ? null : Number(value));

/** The same as a line for some lines. */
export function Area({
  label,
  hint,
  onValue,
  ...rest
}: Omit<ComponentProps<"textarea">, "onChange"> & Said) {
  return (
    <Labelled label={label} hint={hint}>
      {(named) => (
        <textarea
          {...named}
          onChange={(event) => onValue(event.target.value)}
          rows={3}
          spellCheck={false}
          className="field-sizing-content block max-h-80 w-full rounded-md border border-line-strong bg-paper px-2.5 py-1.5 font-mono text-12"
          {...rest}
        />
      )}
    </Labelled>
  );
}

function Labelled({
  label,
  hint,
  children,
}: Pick<Said, "label" | "hint"> & { children: (named: Named) => ReactNode }) {
  const id = useId();
  const help = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-13 text-ink-2">
        {label}
      </label>
      {children({ id, "aria-describedby": hint ? help : undefined })}
      {hint && (
        <p id={help} className="mt-1 text-12 text-ink-3">
          {hint}
        </p>
      )}
    </div>
  );
}
