import { clsx } from "clsx";
import { ChevronUp } from "lucide-react";
import { type ReactNode, useState } from "react";

/** A line above the composer that says how something stands; all of it when opened. */
export function Strip({
  testId,
  label,
  line,
  children,
}: {
  testId: string;
  label: string;
  line: ReactNode;
  children: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <section
      data-testid={testId}
      aria-label={label}
      className="mb-2 rounded-md border bg-raised text-13"
    >
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="quiet-ring target flex h-8 w-full items-center gap-2 px-3 text-left"
      >
        {line}
        <ChevronUp
          size={14}
          className={clsx("ml-auto shrink-0 text-ink-3 transition-transform", open && "rotate-180")}
        />
      </button>
      {open && <div className="max-h-[30vh] overflow-y-auto border-t">{children}</div>}
    </section>
  );
}
