import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { SlidersHorizontal } from "lucide-react";
import { memo } from "react";
import { queries } from "@/api/queries";
import type { ConfiguredBlock } from "@/log/model";
import { useSessionPage } from "../context";
import { Mark } from "./Marks";

/** What the repository is set up with, in one line; the details have it whole. */
export const ConfiguredView = memo(function ConfiguredView({ block }: { block: ConfiguredBlock }) {
  const { showPane } = useSessionPage();
  const { commands, environment, model, model_source, egress } = block.event;
  const parts = [
    count(commands.length, "set-up command"),
    count(environment.length, "variable"),
    egress && count(egress.length, "host"),
    (model_source === "file" || model_source === "admin") && `model ${model}`,
  ].filter((part) => part);
  return (
    <Mark icon={<SlidersHorizontal size={14} />} at={block.at} testId="repository-configured">
      The repository has settings{parts.length > 0 && `: ${parts.join(", ")}`}.{" "}
      <button
        type="button"
        className="target text-accent-text underline underline-offset-4"
        onClick={() => showPane("details")}
      >
        What came from where
      </button>
    </Mark>
  );
});

function count(many: number, what: string): string | null {
  return many === 0 ? null : `${many} ${what}${many === 1 ? "" : "s"}`;
}

/** Where an admin lets the session's repository reach more. Others are told to ask one. */
export function AllowLink() {
  const { session } = useSessionPage();
  const { data: me } = useQuery(queries.me);
  if (me?.role !== "admin" || !session?.repository) return null;
  return (
    <>
      {" "}
      <Link
        to="/settings/repositories"
        search={{ repository: session.repository }}
        className="text-accent-text underline underline-offset-4"
      >
        Settings of this repository
      </Link>
    </>
  );
}
