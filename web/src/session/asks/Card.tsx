import type { ReactNode } from "react";
import { StateMark } from "@/ui/StateMark";

/** The frame of everything that waits for a person. */
export function Card({
  title,
  more,
  children,
  testId,
}: {
  title: ReactNode;
  more: number;
  children: ReactNode;
  testId: string;
}) {
  return (
    <section
      data-testid={testId}
      aria-label="Waits for your answer"
      className="mb-2 rounded-md border border-accent bg-raised"
    >
      <div className="flex items-center gap-2 px-4 pt-3">
        <StateMark state="waiting" />
        <h2 className="font-semibold">{title}</h2>
        {more > 0 && <span className="ml-auto text-12 text-ink-3">and {more} more</span>}
      </div>
      {children}
    </section>
  );
}
