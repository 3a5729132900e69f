import { Archive, Ellipsis, FileBraces, FileText, Moon, Split, Sunrise, Users } from "lucide-react";
import { useState } from "react";
import { exportUrl } from "@/api/environment";
import { IconButton } from "@/ui/Button";
import { Menu, MenuChoice, MenuDownload, MenuItem, MenuLine } from "@/ui/Menu";
import { usePhone } from "@/ui/media";
import { useSessionPage } from "../context";
import { StartChild } from "../family/StartChild";
import { useSleep } from "./use-sleep";

/** What can be done with the session as a whole. */
export function SessionMenu() {
  const { id, drives, share } = useSessionPage();
  const phone = usePhone();
  const [splitting, setSplitting] = useState(false);
  return (
    <>
      <Menu
        align="end"
        trigger={
          <IconButton label="More" data-testid="session-menu">
            <Ellipsis size={16} />
          </IconButton>
        }
      >
        {phone && (
          <MenuItem onSelect={share}>
            <Users size={15} className="text-ink-3" />
            Share
          </MenuItem>
        )}
        {drives && (
          <MenuItem onSelect={() => setSplitting(true)}>
            <Split size={15} className="text-ink-3" />
            Start a child session…
          </MenuItem>
        )}
        {drives && <Sleeping />}
        {(phone || drives) && <MenuLine />}
        <MenuDownload href={exportUrl(id, "markdown")} testId="export-markdown">
          <FileText size={15} className="text-ink-3" />
          Export as Markdown
        </MenuDownload>
        <MenuDownload href={exportUrl(id, "jsonl")} testId="export-jsonl">
          <FileBraces size={15} className="text-ink-3" />
          Export as JSONL
        </MenuDownload>
      </Menu>
      {splitting && <StartChild onClose={() => setSplitting(false)} />}
    </>
  );
}

/** When it rests, and when it ends. */
function Sleeping() {
  const sleep = useSleep();
  const { ended, asleep, canWake, canHibernate, keepsAwake } = sleep;
  return (
    <>
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
    </>
  );
}
