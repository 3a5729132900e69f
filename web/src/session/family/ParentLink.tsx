import { Link } from "@tanstack/react-router";
import { CornerLeftUp } from "lucide-react";
import { useSession } from "@/api/queries";

/** The session within which this one was started; nothing where one may not see that. */
export function ParentLink({ id }: { id: string }) {
  const { session } = useSession(id);
  if (!session) return null;
  return (
    <Link
      to="/sessions/$sessionId"
      params={{ sessionId: id }}
      data-testid="parent-link"
      title={`Part of “${session.title}”`}
      className="flex min-w-0 max-w-40 items-center gap-1 rounded-md transition-colors hover:text-ink-2"
    >
      <CornerLeftUp size={12} className="shrink-0" />
      <span className="truncate underline underline-offset-4">{session.title}</span>
    </Link>
  );
}
