import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, RefreshCw } from "lucide-react";
import { useMemo } from "react";
import { queries } from "@/api/queries";
import { parseDiff } from "@/text/diff";
import { IconButton } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { Counts } from "@/ui/Counts";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../context";
import { Resting } from "../sleep/Resting";
import { ChangedFileView } from "./ChangedFileView";

const RESTS = ["hibernating", "hibernated", "restoring", "ended"];
const HAS_WORKSPACE = ["idle", "working", "waiting"];

/** How the workspace differs from where the session began; to read, to copy, to take along. */
export function Changes() {
  const { id, transcript, state } = useSessionPage();
  const client = useQueryClient();
  const version = transcript.workspace?.seq ?? 0;
  const options = queries.changes(id, version);
  const rests = RESTS.includes(state);
  const { data, error, isFetching, isPending } = useQuery({
    ...options,
    enabled: HAS_WORKSPACE.includes(state) || (version > 0 && !rests),
  });
  const diffs = useMemo(
    () => new Map(parseDiff(data?.diff ?? "").map((file) => [file.path, file])),
    [data?.diff],
  );

  if (error && !data && !rests) return <ErrorProblem error={error} className="m-4" />;
  if (!data && rests) {
    return (
      <div className="flex h-full min-h-48">
        <Resting />
      </div>
    );
  }
  if (!data) {
    return (
      <p className="p-6 text-13 text-ink-3">
        {isPending && isFetching
          ? "Reading the workspace…"
          : "What the agent changes will stand here."}
      </p>
    );
  }
  const additions = data.files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = data.files.reduce((sum, file) => sum + file.deletions, 0);
  return (
    <div data-testid="changes">
      <div className="flex h-11 items-center gap-3 border-b py-1.5 pr-2 pl-4 text-13">
        <span>
          {data.files.length === 0
            ? "Nothing has changed"
            : `${data.files.length} ${data.files.length === 1 ? "file" : "files"}`}
        </span>
        {data.files.length > 0 && <Counts additions={additions} deletions={deletions} />}
        <span className="ml-auto flex">
          <IconButton
            label="Read the workspace again"
            disabled={isFetching}
            onClick={() => void client.invalidateQueries({ queryKey: options.queryKey })}
          >
            <RefreshCw
              size={14}
              className={isFetching ? "animate-spin motion-reduce:animate-none" : ""}
            />
          </IconButton>
          {data.files.length > 0 && (
            <>
              <CopyButton text={data.diff} label="Copy as a patch" />
              <a
                href={`/api/sessions/${encodeURIComponent(id)}/changes.patch`}
                download={`${id}.patch`}
                aria-label="Download as a patch"
                title="Download as a patch"
                data-testid="changes-download"
                className="target inline-flex size-8 items-center justify-center rounded-md text-ink-3 transition-colors hover:bg-hover hover:text-ink"
              >
                <Download size={14} />
              </a>
            </>
          )}
        </span>
      </div>
      {data.truncated && (
        <p className="border-b bg-sunken px-4 py-2 text-13 text-ink-2">
          There is more than is shown here: the last part of the diff was left out.
        </p>
      )}
      {data.files.map((file) => (
        <ChangedFileView key={file.path} file={file} diff={diffs.get(file.path)} />
      ))}
    </div>
  );
}
