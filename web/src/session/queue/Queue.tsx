import { useState } from "react";
import { useSessionPage } from "../context";
import { isNow, QueueItem } from "./QueueItem";
import { useReorder } from "./use-reorder";

/** Prompts that wait for their turn, the next first: each can be changed, moved, sent, taken back. */
export function Queue() {
  const { transcript, actions, act } = useSessionPage();
  const { queue } = transcript;
  const [said, setSaid] = useState("");
  // The next may stand among what is read already, before those that are here.
  const before = transcript.blocks.some(
    (block) => block.kind === "prompt" && block.status === "queued",
  )
    ? 1
    : 0;
  const move = (promptId: string, position: number) => {
    const bounded = Math.min(Math.max(position, 0), queue.length - 1);
    setSaid(`Moved to place ${bounded + 1} of ${queue.length}`);
    void act(actions.changePrompt(promptId, { position: bounded + before }));
  };
  const given = queue.filter((prompt) => isNow(prompt, transcript)).length;
  const { list, drag, handle } = useReorder(move);
  if (queue.length === 0) return null;
  return (
    <>
      <ol
        ref={list}
        aria-label="Queue"
        data-testid="queue"
        className="mb-2 max-h-[30vh] sm:max-h-[38vh] overflow-y-auto rounded-md border bg-raised"
      >
        {queue.map((prompt, index) => (
          <QueueItem
            key={prompt.key}
            prompt={prompt}
            index={index}
            place={index + before + 1 - given}
            handle={handle(prompt.promptId, index)}
            dragged={drag?.id === prompt.promptId}
            line={drag && drag.id !== prompt.promptId ? lineAt(drag, index) : null}
            onMove={(to) => move(prompt.promptId, to)}
          />
        ))}
      </ol>
      <p aria-live="polite" className="sr-only">
        {said}
      </p>
    </>
  );
}

/** Where the line stands that says where the dragged one would go. */
function lineAt(drag: { from: number; to: number }, index: number): "above" | "below" | null {
  if (index !== drag.to) return null;
  return drag.to < drag.from ? "above" : "below";
}
