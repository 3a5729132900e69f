import { MessageSquareText, Quote } from "lucide-react";
import { memo } from "react";
import type { CommentBlock } from "@/log/model";
import { Button } from "@/ui/Button";
import { Ago } from "@/ui/time";
import { useSessionPage } from "../context";
import { quote } from "./quoting";

/** A person's word for the others. Outlined and not filled: the agent has not got it. */
export const CommentView = memo(function CommentView({ block }: { block: CommentBlock }) {
  const { id, drives } = useSessionPage();
  return (
    <article
      data-testid="comment"
      aria-label={`${block.author} commented`}
      className="my-3 rounded-md border border-accent-line border-dashed px-4 py-3"
    >
      <header className="mb-0.5 flex flex-wrap items-baseline gap-x-2 text-12 text-ink-2">
        <MessageSquareText size={13} className="self-center text-ink-3" aria-hidden />
        <span className="font-semibold">{block.author}</span>
        <span className="text-ink-3">to those who read along</span>
        <Ago at={block.at} />
      </header>
      <p className="max-w-[var(--measure)] break-words whitespace-pre-wrap">{block.text}</p>
      {drives && (
        <Button
          look="quiet"
          className="-ml-3 mt-1"
          data-testid="quote"
          onClick={() => quote(id, block.author, block.text)}
        >
          <Quote size={13} className="text-ink-3" />
          Quote to the agent
        </Button>
      )}
    </article>
  );
});
