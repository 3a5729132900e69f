import { Users } from "lucide-react";
import { comments } from "@/api/rights";
import { Button } from "@/ui/Button";
import { CommentField } from "./comments/CommentField";
import { useSessionPage } from "./context";
import { Queue } from "./queue/Queue";
import { aRole } from "./share/words";

/** In place of the composer, for those who read along: why they can't write, and whom to ask. */
export function Onlooker() {
  const { session, share } = useSessionPage();
  if (!session) return null;
  return (
    <div>
      <Queue />
      {comments(session) && (
        <div className="mb-2">
          <CommentField />
        </div>
      )}
      <div
        data-testid="onlooker"
        className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-md border bg-sunken px-4 py-2.5"
      >
        <p className="min-w-0 flex-1 basis-60 text-13 text-ink-2">
          You read along as {aRole(session.role)}. To write to the agent, ask{" "}
          <span className="font-semibold">{session.author}</span> to make you a driver.
        </p>
        <Button onClick={share}>
          <Users size={15} className="text-ink-3" />
          Who takes part
        </Button>
      </div>
    </div>
  );
}
