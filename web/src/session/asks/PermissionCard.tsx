import { useState } from "react";
import type { PermissionBlock, ToolBlock } from "@/log/model";
import { DiffView } from "@/text/DiffView";
import { parseDiff } from "@/text/diff";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { useKeys } from "@/ui/keys";
import { useSessionPage } from "../context";
import { Card } from "./Card";

const WISHES: Record<string, string> = {
  bash: "May it run this command?",
  edit: "May it make this edit?",
  write: "May it write this file?",
  webfetch: "May it fetch this page?",
};

/** The agent asks before it does something. */
export function PermissionCard({ block, more }: { block: PermissionBlock; more: number }) {
  const { drives, transcript, actions, act } = useSessionPage();
  const [rejecting, setRejecting] = useState(false);
  const [message, setMessage] = useState("");
  const [busy, setBusy] = useState(false);
  const { request } = block;
  const tool = transcript.blocks.findLast(
    (candidate): candidate is ToolBlock =>
      candidate.kind === "tool" && candidate.id === request.tool_call_id,
  );

  const reply = (answer: "once" | "always" | "reject") => {
    if (busy) return;
    setBusy(true);
    void act(actions.permission(request.request_id, answer, message)).then((done) => {
      if (!done) setBusy(false);
    });
  };
  const reject = () => (rejecting ? reply("reject") : setRejecting(true));
  useKeys(
    drives
      ? { "alt+y": () => reply("once"), "alt+shift+y": () => reply("always"), "alt+n": reject }
      : {},
  );

  return (
    <Card
      testId="permission-card"
      more={more}
      title={WISHES[request.permission] ?? `May it use ${request.permission}?`}
    >
      <div className="px-4 py-2">
        <Wish title={request.title} patterns={request.patterns} tool={tool} />
      </div>
      {drives && rejecting && (
        <textarea
          // biome-ignore lint/a11y/noAutofocus: it was asked for by the press before
          autoFocus
          value={message}
          rows={2}
          onChange={(event) => setMessage(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              reply("reject");
            } else if (event.key === "Escape") {
              event.stopPropagation();
              setRejecting(false);
            }
          }}
          aria-label="What should it do instead?"
          placeholder="What should it do instead? (may stay empty)"
          className="block w-full resize-none border-t bg-transparent px-4 py-2 outline-none"
        />
      )}
      {drives && (
        <div className="flex flex-wrap gap-2 border-t px-4 py-3">
          {rejecting ? (
            <>
              <Button
                look="danger"
                data-testid="permission-reject"
                disabled={busy}
                onClick={reject}
              >
                Reject <Kbd keys="Ctrl+Enter" />
              </Button>
              <Button look="quiet" onClick={() => setRejecting(false)}>
                Back
              </Button>
            </>
          ) : (
            <>
              <Button
                look="main"
                data-testid="permission-once"
                disabled={busy}
                onClick={() => reply("once")}
              >
                Allow once <Kbd keys="Alt+Y" />
              </Button>
              <Button
                data-testid="permission-always"
                disabled={busy}
                onClick={() => reply("always")}
                title={
                  request.always.length > 0
                    ? `From now on: ${request.always.join(", ")}`
                    : undefined
                }
              >
                Always <Kbd keys="Alt+Shift+Y" className="max-sm:hidden" />
              </Button>
              <Button look="quiet" data-testid="permission-reject" disabled={busy} onClick={reject}>
                Reject <Kbd keys="Alt+N" />
              </Button>
              {request.always.length > 0 && (
                <span className="w-full text-12 text-ink-3">
                  Always means: <code className="font-mono">{request.always.join(", ")}</code>
                </span>
              )}
            </>
          )}
        </div>
      )}
    </Card>
  );
}

/** As much as is known of what it wants to do: the diff, the command, or the patterns. */
function Wish({
  title,
  patterns,
  tool,
}: {
  title: string;
  patterns: string[];
  tool: ToolBlock | undefined;
}) {
  const files = tool?.diff ? parseDiff(tool.diff) : [];
  const command = typeof tool?.input.command === "string" ? tool.input.command : null;
  const text = command ?? (title || patterns.join("\n"));
  if (files.length > 0) {
    return (
      <div className="max-h-[32vh] overflow-auto rounded-md border">
        {files.map((file) => (
          <div key={file.path}>
            <p className="border-b bg-sunken px-3 py-1 font-mono text-12">{file.path}</p>
            <DiffView file={file} />
          </div>
        ))}
      </div>
    );
  }
  return (
    <pre className="max-h-[32vh] overflow-auto rounded-md border bg-sunken px-3 py-2 font-mono text-13 break-words whitespace-pre-wrap">
      {text}
    </pre>
  );
}
