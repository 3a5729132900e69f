import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { PromptBlock, Transcript } from "@/log/model";
import { useSessionPage } from "./context";

export interface Stop {
  /** Whether there is something to stop. */
  possible: boolean;
  /** Something runs, which Esc stops; where it only waits, the button alone takes it back. */
  runs: boolean;
  /** The hub has been told, and it has not ended yet. */
  asked: boolean;
  stop: () => void;
}

/**
 * Stop what runs: a turn, or the set-up. What waits for a session that is not up yet is taken back,
 * and `giveBack` gets what the reader had written of it.
 */
export function useStop(giveBack: (words: string) => void): Stop {
  const { transcript, state, actions, act } = useSessionPage();
  const { data: me } = useQuery(queries.me);
  const [asked, setAsked] = useState<string | null>(null);
  const running = transcript.turn?.id ?? setUpUnderWay(transcript);
  const waiting =
    !transcript.turn && (state === "queued" || state === "starting" || state === "restoring")
      ? waitingPrompts(transcript)
      : [];
  const what = running ?? waiting[0]?.promptId ?? null;
  const stop = () => {
    if (!what || asked === what) return;
    setAsked(what);
    const mine = waiting.filter(({ author, origin }) => author === me?.name && origin === "prompt");
    void act(actions.stop()).then((done) => {
      if (!done) setAsked(null);
      else if (mine.length > 0) giveBack(mine.map(({ text }) => text).join("\n\n"));
    });
  };
  return { possible: what !== null, runs: running !== null, asked: asked === what, stop };
}

/** What names the set-up commands that run now. */
function setUpUnderWay({ blocks }: Transcript): string | null {
  const block = blocks.findLast((each) => each.kind === "setup");
  const stage = block?.open && block.stages.find(({ name }) => name === "commands");
  return stage && stage.status !== "done" && stage.status !== "failed"
    ? `set-up ${stage.at}`
    : null;
}

function waitingPrompts({ blocks, queue }: Transcript): readonly PromptBlock[] {
  const first = blocks.findLast((each) => each.kind === "prompt" && each.status === "queued");
  return first?.kind === "prompt" ? [first, ...queue] : queue;
}
