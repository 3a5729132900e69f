import { clsx } from "clsx";
import { ChevronRight, Pencil, Quote, X } from "lucide-react";
import { memo, useMemo, useState } from "react";
import { AttachmentList } from "@/attach/AttachmentList";
import type { Block, MessageBlock, PromptBlock, ThoughtBlock } from "@/log/model";
import { type Quoted, quotedIn } from "@/log/quoted";
import { modelName } from "@/shell/names";
import { Markdown } from "@/text/Markdown";
import { IconButton } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { Ago, duration } from "@/ui/time";
import { useSessionPage } from "../context";
import { PromptEditor } from "../queue/PromptEditor";
import { PromptMenu } from "../rewind/PromptMenu";
import { useOpened } from "../use-opened";

/** A person's words, and what they gave along. While they wait they can be changed. */
export const PromptView = memo(function PromptView({
  block,
}: {
  block: PromptBlock & Pick<Block, "undone">;
}) {
  const { drives } = useSessionPage();
  const [wantsEdit, setEditing] = useState(false);
  const waits = block.status === "queued";
  const editing = wantsEdit && drives;
  const quoted = useMemo(() => quotedIn(block.text), [block.text]);
  const own = quoted ? quoted.own : block.text;
  return (
    <article
      data-testid="prompt"
      aria-label={`${block.author} said`}
      className="my-3 rounded-md border border-accent-line bg-accent-tint px-4 py-3 first:mt-0"
    >
      <header className="mb-0.5 flex items-baseline gap-2 text-12 text-ink-2">
        <span className="font-semibold">{block.author}</span>
        <Ago at={block.at} />
        {block.model && <span title={block.model}>{modelName(block.model)}</span>}
        {waits && drives && !editing && <Change block={block} onEdit={() => setEditing(true)} />}
        {!waits && <PromptMenu block={block} />}
      </header>
      {waits && editing ? (
        <PromptEditor prompt={block} onDone={() => setEditing(false)} />
      ) : (
        <>
          {own && <p className="max-w-[var(--measure)] break-words whitespace-pre-wrap">{own}</p>}
          {quoted && <QuotedView name={block.promptId} quoted={quoted} />}
          {block.attachments.length > 0 && <AttachmentList attachments={block.attachments} />}
        </>
      )}
    </article>
  );
});

/** Words of others that the agent was given along: folded, and not in the person's voice. */
function QuotedView({ name, quoted }: { name: string; quoted: Quoted }) {
  const [open, toggle] = useOpened(`quoted ${name}`, false);
  return (
    <div data-testid="quoted" className="mt-2">
      <button
        type="button"
        aria-expanded={open}
        onClick={toggle}
        className="target -ml-2 flex max-w-full items-center gap-1.5 rounded-md px-2 py-0.5 text-left text-13 text-ink-2 transition-colors hover:bg-hover hover:text-ink"
      >
        <ChevronRight
          size={14}
          className={clsx("shrink-0 transition-transform", open && "rotate-90")}
        />
        <Quote size={13} className="shrink-0" aria-hidden />
        <span className="min-w-0 break-words">
          With {quoted.what}, quoted from {quoted.host}
        </span>
      </button>
      {open && (
        <pre className="mt-1 max-h-96 overflow-y-auto rounded-md border bg-raised px-3 py-2 font-mono text-12 break-words whitespace-pre-wrap text-ink-2">
          {quoted.words}
        </pre>
      )}
    </div>
  );
}

function Change({ block, onEdit }: { block: PromptBlock; onEdit: () => void }) {
  const { actions, act } = useSessionPage();
  return (
    <span className="-my-1.5 ml-auto flex self-center">
      <IconButton label="Edit" data-testid="prompt-change" onClick={onEdit}>
        <Pencil size={14} />
      </IconButton>
      <IconButton
        label="Withdraw"
        data-testid="prompt-withdraw"
        onClick={() => void act(actions.withdraw(block.promptId))}
      >
        <X size={15} />
      </IconButton>
    </span>
  );
}

/** The agent's words. */
export const MessageView = memo(function MessageView({ block }: { block: MessageBlock }) {
  return (
    <div data-testid="agent-message" data-complete={block.complete} className="group relative py-2">
      <Markdown text={block.text} streaming={!block.complete} />
      {block.complete && (
        <CopyButton
          text={block.text}
          label="Copy as markdown"
          className="absolute -top-1 right-0 opacity-0 transition-opacity group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:hidden"
        />
      )}
    </div>
  );
});

/** What the agent thought: folded, since it is not said to anyone. */
export const ThoughtView = memo(function ThoughtView({ block }: { block: ThoughtBlock }) {
  const [open, toggle] = useOpened(block.key, false);
  const ms = Date.parse(block.until) - Date.parse(block.at);
  return (
    <div data-testid="thought" className="py-1">
      <button
        type="button"
        aria-expanded={open}
        onClick={toggle}
        className="target -ml-2 flex items-center gap-1.5 rounded-md px-2 py-0.5 text-13 text-ink-3 transition-colors hover:bg-hover hover:text-ink-2"
      >
        <ChevronRight size={14} className={clsx("transition-transform", open && "rotate-90")} />
        {!block.complete ? (
          <span className="alive">Thinking…</span>
        ) : ms >= 950 ? (
          `Thought for ${duration(ms)}`
        ) : (
          "Thought"
        )}
      </button>
      {open && (
        <div className="mt-1 border-l border-line-strong pl-4 text-13 text-ink-2">
          <Markdown text={block.text} streaming={!block.complete} />
        </div>
      )}
    </div>
  );
});
