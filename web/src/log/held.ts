import type { LogEvent } from "@/api/types";

const TEXTS: Partial<Record<LogEvent["type"], string>> = {
  agent_message_chunk: "message_id",
  agent_thought_chunk: "message_id",
  tool_output_chunk: "tool_call_id",
};

/**
 * The events of a part of a log, kept to be folded again when what precedes them is read.
 *
 * Frames of one text that follow on each other are kept as one, as the hub keeps them, so that a
 * text that streams for hours costs what it says.
 */
export class Held {
  private events: LogEvent[] = [];

  get all(): readonly LogEvent[] {
    return this.events;
  }

  get last(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  append(events: readonly LogEvent[]): void {
    for (const event of events) {
      const before = this.events.at(-1);
      if (before && event.seq <= before.seq) continue;
      const whole = before && joined(before, event);
      if (whole) this.events[this.events.length - 1] = whole;
      else this.events.push(event);
    }
  }

  prepend(events: readonly LogEvent[]): void {
    this.events = [...events, ...this.events];
  }

  clear(): void {
    this.events = [];
  }
}

function joined(before: LogEvent, event: LogEvent): LogEvent | null {
  const key = TEXTS[event.type];
  if (!key || before.type !== event.type || !("text" in before) || !("text" in event)) return null;
  const ids = [before, event].map((each) => (each as unknown as Record<string, unknown>)[key]);
  const follows = (event.first_seq ?? event.seq) === before.seq + 1;
  if (ids[0] !== ids[1] || !follows) return null;
  const first_seq = before.first_seq ?? before.seq;
  return { ...event, first_seq, at: before.at, text: before.text + event.text } as LogEvent;
}
