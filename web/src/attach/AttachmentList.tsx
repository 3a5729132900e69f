import { FileText } from "lucide-react";
import { useState } from "react";
import { blobUrl } from "@/api/environment";
import type { Attachment } from "@/api/types";
import { useSessionPage } from "@/session/context";
import { Dialog } from "@/ui/Dialog";
import { bytes } from "./bytes";

/** The files of a prompt that was said: pictures to enlarge, texts to open. */
export function AttachmentList({ attachments }: { attachments: readonly Attachment[] }) {
  const { id } = useSessionPage();
  return (
    <ul aria-label="Attachments" className="mt-2 flex flex-wrap gap-2">
      {attachments.map((attachment) => (
        <li key={attachment.blob} data-testid="prompt-attachment">
          {attachment.mime.startsWith("image/") ? (
            <Thumbnail url={blobUrl(id, attachment.blob)} attachment={attachment} />
          ) : (
            <a
              href={blobUrl(id, attachment.blob)}
              target="_blank"
              rel="noreferrer"
              className="flex h-11 max-w-60 items-center gap-2 rounded-md border bg-raised px-3 text-13 hover:bg-hover"
            >
              <FileText size={16} className="shrink-0 text-ink-3" />
              <span className="truncate">{attachment.name}</span>
              <span className="shrink-0 text-12 text-ink-3">{bytes(attachment.size)}</span>
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}

function Thumbnail({ url, attachment }: { url: string; attachment: Attachment }) {
  const [large, setLarge] = useState(false);
  const { name, size } = attachment;
  return (
    <>
      <button
        type="button"
        aria-label={`${name}. Enlarge`}
        title={`${name}, ${bytes(size)}`}
        onClick={() => setLarge(true)}
        className="block size-24 cursor-zoom-in overflow-hidden rounded-md border bg-raised"
      >
        <img src={url} alt={name} decoding="async" className="size-full object-cover" />
      </button>
      <Dialog open={large} onClose={() => setLarge(false)} title={name} wide="most">
        <a href={url} target="_blank" rel="noreferrer" title="Open in a tab of its own">
          <img src={url} alt={name} className="mx-auto h-auto max-w-full" />
        </a>
      </Dialog>
    </>
  );
}
