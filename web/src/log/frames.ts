import type { FrameRun } from "./model";

interface Text {
  text: string;
  lastSeq: number;
  runs: readonly FrameRun[];
}

interface Frame {
  seq: number;
  first_seq?: number | null | undefined;
  text: string;
}

/** The text that begins with this frame. */
export function beginText(frame: Frame): Text {
  const first = frame.first_seq ?? frame.seq;
  return { text: frame.text, lastSeq: frame.seq, runs: [{ first, offset: 0 }] };
}

/**
 * Put a frame, or a folded run of frames, at the end of a text.
 *
 * A folded run may begin before the end of what is already there (it was folded after we had read
 * a part of it): then it replaces that part. Runs begin where frames of one text follow on each
 * other without anything between, so the beginning of a folded run is one that is known here.
 */
export function addFrame(to: Text, frame: Frame): Text {
  const first = frame.first_seq ?? frame.seq;
  if (first > to.lastSeq) {
    const runs =
      first === to.lastSeq + 1 ? to.runs : [...to.runs, { first, offset: to.text.length }];
    return { text: to.text + frame.text, lastSeq: frame.seq, runs };
  }
  const index = to.runs.findLastIndex((run) => run.first <= first);
  const run = to.runs[index];
  if (!run) return beginText(frame);
  return {
    text: to.text.slice(0, run.offset) + frame.text,
    lastSeq: frame.seq,
    runs: to.runs.slice(0, index + 1),
  };
}
