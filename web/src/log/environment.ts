/** What runs in the sandbox beside the agent, and who drives: the part of the fold for these. */
import type { EventOf, SessionState } from "@/api/types";
import type { Draft, Mutable } from "./draft";
import type { PortView, Transcript } from "./model";

/** In these there is no sandbox, or a new one: nothing of the old one runs any more. */
const WITHOUT_SANDBOX: readonly SessionState[] = [
  "queued",
  "starting",
  "hibernated",
  "ended",
  "failed",
];

export function stateChanged(next: Mutable<Transcript>, state: SessionState): void {
  if (!WITHOUT_SANDBOX.includes(state)) return;
  next.services = {};
  next.ports = [];
}

export function serviceChanged(
  next: Mutable<Transcript>,
  { seq, at, name, state, detail, progress, ms }: EventOf<"service_changed">,
): void {
  const before = next.services[name];
  const since = before?.state === state ? before.since : at;
  next.services = {
    ...next.services,
    [name]: { seq, name, state, detail, progress, ms, since },
  };
}

export function portsChanged(draft: Draft, event: EventOf<"ports_changed">): void {
  const { next } = draft;
  const { seq, at } = event;
  next.ports = event.ports.map(({ port, process }): PortView => {
    const before = next.ports.find((known) => known.port === port);
    return { port, process, seq: before?.seq ?? seq };
  });
  for (const { port, process } of event.ports) {
    const told = draft.find((block) => block.kind === "port" && block.port === port) >= 0;
    if (!told) draft.push({ kind: "port", key: `port:${port}`, at, port, process });
  }
}

export function driveRequested(
  draft: Draft,
  { at, by }: EventOf<"drive_requested">,
  key: string,
): void {
  draft.next.drive = { by, state: "requested", since: at };
  draft.push({ kind: "drive", key, at, by, status: "requested" });
}

/** Where nothing had to stop first, the request and its start are one line. */
export function driveStarted(draft: Draft, { at }: EventOf<"drive_started">, key: string): void {
  const by = draft.next.drive?.by ?? "Someone";
  draft.next.drive = { by, state: "driving", since: at };
  const index = draft.newest();
  const last = draft.at(index);
  if (last?.kind === "drive") draft.replace(index, { ...last, at, status: "driving" });
  else draft.push({ kind: "drive", key, at, by, status: "driving" });
}

export function driveEnded(draft: Draft, event: EventOf<"drive_ended">, key: string): void {
  const { at, by, note, files, commands } = event;
  const { drive } = draft.next;
  const ms = drive?.state === "driving" ? Date.parse(at) - Date.parse(drive.since) : null;
  draft.next.drive = null;
  draft.push({ kind: "hand_back", key, at, by, note, files, commands, ms });
}

/** What a reader would want to see beside the transcript, as far as the log can tell. */
export type Interest = "changes" | "browser" | "preview";

/** What became interesting last: changed files, a page that is served, the browser at work. */
export function interest({ workspace, services, ports }: Transcript): Interest | null {
  const desktop = services.desktop;
  const candidates: [Interest, number][] = [
    ["changes", workspace && workspace.files.length > 0 ? workspace.seq : 0],
    ["browser", desktop?.state === "starting" || desktop?.state === "ready" ? desktop.seq : 0],
    ["preview", Math.max(0, ...ports.map((port) => port.seq))],
  ];
  const [best] = candidates.sort(([, a], [, b]) => b - a);
  return best && best[1] > 0 ? best[0] : null;
}
