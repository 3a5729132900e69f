import { useParams } from "@tanstack/react-router";
import { ShownPage } from "./ShownPage";

/** Where a public link leads. */
export function ShownRoute() {
  const { sessionId } = useParams({ from: "/shared/$sessionId" });
  return <ShownPage key={sessionId} id={sessionId} />;
}
