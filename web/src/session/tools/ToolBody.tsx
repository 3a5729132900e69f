import { useLayoutEffect, useMemo, useRef } from "react";
import type { ToolBlock } from "@/log/model";
import { Ansi } from "@/text/Ansi";
import { CodeLines } from "@/text/CodeLines";
import { DiffView } from "@/text/DiffView";
import { parseDiff } from "@/text/diff";
import { languageOfPath } from "@/text/language";
import { useHighlight } from "@/text/use-highlight";
import { CopyButton } from "@/ui/CopyButton";
import { fileText } from "./file-text";
import { Gap, Whole } from "./LongOutput";
import { endsOf } from "./long-output";

/** What a tool call was given and gave, by what kind of tool it is. */
export function ToolBody({ tool }: { tool: ToolBlock }) {
  return (
    <div className="border-t bg-sunken">
      <Inner tool={tool} />
      {tool.by && (
        <p className="border-t px-3 py-1.5 text-12 text-ink-3">With the rights of {tool.by}</p>
      )}
      {tool.error && tool.error !== tool.output && (
        <pre className="border-t border-bad-line bg-bad-tint px-3 py-2 font-mono text-12 whitespace-pre-wrap">
          {tool.error}
        </pre>
      )}
      {tool.outputTruncated && !isSplit(tool) && (
        <p className="flex flex-wrap gap-x-2 border-t px-3 py-1.5 text-12 text-ink-3">
          Long output: its beginning and its end are shown.
          <Whole tool={tool} />
        </p>
      )}
    </div>
  );
}

/** Whether its output is shown as two ends, with what leads to the whole between them. */
const isSplit = (tool: ToolBlock) =>
  !tool.diff && tool.wholeOutput !== null && endsOf(tool.output, tool.leftOut) !== null;

function Inner({ tool }: { tool: ToolBlock }) {
  if (tool.diff) return <DiffBody diff={tool.diff} />;
  if (tool.toolKind === "execute") return <Command tool={tool} />;
  if (tool.toolKind === "read" && tool.output && !isSplit(tool)) return <FileBody tool={tool} />;
  if (tool.output) return <Printed tool={tool} />;
  return <Input tool={tool} />;
}

function DiffBody({ diff }: { diff: string }) {
  const files = useMemo(() => parseDiff(diff), [diff]);
  if (files.length === 0) return <Output text={diff} />;
  return (
    <div className="max-h-[420px] overflow-y-auto bg-raised">
      {files.map((file) => (
        <DiffView key={file.path} file={file} />
      ))}
    </div>
  );
}

function Command({ tool }: { tool: ToolBlock }) {
  const command = typeof tool.input.command === "string" ? tool.input.command : tool.title;
  return (
    <div className="group relative">
      <CopyButton
        text={command}
        label="Copy the command"
        className="absolute top-0.5 right-1 opacity-0 transition-opacity group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100"
      />
      <pre className="px-3 py-2 pr-10 font-mono text-12 break-words whitespace-pre-wrap">
        <span className="text-ink-3 select-none">$ </span>
        {command}
      </pre>
      {tool.output && <Printed tool={tool} lined />}
      {tool.exitCode !== null && tool.exitCode !== 0 && (
        <p className="border-t px-3 py-1.5 font-mono text-12 text-bad">exit code {tool.exitCode}</p>
      )}
    </div>
  );
}

function Printed({ tool, lined = false }: { tool: ToolBlock; lined?: boolean }) {
  const ends = isSplit(tool) ? endsOf(tool.output, tool.leftOut) : null;
  if (ends === null) return <Output text={tool.output} lined={lined} />;
  return (
    <>
      <Output text={ends.head} lined={lined} />
      <Gap tool={tool} />
      <Output text={ends.tail} fromEnd />
    </>
  );
}

function Output({
  text,
  lined = false,
  fromEnd = false,
}: {
  text: string;
  lined?: boolean;
  /** Its last lines are seen first. */
  fromEnd?: boolean;
}) {
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (fromEnd && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [fromEnd]);
  return (
    // A reader with a keyboard scrolls it with the arrows.
    <pre
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
      tabIndex={0}
      className={`quiet-ring max-h-80 overflow-auto px-3 py-2 font-mono text-12 whitespace-pre ${lined ? "border-t" : ""}`}
    >
      <Ansi text={text.replace(/\n$/, "")} />
    </pre>
  );
}

function FileBody({ tool }: { tool: ToolBlock }) {
  const { text, first } = useMemo(() => fileText(tool.output), [tool.output]);
  const tokens = useHighlight(text, languageOfPath(tool.title));
  const lines = text.split("\n").length;
  return (
    <div className="flex max-h-80 overflow-auto py-2 font-mono text-12">
      <pre aria-hidden="true" className="shrink-0 pr-3 pl-3 text-right text-ink-3 select-none">
        {Array.from({ length: lines }, (_, index) => first + index).join("\n")}
      </pre>
      <pre className="pr-4">
        <CodeLines code={text} tokens={tokens} />
      </pre>
    </div>
  );
}

function Input({ tool }: { tool: ToolBlock }) {
  const text = JSON.stringify(tool.input, null, 2);
  const tokens = useHighlight(text, "json");
  if (text === "{}") return <p className="px-3 py-2 text-13 text-ink-3">It printed nothing.</p>;
  return (
    <pre className="max-h-80 overflow-auto px-3 py-2 font-mono text-12 whitespace-pre-wrap">
      <CodeLines code={text} tokens={tokens} />
    </pre>
  );
}
