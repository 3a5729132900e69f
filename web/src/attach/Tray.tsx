import { FileText, LoaderCircle, X } from "lucide-react";
import { ErrorProblem } from "@/ui/Problem";
import { bytes } from "./bytes";
import type { Attachments } from "./use-attachments";

/** What is being attached, above the words that it goes with. */
export function Tray({ attachments }: { attachments: Attachments }) {
  const { files, error, remove } = attachments;
  if (files.length === 0 && !error) return null;
  return (
    <div className="px-3 pt-3">
      {files.length > 0 && (
        <ul aria-label="Attachments" className="flex flex-wrap gap-2">
          {files.map((file) => (
            <li
              key={file.key}
              data-testid="attachment"
              data-ready={file.id !== null}
              className="flex h-11 max-w-60 items-center gap-2 overflow-hidden rounded-md border bg-sunken pl-1 text-13"
            >
              <span className="grid size-9 shrink-0 place-items-center overflow-hidden rounded-md text-ink-3">
                {file.url ? (
                  <img src={file.url} alt="" className="size-full object-cover" />
                ) : (
                  <FileText size={16} />
                )}
              </span>
              <span className="min-w-0">
                <span className="block truncate">{file.name}</span>
                <span className="flex items-center gap-1 text-12 text-ink-3">
                  {file.id === null && <LoaderCircle size={12} className="animate-spin" />}
                  {file.id === null ? "Uploading" : bytes(file.size)}
                </span>
              </span>
              <button
                type="button"
                aria-label={`Remove ${file.name}`}
                title="Remove"
                onClick={() => remove(file)}
                className="quiet-ring inline-flex h-11 w-9 shrink-0 items-center justify-center text-ink-3 hover:bg-hover hover:text-ink pointer-coarse:w-11"
              >
                <X size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {error && <ErrorProblem error={error} className="mt-2 text-13" />}
    </div>
  );
}
