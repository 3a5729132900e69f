import { Command } from "cmdk";
import { Check } from "lucide-react";
import { Popover } from "radix-ui";
import { type ReactNode, useState } from "react";

export interface Choice {
  value: string;
  label: ReactNode;
  hint?: ReactNode;
  /** Further words by which it is found. */
  words?: string[];
  group?: string;
}

interface Props {
  trigger: ReactNode;
  placeholder: string;
  value: string | null;
  choices: readonly Choice[];
  onChoose: (value: string) => void;
  /** How to say that what was typed is taken as it is; null where it is not. */
  own?: (typed: string) => ReactNode | null;
  /** What stands where nothing is found, or below the list. */
  empty?: ReactNode;
  footer?: ReactNode;
  /** It opens from a dialog, which else keeps the wheel to itself. */
  modal?: boolean;
  /** What is typed, for choices that are looked for elsewhere. */
  onType?: (typed: string) => void;
  onOpen?: () => void;
}

export const ITEM =
  "target flex cursor-pointer gap-2 rounded-md px-2 py-1.5 text-13 outline-none select-none data-[selected=true]:bg-hover";

/** Every word that was typed is somewhere in it; what begins with them, or has them early, comes first. */
export function rank(value: string, typed: string, keywords: string[] = []): number {
  const text = [...keywords, value].join(" ").toLowerCase();
  const places = typed
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => text.indexOf(word));
  if (places.some((place) => place < 0)) return 0;
  return 1 / (1 + Math.min(...places, text.length));
}

/** A list to choose from by typing; where `own` allows it, what was typed is a choice too. */
export function Combo({
  trigger,
  placeholder,
  value,
  choices,
  onChoose,
  own,
  empty,
  footer,
  modal = false,
  onType,
  onOpen,
}: Props) {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const type = (next: string) => {
    setTyped(next);
    onType?.(next);
  };
  const wish = typed.trim();
  const ownLabel = wish && !choices.some((choice) => choice.value === wish) ? own?.(wish) : null;
  const groups = [...new Set(choices.map((choice) => choice.group ?? ""))];

  const choose = (next: string) => {
    onChoose(next);
    setOpen(false);
    type("");
  };

  return (
    <Popover.Root
      modal={modal}
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        if (next) onOpen?.();
      }}
    >
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="start"
          sideOffset={6}
          collisionPadding={8}
          className="z-50 w-[min(380px,calc(100vw-16px))] rounded-md border border-line-strong bg-raised shadow-md"
        >
          <Command loop filter={rank}>
            <Command.Input
              value={typed}
              onValueChange={type}
              placeholder={placeholder}
              className="h-10 w-full border-b bg-transparent px-3 text-13 outline-none"
            />
            <Command.List className="max-h-[min(320px,50vh)] overflow-y-auto p-1">
              <Command.Empty className="px-2 py-3 text-13 text-ink-3">
                {empty ?? "Nothing is called so."}
              </Command.Empty>
              {groups.map((group) => (
                <Command.Group
                  key={group}
                  heading={group || undefined}
                  className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-12 [&_[cmdk-group-heading]]:text-ink-3"
                >
                  {choices
                    .filter((choice) => (choice.group ?? "") === group)
                    .map((choice) => (
                      <Command.Item
                        key={choice.value}
                        value={choice.value || "none"}
                        keywords={choice.words ?? []}
                        onSelect={() => choose(choice.value)}
                        className={`${ITEM} items-start`}
                      >
                        <Check
                          size={14}
                          className={
                            choice.value === value
                              ? "mt-[3px] shrink-0 text-accent-text"
                              : "invisible mt-[3px] shrink-0"
                          }
                        />
                        <span className="min-w-0 flex-1">
                          <span className="block break-words">{choice.label}</span>
                          {choice.hint && (
                            <span className="block text-12 text-ink-3">{choice.hint}</span>
                          )}
                        </span>
                      </Command.Item>
                    ))}
                </Command.Group>
              ))}
              {ownLabel && (
                <Command.Item
                  forceMount
                  value={`own ${wish}`}
                  onSelect={() => choose(wish)}
                  className={`${ITEM} items-start`}
                >
                  <span className="w-3.5 shrink-0" />
                  <span className="min-w-0 break-words">{ownLabel}</span>
                </Command.Item>
              )}
            </Command.List>
          </Command>
          {footer}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
