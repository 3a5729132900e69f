import { ExternalLink } from "lucide-react";
import { blobUrl } from "@/api/environment";
import { bytes } from "@/attach/bytes";
import type { ToolBlock } from "@/log/model";
import { useSessionPage } from "../context";

/** What stands between the two ends of a long output. */
export function Gap({ tool }: { tool: ToolBlock }) {
  return (
    <div
      data-testid="output-gap"
      className="flex min-h-11 flex-wrap items-center gap-x-2 border-y border-dashed bg-raised px-3 text-12 text-ink-2"
    >
      <span>… {bytes(tool.leftOut)} left out</span>
      <Whole tool={tool} />
    </div>
  );
}

/** Leads to the whole of an output that is too long for the log. */
export function Whole({ tool }: { tool: ToolBlock }) {
  const { id } = useSessionPage();
  const whole = tool.wholeOutput;
  if (whole === null) return null;
  return (
    <>
      <a
        href={blobUrl(id, whole.blob)}
        target="_blank"
        rel="noreferrer"
        className="target inline-flex items-center gap-1 text-accent-text underline underline-offset-2"
      >
        {whole.lost > 0 ? "Open what was kept" : "Open whole output"} ({bytes(whole.size)})
        <ExternalLink size={12} />
      </a>
      {whole.lost > 0 && <span>{bytes(whole.lost)} in its middle were too much to keep</span>}
    </>
  );
}
