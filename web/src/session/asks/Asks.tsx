import { useSessionPage } from "../context";
import { PermissionCard } from "./PermissionCard";
import { QuestionCard } from "./QuestionCard";

/** What the agent waits for, one at a time, where the eye is anyway: above the composer. */
export function Asks() {
  const { transcript } = useSessionPage();
  const [first, ...others] = transcript.pending;
  if (!first) return null;
  return (
    <div className="arrive">
      {first.kind === "permission" ? (
        <PermissionCard key={first.key} block={first} more={others.length} />
      ) : (
        <QuestionCard key={first.key} block={first} more={others.length} />
      )}
    </div>
  );
}
