import { Button } from "@/ui/Button";
import { StateMark } from "@/ui/StateMark";
import { useSessionPage } from "../context";
import { PaneNote } from "../pane/ServiceProgress";
import { useSandbox } from "../pane/use-sandbox";
import { useSleep } from "./use-sleep";

/** In a pane, where there is no sandbox to look into: why, and what to do about it. */
export function Resting() {
  const { state } = useSessionPage();
  const { why } = useSandbox();
  const { busy, ended, canWake, wake } = useSleep();
  return (
    <PaneNote>
      <p className="flex gap-2 text-13 text-ink-2" role="status">
        <StateMark state={state} className="mt-1" />
        <span>{why}</span>
      </p>
      {canWake && (
        <Button className="mt-3 ml-5" data-testid="pane-wake" disabled={busy} onClick={wake}>
          {ended ? "Bring back" : "Wake up"}
        </Button>
      )}
    </PaneNote>
  );
}
