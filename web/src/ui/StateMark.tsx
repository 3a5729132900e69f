import { clsx } from "clsx";
import type { ReactNode } from "react";
import type { SessionState } from "@/api/types";

interface Look {
  word: string;
  tone: string;
  shape: ReactNode;
}

const ring = <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />;
const disc = <circle cx="6" cy="6" r="4.5" fill="currentColor" />;
const half = (
  <>
    {ring}
    <path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" />
  </>
);
const moon = <path d="M9.8 7.6A4.5 4.5 0 1 1 4.6 1.6a3.6 3.6 0 0 0 5.2 6z" fill="currentColor" />;
const stroke = {
  fill: "none",
  stroke: "currentColor",
  strokeWidth: 1.8,
  strokeLinecap: "round",
} as const;

/** Each state has a word, a tone and a shape: no one needs to see colours to tell them apart. */
export const STATES: Record<SessionState, Look> = {
  queued: {
    word: "Queued",
    tone: "text-ink-3",
    shape: <circle cx="6" cy="6" r="4" {...stroke} strokeWidth={1.5} strokeDasharray="1.6 2.6" />,
  },
  starting: { word: "Starting", tone: "text-info", shape: half },
  restoring: { word: "Waking up", tone: "text-info", shape: half },
  idle: { word: "Idle", tone: "text-ink-3", shape: ring },
  working: { word: "Working", tone: "text-accent-text", shape: disc },
  waiting: {
    word: "Waits for you",
    tone: "text-accent-text",
    shape: (
      <path d="M6 1.4 10.6 6 6 10.6 1.4 6z" {...stroke} strokeWidth={1.6} strokeLinejoin="round" />
    ),
  },
  hibernating: { word: "Going to sleep", tone: "text-ink-3", shape: moon },
  hibernated: { word: "Asleep", tone: "text-ink-3", shape: moon },
  ended: {
    word: "Ended",
    tone: "text-good",
    shape: <path d="m2 6.4 2.7 2.7L10 3.2" {...stroke} />,
  },
  failed: {
    word: "Failed",
    tone: "text-bad",
    shape: <path d="m2.6 2.6 6.8 6.8m0-6.8L2.6 9.4" {...stroke} />,
  },
};

/** A state in words. What waits for an answer waits for those who may give it. */
export function stateWord(state: SessionState, mayAnswer: boolean): string {
  return state === "waiting" && !mayAnswer ? "Waits for an answer" : STATES[state].word;
}

interface Props {
  state: SessionState;
  mayAnswer?: boolean;
  className?: string;
}

export function StateMark({ state, mayAnswer = true, className }: Props) {
  const { tone, shape } = STATES[state];
  return (
    <svg
      viewBox="0 0 12 12"
      role="img"
      aria-label={stateWord(state, mayAnswer)}
      className={clsx("size-3 shrink-0", tone, state === "working" && "alive", className)}
    >
      {shape}
    </svg>
  );
}
