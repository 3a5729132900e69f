import { CloudOff } from "lucide-react";
import { Button } from "@/ui/Button";

/** The hub does not answer. What was read stays readable. */
export function Offline({ whole = false, retry }: { whole?: boolean; retry?: () => void }) {
  if (whole) {
    return (
      <main data-testid="offline" className="grid h-dvh place-items-center p-6">
        <div className="max-w-md">
          <h1 className="text-18 font-semibold">The hub does not answer</h1>
          <p className="mt-2 text-ink-2">
            The page can’t reach Bunkhouse. Is it still running? <code>make run</code> starts it
            again, and nothing of your sessions is lost meanwhile.
          </p>
          <Button look="main" className="mt-4" onClick={retry}>
            Try again
          </Button>
        </div>
      </main>
    );
  }
  return (
    <div
      data-testid="offline"
      role="status"
      className="flex items-center justify-center gap-2 border-b border-bad-line bg-bad-tint px-4 py-1.5 text-13"
    >
      <CloudOff size={14} className="shrink-0 text-bad" />
      <span>Not connected to the hub. What you see may be old; trying again…</span>
    </div>
  );
}
