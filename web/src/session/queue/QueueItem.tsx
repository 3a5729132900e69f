import { clsx } from "clsx";
import { CornerDownRight, GripVertical, Pencil, X } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { bytes } from "@/attach/bytes";
import type { PromptBlock, Transcript } from "@/log/model";
import { modelName } from "@/shell/names";
import { IconButton } from "@/ui/Button";
import { useSessionPage } from "../context";
import { PromptEditor } from "./PromptEditor";

/** Whether the agent is being given a prompt in the turn that runs. */
export const isNow = (prompt: PromptBlock, { turn, drive }: Transcript) =>
  prompt.when === "now" && turn !== null && !drive;

/** A prompt that waits. One that is on its way into the running turn can't be changed any more. */
export function QueueItem({
  prompt,
  index,
  place,
  handle,
  dragged,
  line,
  onMove,
}: {
  prompt: PromptBlock;
  /** Among those that are here, from 0. */
  index: number;
  /** Among those that wait, from 1; those that are read now left out. */
  place: number;
  handle: ComponentProps<"button">;
  dragged: boolean;
  line: "above" | "below" | null;
  onMove: (to: number) => void;
}) {
  const { drives, transcript, actions, act } = useSessionPage();
  const [editing, setEditing] = useState(false);
  const now = isNow(prompt, transcript);
  const hubs = prompt.origin === "hand_back";
  const where = now ? "Now" : place === 1 ? "Next" : `${place}.`;
  const words = prompt.text || prompt.attachments.map(({ name }) => name).join(", ");
  return (
    <li
      data-testid="queue-item"
      data-when={prompt.when}
      className={clsx(
        "relative border-t py-1.5 pr-1.5 pl-1 text-13 first:border-t-0",
        dragged && "bg-hover",
        line === "above" &&
          "before:absolute before:inset-x-0 before:-top-px before:h-0.5 before:bg-accent",
        line === "below" &&
          "after:absolute after:inset-x-0 after:-bottom-px after:h-0.5 after:bg-accent",
      )}
      onKeyDown={(event) => {
        if (!event.altKey || !drives || now || hubs || editing) return;
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        onMove(index + step);
      }}
    >
      {editing ? (
        <PromptEditor prompt={prompt} onDone={() => setEditing(false)} />
      ) : (
        <div className="grid grid-cols-[1.25rem_1fr_auto] items-center gap-x-1.5 pointer-coarse:grid-cols-[2rem_1fr_auto]">
          {!drives || now || hubs ? (
            <span className="max-sm:row-span-2" />
          ) : (
            <button
              type="button"
              aria-label={`Move “${words}”: arrow up, arrow down`}
              title="Drag, or arrow keys"
              data-testid="queue-move"
              className="quiet-ring flex h-5 cursor-grab touch-none items-center justify-center rounded-md text-ink-3 max-sm:row-span-2 hover:text-ink active:cursor-grabbing pointer-coarse:h-11"
              {...handle}
            >
              <GripVertical size={14} />
            </button>
          )}
          <p className="line-clamp-2 min-w-0 break-words whitespace-pre-wrap max-sm:col-span-2">
            <span className={clsx("mr-1.5", now ? "text-accent-text" : "text-ink-3")}>{where}</span>
            {words}
          </p>
          <p className="col-start-2 row-start-2 flex min-w-0 flex-wrap gap-x-2 text-12 text-ink-3">
            <span>{prompt.author}</span>
            {prompt.model && <span title={prompt.model}>{modelName(prompt.model)}</span>}
            {prompt.text !== "" &&
              prompt.attachments.map((file) => (
                <span key={file.blob} title={bytes(file.size)} className="truncate">
                  {file.name}
                </span>
              ))}
            {now && <span>read at the agent’s next step</span>}
          </p>
          {drives && !now && (
            <div className="col-start-3 flex max-sm:row-start-2 sm:row-span-2 sm:row-start-1">
              {transcript.turn && !transcript.drive && !hubs && (
                <IconButton
                  label="Send now"
                  data-testid="queue-now"
                  onClick={() => void act(actions.changePrompt(prompt.promptId, { when: "now" }))}
                >
                  <CornerDownRight size={15} />
                </IconButton>
              )}
              {!hubs && (
                <IconButton label="Edit" data-testid="queue-edit" onClick={() => setEditing(true)}>
                  <Pencil size={14} />
                </IconButton>
              )}
              <IconButton
                label="Withdraw"
                data-testid="queue-withdraw"
                onClick={() => void act(actions.withdraw(prompt.promptId))}
              >
                <X size={15} />
              </IconButton>
            </div>
          )}
        </div>
      )}
    </li>
  );
}
