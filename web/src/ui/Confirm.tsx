import type { ReactNode } from "react";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ErrorProblem } from "./Problem";

/** Asks before something that is hard to undo; what it means stands in the children. */
export function Confirm({
  open,
  onClose,
  title,
  verb,
  keep = "Cancel",
  busy,
  error = null,
  onConfirm,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  verb: string;
  /** The way out. */
  keep?: string;
  busy: boolean;
  error?: Error | null;
  onConfirm: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <div className="text-ink-2">{children}</div>
      {error && <ErrorProblem error={error} className="mt-3" />}
      <div className="mt-4 flex gap-2">
        <Button look="danger" disabled={busy} onClick={onConfirm}>
          {verb}
        </Button>
        <Button look="quiet" onClick={onClose}>
          {keep}
        </Button>
      </div>
    </Dialog>
  );
}
