import { useParams } from "@tanstack/react-router";
import { SessionPage } from "./SessionPage";

/** Each session has a page of its own: nothing of one is left over in the next. */
export function SessionRoute() {
  const { sessionId } = useParams({ from: "/sessions/$sessionId" });
  return <SessionPage key={sessionId} id={sessionId} />;
}
