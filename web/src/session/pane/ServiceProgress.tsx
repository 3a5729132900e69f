import type { ReactNode } from "react";
import type { ServiceView } from "@/log/model";
import { Bar } from "@/ui/Bar";
import { StateMark } from "@/ui/StateMark";
import { Elapsed } from "@/ui/time";

/** A part of the sandbox is being started: what it is doing, and how far it is. */
export function ServiceProgress({
  title,
  hint,
  service,
  since,
}: {
  title: string;
  hint: string;
  service: ServiceView | undefined;
  since: string;
}) {
  const starting = service?.state === "starting" ? service : undefined;
  return (
    <PaneNote>
      <div data-testid="service-progress" role="status">
        <p className="flex items-center gap-2">
          <StateMark state="starting" />
          <span className="font-semibold">{title}</span>
          <span className="ml-auto text-12 text-ink-3">
            <Elapsed since={starting?.since ?? since} />
          </span>
        </p>
        <Bar value={starting?.progress ?? null} label={title} className="mt-3" />
        <p className="mt-3 min-h-5 text-13 text-ink-2">
          {starting?.detail ?? "Asking the sandbox…"}
        </p>
        <p className="mt-1 text-12 text-ink-3">{hint}</p>
      </div>
    </PaneNote>
  );
}

/** A few words in the middle of a pane that has nothing else to show. */
export function PaneNote({ children }: { children: ReactNode }) {
  return (
    <div className="grid min-h-0 flex-1 place-items-center overflow-y-auto bg-sunken p-6">
      <div className="w-full max-w-sm">{children}</div>
    </div>
  );
}
