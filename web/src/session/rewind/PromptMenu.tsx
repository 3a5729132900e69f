import { useNavigate } from "@tanstack/react-router";
import { Ellipsis, GitFork, Undo2 } from "lucide-react";
import type { Block, PromptBlock } from "@/log/model";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem } from "@/ui/Menu";
import { useSessionPage } from "../context";

const CAN_REWIND = ["idle", "hibernating", "hibernated"];

/** What can be done with a prompt that the agent has had: go back to before it, or begin there anew. */
export function PromptMenu({ block }: { block: PromptBlock & Pick<Block, "undone"> }) {
  const { drives, state, transcript, actions, act } = useSessionPage();
  const navigate = useNavigate();
  if (!drives || block.steered || block.undone === "for good") return null;
  const waits = transcript.drive !== null || transcript.queue.length > 0;
  const rewinding = transcript.rewind?.state === "requested";
  const can = CAN_REWIND.includes(state) && !waits && !rewinding;
  const fork = () => {
    let made: string | null = null;
    const deed = actions.fork(block.asked).then((session) => {
      made = session.id;
    });
    void act(deed).then(() => {
      if (made) void navigate({ to: "/sessions/$sessionId", params: { sessionId: made } });
    });
  };
  return (
    <span className="-my-1.5 ml-auto flex self-center">
      <Menu
        align="end"
        trigger={
          <IconButton label="More about this prompt" data-testid="prompt-menu">
            <Ellipsis size={15} />
          </IconButton>
        }
      >
        {!block.undone && (
          <MenuItem
            onSelect={() => void act(actions.rewind(block.asked))}
            disabled={!can}
            hint={can ? "Chat and files, as before this prompt" : "When the agent is idle"}
          >
            <Undo2 size={15} className="text-ink-3" />
            Rewind to here
          </MenuItem>
        )}
        <MenuItem onSelect={fork} hint="A new session; this one stays as it is">
          <GitFork size={15} className="text-ink-3" />
          Fork from here
        </MenuItem>
      </Menu>
    </span>
  );
}
