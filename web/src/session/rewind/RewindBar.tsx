import { Redo2, Undo2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/Button";
import { StateMark } from "@/ui/StateMark";
import { useSessionPage } from "../context";

/** Above the composer: the session is rewound, to where, and the way forward. */
export function RewindBar() {
  const { drives, transcript, actions, act } = useSessionPage();
  const [busy, setBusy] = useState(false);
  const { rewind } = transcript;
  if (!rewind) return null;
  const prompt = transcript.blocks.find(
    (block) => block.kind === "prompt" && block.promptId === rewind.promptId,
  );
  const said = prompt?.kind === "prompt" ? prompt.text.split("\n", 1)[0] : null;
  const forward = () => {
    setBusy(true);
    void act(actions.rewind(null)).then(() => setBusy(false));
  };
  return (
    <section
      data-testid="rewind-bar"
      data-state={rewind.state}
      aria-label="Rewound"
      className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md border border-accent-line bg-accent-tint py-2 pr-2 pl-3"
    >
      {rewind.state === "requested" ? (
        <p role="status" className="flex h-8 items-center gap-2 text-13">
          <StateMark state="starting" />
          {rewind.promptId === null ? "Going forward again…" : "Going back…"}
        </p>
      ) : (
        <>
          <p role="status" className="flex min-w-0 flex-1 basis-56 items-center gap-2 text-13">
            <Undo2 size={14} className="shrink-0 text-ink-3" />
            <span className="min-w-0">
              <span className="block truncate">
                <span className="font-semibold">Rewound</span>
                {said ? (
                  <>
                    {" "}
                    to before <q>{said}</q>
                  </>
                ) : (
                  " to an earlier prompt"
                )}
              </span>
              <span className="block text-12 text-ink-2">
                Chat and files are as they were then. What {drives ? "you write" : "is written"}{" "}
                next makes it so for good.
              </span>
            </span>
          </p>
          {drives && (
            <Button data-testid="forward-again" disabled={busy} onClick={forward}>
              <Redo2 size={14} className="text-ink-3" />
              Forward again
            </Button>
          )}
        </>
      )}
    </section>
  );
}
