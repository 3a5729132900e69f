import { ShieldCheck, ShieldQuestion } from "lucide-react";
import type { Permissions } from "@/api/types";
import { Chip } from "@/ui/Chip";
import { Menu, MenuChoice } from "@/ui/Menu";

export type Mode = "allow" | "ask";

export const PERMISSIONS: Record<Mode, Permissions | null> = {
  allow: null,
  ask: { bash: "ask", edit: "ask" },
};

const WORDS: Record<Mode, { label: string; hint: string }> = {
  allow: { label: "Allow everything", hint: "It works in its own sandbox, and asks nothing" },
  ask: {
    label: "Ask before commands and edits",
    hint: "You answer before it runs or changes something",
  },
};

/** Whether the agent asks before it does something. */
export function PermissionPicker({
  value,
  onChange,
}: {
  value: Mode;
  onChange: (mode: Mode) => void;
}) {
  return (
    <Menu
      trigger={
        <Chip
          icon={value === "allow" ? <ShieldCheck size={14} /> : <ShieldQuestion size={14} />}
          label={`Permissions: ${WORDS[value].label}`}
          data-testid="home-permissions"
          data-value={value}
        >
          {value === "allow" ? "Allow everything" : "Ask first"}
        </Chip>
      }
    >
      {(["allow", "ask"] as const).map((mode) => (
        <MenuChoice
          key={mode}
          chosen={mode === value}
          label={WORDS[mode].label}
          hint={WORDS[mode].hint}
          onSelect={() => onChange(mode)}
        />
      ))}
    </Menu>
  );
}
