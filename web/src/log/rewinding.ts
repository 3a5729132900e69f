/**
 * What was undone, and how far a session is rewound.
 *
 * Nothing leaves the log: blocks between the first event that is undone and the rewind are marked,
 * until it goes forward again. Once something new is said they stay so for good.
 */
import type { EventOf } from "@/api/types";
import type { Draft } from "./draft";

export function rewindRequested(draft: Draft, event: EventOf<"rewind_requested">): void {
  const { rewind } = draft.next;
  draft.next.rewind = {
    state: "requested",
    by: event.by,
    promptId: event.prompt_id,
    before: rewind?.state === "requested" ? rewind.before : rewind,
    plan: null,
  };
}

export function sessionRewound(draft: Draft, event: EventOf<"session_rewound">, key: string): void {
  const { prompt_id: promptId, undone_from: from, by, at } = event;
  // Whatever it was that is undone now, one line says so, which goes when all is back.
  draft.removeAll((block) => block.kind === "rewound" && block.open);
  const { rewind, plan, planSeq } = draft.next;
  const hidden = (rewind?.state === "requested" ? rewind.before : rewind)?.plan ?? null;
  if (promptId === null || from === null) {
    draft.next.rewind = null;
    draft.next.plan = hidden ?? plan;
    draft.mark((block) => block.undone === "for now", undefined);
    return;
  }
  const undone = hidden ?? (planSeq >= from && plan.length > 0 ? plan : null);
  draft.next.rewind = { state: "rewound", by, promptId, before: null, plan: undone };
  if (undone) draft.next.plan = [];
  draft.mark((block) => block.undone === undefined && (block.seq ?? 0) >= from, "for now");
  draft.push({ kind: "rewound", key, at, by, open: true });
}

export function rewindFailed(draft: Draft): void {
  draft.next.rewind = draft.next.rewind?.before ?? null;
}

/** Something new is said, or a copy begins here: there is no way forward any more. */
export function settle(draft: Draft): void {
  const { rewind } = draft.next;
  if (rewind?.state !== "rewound") return;
  if (rewind.plan) draft.next.planSeq = 0;
  draft.next.rewind = null;
  draft.mark((block) => block.undone === "for now", "for good");
  const index = draft.find((block) => block.kind === "rewound" && block.open);
  const block = draft.at(index);
  if (block?.kind === "rewound") draft.replace(index, { ...block, open: false });
}

export function forked(draft: Draft, event: EventOf<"session_forked">, key: string): void {
  const { session_id: sessionId, title, by, at } = event;
  settle(draft);
  draft.next.rewind = null;
  draft.push({ kind: "forked", key, at, by, sessionId, title });
}
