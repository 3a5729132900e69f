import { clsx } from "clsx";
import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";

const ITEM =
  "target flex cursor-pointer items-center gap-2 rounded-md px-2 py-1.5 text-13 outline-none select-none data-[highlighted]:bg-hover";

/** A short list of things to do or to choose, at the button that opens it. */
export function Menu({
  trigger,
  children,
  align = "start",
}: {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "end";
}) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 min-w-48 max-w-80 rounded-md border border-line-strong bg-raised p-1 shadow-md"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuItem({
  onSelect,
  children,
  hint,
  disabled = false,
  danger = false,
}: {
  onSelect: () => void;
  children: ReactNode;
  /** What comes of it, or why it can't be done. */
  hint?: string;
  disabled?: boolean;
  danger?: boolean;
}) {
  return (
    <Radix.Item
      onSelect={onSelect}
      disabled={disabled}
      className={clsx(ITEM, danger && "text-bad", disabled && "text-ink-3", hint && "flex-wrap")}
    >
      {children}
      {hint && <span className="-mt-2 basis-full pl-[23px] text-12 text-ink-3">{hint}</span>}
    </Radix.Item>
  );
}

/** A file that the browser saves. */
export function MenuDownload({
  href,
  children,
  testId,
}: {
  href: string;
  children: ReactNode;
  testId?: string;
}) {
  return (
    <Radix.Item asChild className={ITEM}>
      <a href={href} download data-testid={testId}>
        {children}
      </a>
    </Radix.Item>
  );
}

export function MenuLine() {
  return <Radix.Separator className="my-1 border-t" />;
}

/** One of several, of which one is chosen. */
export function MenuChoice({
  chosen,
  onSelect,
  label,
  hint,
}: {
  chosen: boolean;
  onSelect: () => void;
  label: string;
  hint?: string;
}) {
  return (
    <Radix.CheckboxItem checked={chosen} onSelect={onSelect} className={`${ITEM} items-start`}>
      <Check
        size={14}
        className={chosen ? "mt-1 shrink-0 text-accent-text" : "invisible mt-1 shrink-0"}
      />
      <span>
        {label}
        {hint && <span className="block text-12 text-ink-3">{hint}</span>}
      </span>
    </Radix.CheckboxItem>
  );
}
