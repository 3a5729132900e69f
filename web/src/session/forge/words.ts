/** Words for what happens at the forge. */
import type { EventOf, PullRequestEvent } from "@/api/types";

const DONE: Record<EventOf<"pull_request_changed">["change"], string> = {
  opened: "opened",
  pushed: "brought new commits to",
  edited: "changed",
  closed: "closed",
  merged: "merged",
  reopened: "reopened",
};

const VERDICT: Record<EventOf<"pull_request_reviewed">["verdict"], string> = {
  approved: "approved",
  changes_requested: "asks for changes",
  commented: "reviewed",
  dismissed: "had a review dismissed",
};

export const done = (event: EventOf<"pull_request_changed">): string =>
  `${event.by ?? "Somebody"} ${DONE[event.change]}`;

export const verdict = (event: EventOf<"pull_request_reviewed">): string => VERDICT[event.verdict];

/** A check that came to an end well, badly, or neither. */
export function outcome(conclusion: string): "good" | "bad" | "neither" {
  if (conclusion === "success") return "good";
  return ["neutral", "skipped", "stale"].includes(conclusion) ? "neither" : "bad";
}

/** What the agent is asked to do about something that was said, which is quoted as such. */
export function toAddress(event: PullRequestEvent): string {
  if (event.type === "pull_request_reviewed")
    return asked(`the review of ${event.by} (${verdict(event)})`, event.number, event.text);
  if (event.type === "pull_request_commented") {
    const at = event.path ? ` on ${event.path}${event.line ? `:${event.line}` : ""}` : "";
    return asked(`the comment of ${event.by}${at}`, event.number, event.text);
  }
  if (event.type === "pull_request_checked")
    return `The check “${event.name}” of pull request #${event.number} ended with ${event.conclusion}. Find out why, and mend it.`;
  return "";
}

function asked(what: string, number: number, text: string): string {
  const quoted = text
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
  return `Look at ${what} of pull request #${number}, and do what is right about it. It says:\n\n${quoted}`;
}
