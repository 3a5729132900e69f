import { ArrowDown } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { Virtualizer } from "virtua";
import { layOut, type Row } from "@/log/rows";
import type { Earlier } from "@/log/session-log";
import { useKeys } from "@/ui/keys";
import { Announcer } from "./Announcer";
import { useSessionPage } from "./context";
import { LiveLine } from "./LiveLine";
import { useShownUndone } from "./rewind/shown";
import { RowView } from "./rows/RowView";
import { useEarlier } from "./use-earlier";
import { useFollow } from "./use-follow";

interface Props {
  loaded: boolean;
  /** The place at which the transcript begins. */
  from: number;
  earlier: Earlier;
  older: (all?: boolean) => Promise<void>;
}

/** All that was said and done. Only what is on the screen is drawn, however long it gets. */
export function TranscriptView({ loaded, from, earlier, older }: Props) {
  const { transcript } = useSessionPage();
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { following, toStart, toEnd } = useFollow(scroller, content);

  const opened = useShownUndone();
  const drawn = useRef<{ rows: Row[]; from: number }>({ rows: [], from });
  const { rows, grewAbove } = useMemo(() => {
    const known = drawn.current;
    return {
      rows: layOut(transcript.blocks, known.rows, opened),
      grewAbove: known.rows.length > 0 && known.from !== from,
    };
  }, [transcript.blocks, from, opened]);
  useLayoutEffect(() => {
    drawn.current = { rows, from };
  }, [rows, from]);

  // What came above is nothing new: the count goes by the rows below where the reader was.
  const seen = useRef(rows.length);
  const counted = useRef(from);
  const length = useRef(rows.length);
  if (counted.current !== from) seen.current += rows.length - length.current;
  counted.current = from;
  length.current = rows.length;
  if (following) seen.current = rows.length;
  const news = rows.length - seen.current;

  const goToStart = useEarlier({ scroller, following, from, earlier, older, toStart });
  useKeys({ Home: goToStart, End: toEnd });

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
        data-last-seq={transcript.lastSeq}
        aria-label="Transcript"
        aria-busy={earlier === "loading"}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
        tabIndex={0}
        className="quiet-ring h-full overflow-y-auto outline-none [overflow-anchor:none]"
      >
        <div ref={content} className="mx-auto max-w-[var(--column)] px-3 pt-4 pb-2 sm:px-6">
          <Virtualizer scrollRef={scroller} data={rows} bufferSize={600} shift={grewAbove}>
            {(row) => <RowView key={row.key} row={row} />}
          </Virtualizer>
          {loaded ? <LiveLine /> : <p className="py-4 text-13 text-ink-3">Reading the session…</p>}
        </div>
      </section>
      <Announcer />
      <EarlierNote earlier={earlier} older={older} />
      {!following && (
        <button
          type="button"
          data-testid="new-pill"
          onClick={toEnd}
          className="arrive target absolute bottom-3 left-1/2 inline-flex h-8 -translate-x-1/2 items-center gap-1.5 rounded-full border border-line-strong bg-raised px-3 text-13 shadow-md hover:bg-hover"
        >
          <ArrowDown size={14} className="text-ink-3" />
          {news > 0 ? `${news} new` : "To the end"}
        </button>
      )}
    </div>
  );
}

/** Over the transcript and not in it, so that nothing moves when it comes and goes. */
function EarlierNote({ earlier, older }: Pick<Props, "earlier" | "older">) {
  const look =
    "arrive absolute top-2 left-1/2 -translate-x-1/2 rounded-full border border-line bg-raised px-3 py-1 text-12 text-ink-2 shadow-md";
  if (earlier === "loading") {
    return (
      <p data-testid="earlier" className={`${look} pointer-events-none`}>
        Reading what was before…
      </p>
    );
  }
  if (earlier !== "failed") return null;
  return (
    <button type="button" data-testid="earlier" onClick={() => older()} className={look}>
      What was before could not be read. Try again
    </button>
  );
}
