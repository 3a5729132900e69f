import type { ReactNode } from "react";
import { StateMark } from "@/ui/StateMark";
import { useSessionPage } from "../context";

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
  const { drives } = useSessionPage();
  return (
    <section
      data-testid={testId}
      aria-label={drives ? "Waits for your answer" : "Waits for an answer"}
      className="mb-2 rounded-md border border-accent bg-raised"
    >
      <div className="flex items-center gap-2 px-4 pt-3">
        <StateMark state="waiting" mayAnswer={drives} />
        <h2 className="font-semibold">{title}</h2>
        {more > 0 && <span className="ml-auto text-12 text-ink-3">and {more} more</span>}
      </div>
      {children}
      {!drives && (
        <p className="border-t px-4 py-2.5 text-13 text-ink-2">
          An owner or a driver of the session answers this.
        </p>
      )}
    </section>
  );
}
