/** A log's pages, as the hub gives them. */
import type { EventPage, LogEvent } from "../src/api/types";

const FRAMES: Record<string, string> = {
  agent_message_chunk: "message_id",
  agent_thought_chunk: "message_id",
  tool_output_chunk: "tool_call_id",
};

/** What an opening never has: texts and tools, and turns that ended. */
const DONE_WITH = /^(agent_|message_|tool_|turn_ended)/;

/** The page that is asked for with `after`, `before` or `tail`. */
export function logPage(log: readonly LogEvent[], asked: URLSearchParams): EventPage {
  const number = (name: string, fallback: number) => Number(asked.get(name) ?? fallback);
  const shaped = (events: LogEvent[]) => (asked.get("folded") ? folded(events) : events);
  const backwards = asked.has("before") || asked.has("tail");
  const limit = number("tail", number("limit", 500));
  const items = backwards
    ? shaped(log.filter((event) => event.seq < number("before", Number.POSITIVE_INFINITY))).slice(
        -limit,
      )
    : shaped(log.filter((event) => event.seq > number("after", 0))).slice(0, limit);
  const first = items[0]?.first_seq ?? items[0]?.seq ?? 1;
  const last = items.at(-1)?.seq ?? 0;
  return {
    items,
    next: items.length > 0 && last < log.length ? last : null,
    previous: first > 1 ? first : null,
    opening: backwards && first > 1 ? opening(log.slice(0, first - 1)) : null,
  };
}

/** More than the hub gives, which picks what is still open. */
function opening(before: readonly LogEvent[]): EventPage["opening"] {
  const ended = before.filter((event) => event.type === "turn_ended");
  const sum = (of: (event: (typeof ended)[number]) => number | null) =>
    ended.reduce((total, event) => total + (of(event) ?? 0), 0);
  const over = new Set(ended.map((event) => event.turn_id));
  return {
    events: before.filter((event) => {
      if (event.type === "prompt_queued") return !over.has(event.prompt_id);
      if (event.type === "turn_started") return !over.has(event.turn_id);
      return !DONE_WITH.test(event.type);
    }),
    usage: {
      turns: ended.length,
      input_tokens: sum((event) => event.input_tokens),
      output_tokens: sum((event) => event.output_tokens),
      cost: ended.some((event) => event.cost !== null) ? sum((event) => event.cost) : null,
    },
  };
}

/** Frames of one text that follow on each other, as one. */
export function folded(events: LogEvent[]): LogEvent[] {
  const result: LogEvent[] = [];
  for (const event of events) {
    const name = FRAMES[event.type];
    const now = event as unknown as Record<string, unknown>;
    const before = result.at(-1) as unknown as Record<string, unknown> | undefined;
    if (name && before && before.type === now.type && before[name] === now[name]) {
      const whole = {
        ...now,
        at: before.at,
        first_seq: before.first_seq ?? before.seq,
        text: `${before.text}${now.text}`,
      };
      result[result.length - 1] = whole as unknown as LogEvent;
    } else result.push(event);
  }
  return result;
}
