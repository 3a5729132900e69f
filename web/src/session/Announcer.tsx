import { stateWord } from "@/ui/StateMark";
import { useSessionPage } from "./context";

/**
 * Tells those who listen instead of look: what the agent said, once it is whole, and how it stands.
 *
 * The transcript itself is no live region: rows come and go in it as one scrolls.
 */
export function Announcer() {
  const { drives, transcript, state } = useSessionPage();
  const said = transcript.blocks.findLast((block) => block.kind === "message" && block.complete);
  return (
    <div aria-live="polite" className="sr-only">
      <p>{stateWord(state, drives)}</p>
      {transcript.turn && said?.kind === "message" && <p>{said.text}</p>}
    </div>
  );
}
