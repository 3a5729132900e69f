import { Paperclip } from "lucide-react";
import { useRef } from "react";
import { IconButton } from "@/ui/Button";

/** Opens the system's choice of files; they can be pasted and dropped as well. */
export function AttachButton({ onFiles }: { onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton
        label="Attach pictures or text files"
        data-testid="attach"
        onClick={() => input.current?.click()}
      >
        <Paperclip size={15} />
      </IconButton>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-testid="attach-input"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = ""; // so that the same one can be chosen again
          if (files.length > 0) onFiles(files);
        }}
      />
    </>
  );
}
