import { CirclePause } from "lucide-react";
import { Button } from "@/ui/Button";
import { useDrive } from "./use-drive";

/** Lets the agent rest at the next safe point, so that a person can work themselves. */
export function DriveButton() {
  const { can, busy, request } = useDrive();
  if (!can) return null;
  return (
    <Button
      data-testid="drive"
      disabled={busy}
      title="The agent stops at the next safe point, and you work in its place (Alt+P)"
      aria-label="Pause and drive"
      className="@max-3xl:px-2"
      onClick={() => void request()}
    >
      <CirclePause size={15} className="text-ink-3" />
      <span className="@max-3xl:hidden">Pause and drive</span>
    </Button>
  );
}
