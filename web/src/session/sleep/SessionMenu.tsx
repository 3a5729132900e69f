import { Archive, Ellipsis, Moon, Sunrise } from "lucide-react";
import { IconButton } from "@/ui/Button";
import { Menu, MenuChoice, MenuItem } from "@/ui/Menu";
import { useSleep } from "./use-sleep";

/** What can be done with the session as a whole. */
export function SessionMenu() {
  const sleep = useSleep();
  const { ended, asleep, canWake, canHibernate, keepsAwake } = sleep;
  return (
    <Menu
      align="end"
      trigger={
        <IconButton label="More" data-testid="session-menu">
          <Ellipsis size={16} />
        </IconButton>
      }
    >
      {canWake ? (
        <MenuItem onSelect={sleep.wake}>
          <Sunrise size={15} className="text-ink-3" />
          {ended ? "Bring back" : "Wake up"}
        </MenuItem>
      ) : (
        <MenuItem
          onSelect={sleep.hibernate}
          disabled={!canHibernate}
          hint={canHibernate ? "It wakes up when you write" : "When the agent is idle"}
        >
          <Moon size={15} className="text-ink-3" />
          Put to sleep
        </MenuItem>
      )}
      <MenuItem
        onSelect={sleep.end}
        disabled={ended}
        hint={ended ? "It has ended" : "Its files are kept for a while"}
      >
        <Archive size={15} className="text-ink-3" />
        End
      </MenuItem>
      {!ended && !asleep && (
        <MenuChoice
          chosen={keepsAwake}
          onSelect={() => sleep.keepAwake(!keepsAwake)}
          label="Keep awake"
          hint="It does not go to sleep by itself"
        />
      )}
    </Menu>
  );
}
