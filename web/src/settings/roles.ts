import type { Role } from "@/api/types";
import type { Option } from "@/ui/Pick";

export const ROLES: readonly Option<Role>[] = [
  { value: "admin", label: "Admin", hint: "Looks after people, and is an owner of every session" },
  {
    value: "member",
    label: "Member",
    hint: "Starts sessions, and sees those that are theirs to see",
  },
];
