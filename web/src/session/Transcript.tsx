import { ArrowDown } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Virtualizer } from "virtua";
import { layOut, type Row } from "@/log/rows";
import type { LogState, SessionLog } from "@/log/session-log";
import { useKeys } from "@/ui/keys";
import { Announcer } from "./Announcer";
import { useSessionPage } from "./context";
import { LiveLine } from "./LiveLine";
import { useShownUndone } from "./rewind/shown";
import { RowView } from "./rows/RowView";
import { useFollow } from "./use-follow";
import { useMore } from "./use-more";

interface Props {
  log: SessionLog;
  read: LogState;
}

/**
 * All that was said and done. Only what is on the screen is drawn, however long it gets.
 *
 * Of a long log that is its end, or its beginning, until what was read of the two is one.
 */
export function TranscriptView({ log, read }: Props) {
  const { transcript } = useSessionPage();
  const [atBeginning, setAtBeginning] = useState(false);
  const beginning = atBeginning ? read.beginning : null;
  const { blocks, lastSeq } = beginning ?? transcript;
  const from = beginning ? 1 : read.from;
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { following, toStart, toEnd } = useFollow(scroller, content, beginning !== null);

  const opened = useShownUndone();
  const drawn = useRef<{ rows: Row[]; from: number; atBeginning: boolean }>({
    rows: [],
    from,
    atBeginning,
  });
  const { rows, grewAbove } = useMemo(() => {
    const known = drawn.current;
    return {
      rows: layOut(blocks, known.rows, opened),
      grewAbove: known.rows.length > 0 && known.from !== from && known.atBeginning === atBeginning,
    };
  }, [blocks, from, atBeginning, opened]);
  useLayoutEffect(() => {
    drawn.current = { rows, from, atBeginning };
  }, [rows, from, atBeginning]);

  // What came above is nothing new: the count goes by the rows below where the reader was.
  const seen = useRef(rows.length);
  const counted = useRef(from);
  const length = useRef(rows.length);
  if (!beginning) {
    if (counted.current !== from) seen.current += rows.length - length.current;
    counted.current = from;
    length.current = rows.length;
    if (following) seen.current = rows.length;
  }
  const news = beginning ? 0 : rows.length - seen.current;

  useMore({
    ...{ scroller, following, from, last: lastSeq },
    earlier: beginning ? "none" : read.earlier,
    older: log.older,
    later: beginning ? read.later : "none",
    further: log.further,
  });
  const goToStart = useCallback(async () => {
    if (atBeginning || from === 1) toStart();
    else if (await log.start()) setAtBeginning(true);
  }, [log, atBeginning, from, toStart]);
  const goToEnd = useCallback(() => {
    if (beginning) setAtBeginning(false);
    else toEnd();
  }, [beginning, toEnd]);
  useKeys({ Home: goToStart, End: goToEnd });
  useLayoutEffect(() => {
    if (atBeginning) toStart();
    else toEnd();
  }, [atBeginning, toStart, toEnd]);

  // A view that follows the end stands where it stood when rows come above it.
  useEffect(() => {
    if (following && grewAbove) toEnd();
  }, [following, grewAbove, toEnd]);

  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={scroller}
        data-testid="transcript"
        data-rows={rows.length}
        data-from={from}
        data-last-seq={lastSeq}
        aria-label="Transcript"
        aria-busy={read.earlier === "loading" || read.later === "loading"}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
        tabIndex={0}
        className="quiet-ring h-full overflow-y-auto outline-none [overflow-anchor:none]"
      >
        <div ref={content} className="mx-auto max-w-[var(--column)] px-3 pt-4 pb-2 sm:px-6">
          <Virtualizer
            key={atBeginning ? "beginning" : "end"}
            scrollRef={scroller}
            data={rows}
            bufferSize={600}
            shift={grewAbove}
          >
            {(row) => <RowView key={row.key} row={row} />}
          </Virtualizer>
          {beginning ? (
            <LaterNote read={read} onRead={log.further} />
          ) : read.loaded ? (
            <LiveLine />
          ) : (
            <p className="py-4 text-13 text-ink-3">Reading the session…</p>
          )}
        </div>
      </section>
      <Announcer />
      {!beginning && <EarlierNote read={read} onOlder={log.older} onStart={goToStart} />}
      {!following && (
        <button
          type="button"
          data-testid="new-pill"
          onClick={goToEnd}
          className="arrive target absolute bottom-3 left-1/2 inline-flex h-8 -translate-x-1/2 items-center gap-1.5 rounded-full border border-line-strong bg-raised px-3 text-13 shadow-md hover:bg-hover"
        >
          <ArrowDown size={14} className="text-ink-3" />
          {news > 0 ? `${news} new` : "To the end"}
        </button>
      )}
    </div>
  );
}

interface NoteProps {
  read: LogState;
  onOlder: () => void;
  onStart: () => void;
}

/** Over the transcript and not in it, so that nothing moves when it comes and goes. */
function EarlierNote({ read, onOlder, onStart }: NoteProps) {
  const { earlier } = read;
  const later = read.beginning ? "none" : read.later; // the beginning itself, where it is not there
  const look =
    "arrive absolute top-2 left-1/2 -translate-x-1/2 rounded-full border border-line bg-raised px-3 py-1 text-12 text-ink-2 shadow-md";
  if (earlier === "loading" || later === "loading") {
    return (
      <p data-testid="earlier" className={`${look} pointer-events-none`}>
        Reading what was before…
      </p>
    );
  }
  if (earlier !== "failed" && later !== "failed") return null;
  return (
    <button
      type="button"
      data-testid="earlier"
      onClick={later === "failed" ? onStart : onOlder}
      className={look}
    >
      What was before could not be read. Try again
    </button>
  );
}

/** Where the beginning ends, as far as it was read; above what leads to the end. */
function LaterNote({ read, onRead }: { read: LogState; onRead: () => void }) {
  if (read.later !== "failed") {
    return <p className="pt-4 pb-14 text-13 text-ink-3">Reading on…</p>;
  }
  return (
    <button
      type="button"
      data-testid="later"
      onClick={onRead}
      className="pt-4 pb-14 text-13 underline"
    >
      What follows could not be read. Try again
    </button>
  );
}
