import type { System } from "@/api/types";
import { Bar } from "@/ui/Bar";
import { Problem } from "@/ui/Problem";
import { duration } from "@/ui/time";

/** What the house itself is busy with, or lacks, before sessions can run. Nothing when all is well. */
export function SystemBanner({ system }: { system: System | undefined }) {
  if (!system) return null;
  const { engine, image, held } = system;
  if (!engine.ok) {
    return (
      <Problem
        data-testid="engine-problem"
        message={engine.error ?? "No container engine answers, so no session can start."}
        remedy={engine.remedy}
      />
    );
  }
  if (held) {
    return (
      <Problem
        data-testid="work-held"
        message="New work waits, and goes on by itself."
        remedy={held}
      />
    );
  }
  if (image.state === "failed") {
    return (
      <Problem
        data-testid="image-status"
        message={image.error ?? "The sandbox image could not be built."}
        remedy={image.remedy}
      />
    );
  }
  if (image.state !== "building" && image.state !== "missing") return null;
  return (
    <div data-testid="image-status" role="status" className="rounded-md border bg-sunken px-4 py-3">
      <div className="flex items-baseline justify-between gap-4">
        <p>The sandbox image is being built, once.</p>
        {image.seconds !== null && (
          <span className="shrink-0 text-13 text-ink-3 tabular-nums">
            {duration(Math.round(image.seconds) * 1000)}
          </span>
        )}
      </div>
      <Bar value={image.progress} label="Sandbox image" className="mt-2.5" />
      <p className="mt-2 text-13 text-ink-3">
        {image.step ? `${image.step}. ` : ""}You can start a session now: it begins when the image
        is there.
      </p>
    </div>
  );
}
