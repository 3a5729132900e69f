import { clsx } from "clsx";
import { Ellipsis, type LucideIcon, MessageSquare } from "lucide-react";
import type { ReactNode } from "react";
import { Menu, MenuItem } from "@/ui/Menu";
import { type PaneTab, panesFor, useSessionPage } from "./context";
import { PANES, useCounts } from "./pane/Pane";

const FIRST: readonly PaneTab[] = ["changes", "browser", "terminal"];
const MORE: readonly PaneTab[] = ["editor", "preview", "details"];

/** On a phone one thing is seen at a time; the thumb chooses which. `null` is the chat. */
export function PhoneBar({ tab, onChat }: { tab: PaneTab | null; onChat: () => void }) {
  const { drives, showPane } = useSessionPage();
  const counts = useCounts();
  const other = tab !== null && MORE.includes(tab) ? tab : null;
  return (
    <nav
      aria-label="Views"
      className="flex shrink-0 border-t bg-ground pb-[env(safe-area-inset-bottom)]"
    >
      <Item
        Icon={MessageSquare}
        chosen={tab === null}
        data-testid="chat-tab"
        label="Chat"
        onClick={onChat}
      />
      {(drives ? FIRST : panesFor(false)).map((name) => (
        <Item
          key={name}
          Icon={PANES[name].Icon}
          chosen={tab === name}
          data-testid={PANES[name].testId}
          label={PANES[name].label}
          count={counts[name]}
          onClick={() => showPane(name)}
        />
      ))}
      {drives && (
        <Menu
          align="end"
          trigger={
            <Item
              Icon={other ? PANES[other].Icon : Ellipsis}
              chosen={other !== null}
              data-testid="more-tab"
              label={other ? PANES[other].label : "More"}
            />
          }
        >
          {MORE.map((name) => {
            const { Icon, label, testId } = PANES[name];
            return (
              <MenuItem key={name} onSelect={() => showPane(name)}>
                <Icon size={16} className="text-ink-3" />
                <span data-testid={testId}>
                  {label}
                  {(counts[name] ?? 0) > 0 && (
                    <span className="text-ink-3 tabular-nums"> {counts[name]}</span>
                  )}
                </span>
              </MenuItem>
            );
          })}
        </Menu>
      )}
    </nav>
  );
}

function Item({
  Icon,
  chosen,
  label,
  count = 0,
  ...rest
}: React.ComponentProps<"button"> & {
  Icon: LucideIcon;
  chosen: boolean;
  label: ReactNode;
  count?: number | undefined;
}) {
  return (
    <button
      type="button"
      aria-current={chosen ? "page" : undefined}
      className={clsx(
        "quiet-ring flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 border-t-2 text-12",
        chosen ? "border-accent text-ink" : "border-transparent text-ink-3",
      )}
      {...rest}
    >
      <Icon size={18} />
      <span className="truncate">
        {label}
        {count > 0 && <span className="tabular-nums"> {count}</span>}
      </span>
    </button>
  );
}
