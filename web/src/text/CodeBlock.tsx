import { CopyButton } from "@/ui/CopyButton";
import { CodeLines } from "./CodeLines";
import { useHighlight } from "./use-highlight";

/** A piece of code in prose, with its language and a way to copy it. */
export function CodeBlock({ code, language }: { code: string; language: string | null }) {
  const tokens = useHighlight(code, language);
  return (
    <figure className="group relative my-3 rounded-md border bg-sunken">
      <CopyButton
        text={code}
        label="Copy code"
        className="absolute top-1 right-1 opacity-0 transition-opacity group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100"
      />
      <pre className="overflow-x-auto px-3 py-2.5 font-mono text-13" data-language={language}>
        <code>
          <CodeLines code={code} tokens={tokens} />
        </code>
      </pre>
    </figure>
  );
}
