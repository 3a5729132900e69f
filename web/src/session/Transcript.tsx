import { ArrowDown } from "lucide-react";
import { useMemo, useRef } from "react";
import { Virtualizer } from "virtua";
import { layOut, type Row } from "@/log/rows";
import { useKeys } from "@/ui/keys";
import { Announcer } from "./Announcer";
import { useSessionPage } from "./context";
import { LiveLine } from "./LiveLine";
import { RowView } from "./rows/RowView";
import { useFollow } from "./use-follow";

/** All that was said and done. Only what is on the screen is drawn, however long it gets. */
export function TranscriptView({ loaded }: { loaded: boolean }) {
  const { transcript } = useSessionPage();
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { following, toStart, toEnd } = useFollow(scroller, content);

  const before = useRef<Row[]>([]);
  const rows = useMemo(() => {
    before.current = layOut(transcript.blocks, before.current);
    return before.current;
  }, [transcript.blocks]);

  const seen = useRef(rows.length);
  if (following) seen.current = rows.length;
  const news = rows.length - seen.current;

  useKeys({ Home: toStart, End: toEnd });

  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={scroller}
        data-testid="transcript"
        data-rows={rows.length}
        data-last-seq={transcript.lastSeq}
        aria-label="Transcript"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
        tabIndex={0}
        className="quiet-ring h-full overflow-y-auto outline-none [overflow-anchor:none]"
      >
        <div ref={content} className="mx-auto max-w-[var(--column)] px-3 pt-4 pb-2 sm:px-6">
          <Virtualizer scrollRef={scroller} data={rows} bufferSize={600}>
            {(row) => <RowView key={row.key} row={row} />}
          </Virtualizer>
          {loaded ? <LiveLine /> : <p className="py-4 text-13 text-ink-3">Reading the session…</p>}
        </div>
      </section>
      <Announcer />
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
