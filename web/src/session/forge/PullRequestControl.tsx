import {
  CircleCheck,
  CircleX,
  ExternalLink,
  GitPullRequest,
  RefreshCw,
  Upload,
} from "lucide-react";
import { useState } from "react";
import type { PullRequest } from "@/api/types";
import { Button } from "@/ui/Button";
import { Chip } from "@/ui/Chip";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { useSessionPage } from "../context";
import { PullRequestDialog } from "./PullRequestDialog";

/** The session's pull request: to be opened, or how it is. */
export function PullRequestControl() {
  const { session, drives, actions, act } = useSessionPage();
  const [open, setOpen] = useState(false);
  const pull = session?.pull_request;
  if (!session || (!pull && (!drives || !session.work_branch))) return null;
  return (
    <>
      {pull ? (
        <Menu
          align="end"
          trigger={
            <Chip
              data-testid="pull-request"
              data-state-of={pull.state}
              label={`Pull request ${pull.number}, ${pull.draft ? "draft" : pull.state}`}
              icon={<GitPullRequest size={15} className={TONE[pull.state]} />}
            >
              <Summary pull={pull} />
            </Chip>
          }
        >
          <MenuItem onSelect={() => window.open(pull.url, "_blank", "noreferrer")}>
            <ExternalLink size={15} className="text-ink-3" />
            Look at it at GitHub
          </MenuItem>
          {drives && (
            <>
              <MenuLine />
              <MenuItem onSelect={() => void act(actions.publish())} hint="What was done since">
                <Upload size={15} className="text-ink-3" />
                Push to it
              </MenuItem>
              <MenuItem onSelect={() => void act(actions.askForge())}>
                <RefreshCw size={15} className="text-ink-3" />
                Ask for reviews and checks
              </MenuItem>
              <MenuItem onSelect={() => setOpen(true)}>
                <GitPullRequest size={15} className="text-ink-3" />
                Edit title and text…
              </MenuItem>
            </>
          )}
        </Menu>
      ) : (
        <Button
          data-testid="pull-request-open"
          title="Open a pull request"
          aria-label="Open a pull request"
          className="@max-3xl:px-2"
          onClick={() => setOpen(true)}
        >
          <GitPullRequest size={15} />
          <span className="@max-3xl:hidden">Pull request</span>
        </Button>
      )}
      {open && <PullRequestDialog pull={pull ?? null} onClose={() => setOpen(false)} />}
    </>
  );
}

const TONE: Record<PullRequest["state"], string> = {
  open: "text-good",
  closed: "text-bad",
  merged: "text-info",
};

function Summary({ pull }: { pull: PullRequest }) {
  return (
    <span className="flex items-center gap-1.5 tabular-nums">
      #{pull.number}
      {(pull.draft || pull.state !== "open") && (
        <span className="text-ink-3 max-sm:hidden">{pull.draft ? "draft" : pull.state}</span>
      )}
      {pull.failed > 0 ? (
        <span className="flex items-center gap-0.5 text-bad" title="Checks that failed">
          <CircleX size={13} /> {pull.failed}
        </span>
      ) : pull.running > 0 ? (
        <span className="text-ink-3" title="Checks that run">
          … {pull.running}
        </span>
      ) : (
        pull.passed > 0 && (
          <CircleCheck size={13} className="text-good" aria-label="All checks passed" />
        )
      )}
    </span>
  );
}
