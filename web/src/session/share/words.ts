import type { SessionRole, Visibility } from "@/api/types";
import type { Option } from "@/ui/Pick";

export const ROLES: readonly Option<SessionRole>[] = [
  { value: "owner", label: "Owner", hint: "Everything, and who takes part" },
  { value: "driver", label: "Driver", hint: "Prompts, answers, works in the sandbox" },
  { value: "commenter", label: "Commenter", hint: "Reads along, and comments" },
  { value: "viewer", label: "Viewer", hint: "Reads the transcript and the changes" },
];

export const VISIBILITIES: readonly Option<Visibility>[] = [
  { value: "private", label: "Private", hint: "Only those who take part see it, and admins." },
  { value: "visible", label: "Visible to all", hint: "Everybody here may read along." },
  {
    value: "joinable",
    label: "Joinable",
    hint: "Everybody here may write to the agent and work in the sandbox.",
  },
];

/** "a driver", "an owner". */
export const aRole = (role: SessionRole) => (role === "owner" ? "an owner" : `a ${role}`);
