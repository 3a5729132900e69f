import { memo, useState } from "react";
import type { ProblemBlock } from "@/log/model";
import { Button } from "@/ui/Button";
import { Problem } from "@/ui/Problem";
import { useSessionPage } from "../context";
import { needsSetUpAgain, SetUpAgain } from "../pane/RepositorySettings";

/** Something went wrong; while the session stands still because of it, what can be done about it. */
export const ProblemCard = memo(function ProblemCard({ block }: { block: ProblemBlock }) {
  const { drives, state, actions, act, transcript } = useSessionPage();
  const [busy, setBusy] = useState(false);
  const retry = (branch?: string) => {
    setBusy(true);
    void act(actions.retry(branch === undefined ? {} : { branch })).finally(() => setBusy(false));
  };
  return (
    <Problem
      data-testid="problem-card"
      className="my-2"
      message={block.message}
      remedy={block.remedy}
      detail={block.detail}
    >
      {drives &&
      state === "idle" &&
      block.code === "set_up_failed" &&
      needsSetUpAgain(transcript) ? (
        <SetUpAgain />
      ) : (
        drives &&
        state === "failed" && (
          <>
            {block.suggestions.map((branch) => (
              <Button key={branch} disabled={busy} onClick={() => retry(branch)}>
                Use <code className="font-mono text-12">{branch}</code>
              </Button>
            ))}
            <Button disabled={busy} onClick={() => retry()}>
              Try again
            </Button>
          </>
        )
      )}
    </Problem>
  );
});
