/**
 * The page's only reading of a session's log: events in, transcript out.
 *
 * Pure and incremental: `fold(fold(EMPTY, a), b)` equals `fold(EMPTY, [...a, ...b])`, in frames or
 * folded, and an event that was seen before changes nothing. Blocks that an event does not touch
 * stay the same objects, so that only what changed is drawn anew.
 */
import type { LogEvent } from "@/api/types";
import { Draft } from "./draft";
import * as environment from "./environment";
import { addFrame, beginText } from "./frames";
import * as hubTools from "./hub-tools";
import type { SetupBlock, SetupPurpose, StageView, ToolBlock, Transcript } from "./model";
import * as queue from "./queue";
import * as rewinding from "./rewinding";

export function fold(transcript: Transcript, events: readonly LogEvent[]): Transcript {
  const draft = new Draft(transcript);
  for (const event of events) {
    if (event.seq <= draft.next.lastSeq) continue;
    draft.seq = event.first_seq ?? event.seq;
    apply(draft, event);
    draft.next.lastSeq = event.seq;
  }
  return draft.finish();
}

function apply(draft: Draft, event: LogEvent): void {
  const { next } = draft;
  const key = `${event.type}:${event.seq}`;
  switch (event.type) {
    case "session_created":
      next.created = event;
      break;
    case "state_changed":
      next.state = event.state;
      next.stateReason = event.reason;
      next.stateSince = event.at;
      if (event.state !== "queued" && event.state !== "starting" && event.state !== "restoring") {
        draft.closeSetup();
      }
      environment.stateChanged(next, event.state);
      break;
    case "stage":
      applyStage(draft, event, key);
      break;
    case "error": {
      const { at, code, message, remedy, detail, suggestions } = event;
      draft.push({ kind: "problem", key, at, code, message, remedy, detail, suggestions });
      break;
    }
    case "notice":
      draft.push({ kind: "notice", key, at: event.at, code: event.code, message: event.message });
      break;
    case "prompt_queued":
      rewinding.settle(draft);
      queue.queued(draft, event);
      break;
    case "prompt_edited":
      queue.edited(draft, event);
      break;
    case "prompt_moved":
      queue.moved(draft, event);
      break;
    case "prompt_steered":
      queue.steered(draft, event.prompt_id);
      break;
    case "prompt_withdrawn":
      queue.withdrawn(draft, event.prompt_id);
      break;
    case "turn_started":
      rewinding.settle(draft);
      draft.startTurn(event);
      break;
    case "turn_ended":
      draft.endTurn(event, key);
      break;
    case "agent_message_chunk":
    case "agent_thought_chunk":
      applyText(draft, event);
      break;
    case "message_retracted":
      draft.remove(
        (block) =>
          (block.kind === "message" || block.kind === "thought") &&
          block.messageId === event.message_id,
      );
      break;
    case "tool_call":
    case "tool_call_update":
    case "tool_output_chunk":
      applyTool(draft, event);
      break;
    case "plan":
      next.plan = event.entries;
      next.planSeq = event.seq;
      break;
    case "model_retry":
      draft.retry(event, key);
      break;
    case "comment_posted":
      draft.push({ kind: "comment", key, at: event.at, author: event.author, text: event.text });
      break;
    case "permission_requested":
      draft.ask({ kind: "permission", key, at: event.at, request: event, reply: null, by: null });
      break;
    case "permission_resolved":
      draft.answer("permission", event.request_id, { reply: event.reply, by: event.by });
      break;
    case "question_asked":
      draft.ask({
        kind: "question",
        key,
        at: event.at,
        request: event,
        answers: undefined,
        by: null,
      });
      break;
    case "question_resolved":
      draft.answer("question", event.request_id, { answers: event.answers, by: event.by });
      break;
    case "workspace_changed": {
      const { seq, additions, deletions, files } = event;
      next.workspace = { seq, additions, deletions, files };
      break;
    }
    case "egress_refused":
      draft.refuse(event, key);
      break;
    case "service_changed":
      environment.serviceChanged(next, event);
      break;
    case "ports_changed":
      environment.portsChanged(draft, event);
      break;
    case "drive_requested":
      environment.driveRequested(draft, event, key);
      break;
    case "drive_started":
      environment.driveStarted(draft, event, key);
      break;
    case "drive_ended":
      environment.driveEnded(draft, event, key);
      break;
    case "rewind_requested":
      rewinding.rewindRequested(draft, event);
      break;
    case "session_rewound":
      rewinding.sessionRewound(draft, event, key);
      break;
    case "rewind_failed":
      rewinding.rewindFailed(draft);
      break;
    case "session_forked":
      rewinding.forked(draft, event, key);
      break;
    case "pull_request_changed":
    case "pull_request_reviewed":
    case "pull_request_commented":
    case "pull_request_checked":
      draft.push({ kind: "forge", key, at: event.at, event });
      break;
    case "repository_configured":
      draft.push({ kind: "configured", key, at: event.at, event });
      break;
    case "hub_tool_called":
      hubTools.toolCalled(draft, event, key);
      break;
    case "child_started": {
      const { at, session_id: sessionId, title, by } = event;
      draft.push({ kind: "child", key, at, sessionId, title, by });
      break;
    }
  }
}

function applyText(
  draft: Draft,
  event: Extract<LogEvent, { type: "agent_message_chunk" | "agent_thought_chunk" }>,
): void {
  const kind = event.type === "agent_message_chunk" ? "message" : "thought";
  const index = draft.find((block) => block.kind === kind && block.messageId === event.message_id);
  const block = draft.at(index);
  if (block?.kind === "message" || block?.kind === "thought") {
    draft.replace(index, { ...block, ...addFrame(block, event), until: event.at, complete: false });
    return;
  }
  draft.push({
    kind,
    key: `${kind}:${event.message_id}:${event.first_seq ?? event.seq}`,
    messageId: event.message_id,
    at: event.at,
    until: event.at,
    complete: false,
    ...beginText(event),
  });
}

function applyTool(
  draft: Draft,
  event: Extract<LogEvent, { type: "tool_call" | "tool_call_update" | "tool_output_chunk" }>,
): void {
  const id = event.tool_call_id;
  const index = draft.find((block) => block.kind === "tool" && block.id === id);
  const block = draft.at(index);
  if (block?.kind !== "tool") {
    if (event.type !== "tool_call") return;
    const card: ToolBlock = {
      kind: "tool",
      key: `tool:${id}`,
      id,
      tool: event.tool,
      toolKind: event.kind,
      title: event.title,
      status: event.status,
      input: event.input,
      output: "",
      outputFinal: false,
      outputTruncated: false,
      leftOut: 0,
      wholeOutput: null,
      diff: null,
      pictures: [],
      exitCode: null,
      error: null,
      ms: null,
      at: event.at,
      lastSeq: event.seq,
      runs: [],
      by: null,
    };
    draft.push(hubTools.withWord(draft, card));
    return;
  }
  if (event.type === "tool_call") {
    const { tool, kind, title, status, input } = event;
    draft.replace(index, { ...block, tool, toolKind: kind, title, status, input });
  } else if (event.type === "tool_output_chunk") {
    if (block.outputFinal) return;
    const before = block.runs.length > 0 ? addFrame({ ...block, text: block.output }, event) : null;
    const { text, lastSeq, runs } = before ?? beginText(event);
    draft.replace(index, { ...block, output: text, lastSeq, runs });
  } else {
    draft.replace(index, {
      ...block,
      status: event.status ?? block.status,
      title: event.title ?? block.title,
      input: event.input ?? block.input,
      output: event.output ?? block.output,
      outputFinal: block.outputFinal || event.output !== null,
      outputTruncated: block.outputTruncated || event.output_truncated,
      leftOut: event.output === null ? block.leftOut : event.output_left_out,
      wholeOutput: event.whole_output ?? block.wholeOutput,
      diff: event.diff ?? block.diff,
      pictures: event.pictures ?? block.pictures,
      exitCode: event.exit_code ?? block.exitCode,
      error: event.error ?? block.error,
      ms: event.ms ?? block.ms,
    });
  }
}

/** A stage belongs to the set-up that is under way, or to the last one where that knows it. */
function applyStage(draft: Draft, event: Extract<LogEvent, { type: "stage" }>, key: string): void {
  const index = draft.find((block) => block.kind === "setup");
  const block = draft.at(index);
  const purpose = purposeOf(event.name, draft.next.state);
  const view: StageView = {
    name: event.name,
    status: event.status,
    detail: event.detail,
    progress: event.progress,
    ms: event.ms,
    at: event.at,
  };
  if (block?.kind === "setup") {
    const known = block.stages.findIndex((stage) => stage.name === event.name);
    const before = block.stages[known];
    const goesOn = before && before.status !== "done" && before.status !== "failed";
    if (before && goesOn) {
      const stages = block.stages.with(known, { ...view, at: before.at });
      const ended = view.status === "done" || view.status === "failed";
      const over =
        purpose === "again"
          ? ended
          : view.status === "done" && purpose !== "start" && purpose !== "wake";
      draft.replace(index, { ...block, stages, open: block.open && !over });
      return;
    }
    if (block.open && !before && block.purpose === purpose) {
      draft.replace(index, { ...block, stages: [...block.stages, view] });
      return;
    }
  }
  draft.closeSetup();
  const { at } = event;
  const setup: SetupBlock = { kind: "setup", purpose, key, at, stages: [view], open: true };
  draft.push(setup);
}

const COMING: ReadonlySet<Transcript["state"]> = new Set(["queued", "starting", "restoring"]);

function purposeOf(stage: StageView["name"], state: Transcript["state"]): SetupPurpose {
  if (stage === "stop") return "sleep";
  if (stage === "snapshot") return "keep";
  if (stage === "commands" && state !== null && !COMING.has(state)) return "again";
  return state === "restoring" ? "wake" : "start";
}
