import { useCallback, useEffect, useRef, useState } from "react";
import { blobUrl } from "@/api/environment";
import type { Attachment } from "@/api/types";
import { forgetUpload, upload, uploadUrl } from "@/api/uploads";

export interface AttachedFile {
  key: string;
  name: string;
  /** As the browser says until the hub has it, then as it is. */
  mime: string;
  size: number;
  /** What a prompt names it by; null while it is on its way. */
  id: string | null;
  /** Where it can be looked at, if it is a picture. */
  url: string | null;
}

export interface Attachments {
  files: readonly AttachedFile[];
  /** Some are still on their way. */
  busy: boolean;
  /** What a prompt names them by. */
  ids: string[];
  error: Error | null;
  add: (files: Iterable<File>) => void;
  remove: (file: AttachedFile) => void;
  /** They go with a prompt: take them off; what is returned puts them back. */
  take: () => () => void;
}

const isPicture = (mime: string) => mime.startsWith("image/");

/** Files that a prompt has already, as they stand in a form to change it. */
export const heldFiles = (sessionId: string, held: readonly Attachment[]): AttachedFile[] =>
  held.map(({ blob, name, mime, size }) => ({
    key: blob,
    name,
    mime,
    size,
    id: blob,
    url: isPicture(mime) ? blobUrl(sessionId, blob) : null,
  }));

/**
 * Files that are being attached to a prompt: each goes up at once, and is named when that is sent.
 *
 * `draft`: under which name what has gone up is remembered, as long as the hub keeps it.
 */
export function useAttachments(
  draft: string | null,
  held: readonly AttachedFile[] = [],
): Attachments {
  const [files, setFiles] = useState<readonly AttachedFile[]>(() => [...held, ...recall(draft)]);
  const [error, setError] = useState<Error | null>(null);
  const counter = useRef(0);
  const previews = useRef(new Set<string>());
  const removed = useRef(new Set<string>());

  useEffect(() => {
    const made = previews.current;
    return () => made.forEach((url) => void URL.revokeObjectURL(url));
  }, []);
  useEffect(() => {
    if (draft) remember(draft, files);
  }, [draft, files]);

  const add = useCallback((chosen: Iterable<File>) => {
    setError(null);
    for (const file of chosen) {
      const key = `${Date.now()}-${counter.current++}`;
      const url = isPicture(file.type) ? URL.createObjectURL(file) : null;
      if (url) previews.current.add(url);
      const { name, size, type: mime } = file;
      setFiles((before) => [...before, { key, name, mime, size, id: null, url }]);
      const mine = (other: AttachedFile) => other.key === key;
      upload(file).then(
        (made) => {
          if (removed.current.has(key)) void forgetUpload(made.id).catch(() => {});
          setFiles((before) =>
            before.map((other) => (mine(other) ? { ...other, ...made } : other)),
          );
        },
        (reason: Error) => {
          if (!removed.current.has(key)) setError(reason);
          setFiles((before) => before.filter((other) => !mine(other)));
        },
      );
    }
  }, []);
  const remove = useCallback((file: AttachedFile) => {
    setError(null);
    removed.current.add(file.key);
    setFiles((before) => before.filter((other) => other.key !== file.key));
    // What a prompt has already is no upload: that is for its own form to say.
    if (file.id && file.key !== file.id) void forgetUpload(file.id).catch(() => {});
  }, []);
  const take = useCallback(() => {
    setError(null);
    setFiles([]);
    return () => setFiles((since) => [...files, ...since]);
  }, [files]);

  return {
    files,
    busy: files.some((file) => file.id === null),
    ids: files.flatMap((file) => (file.id ? [file.id] : [])),
    error,
    add,
    remove,
    take,
  };
}

const nameOf = (draft: string) => `bunkhouse.draft.${draft}.files`;

function recall(draft: string | null): AttachedFile[] {
  if (!draft) return [];
  try {
    const stored = JSON.parse(localStorage.getItem(nameOf(draft)) ?? "[]") as AttachedFile[];
    return stored.map((file) => ({
      ...file,
      url: file.id && isPicture(file.mime) ? uploadUrl(file.id) : null,
    }));
  } catch {
    return [];
  }
}

function remember(draft: string, files: readonly AttachedFile[]): void {
  const there = files.filter((file) => file.id !== null);
  if (there.length === 0) localStorage.removeItem(nameOf(draft));
  else localStorage.setItem(nameOf(draft), JSON.stringify(there));
}
