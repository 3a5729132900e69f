import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { IconButton } from "./Button";

const SIZES: Record<string, string> = {
  false: "top-[12vh] max-h-[76vh] max-w-md",
  some: "top-[8vh] max-h-[84vh] max-w-lg",
  true: "top-[12vh] max-h-[76vh] max-w-2xl",
  most: "top-[4vh] max-h-[92vh] max-w-[min(1400px,92vw)]",
};

/** A sheet over the page. Escape and a press beside it close it; the focus goes back. */
export function Dialog({
  open,
  onClose,
  title,
  children,
  wide = false,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** `some`: for lists of people; `most`: as much of the page as there is, for pictures. */
  wide?: boolean | "some" | "most";
}) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          aria-describedby={undefined}
          className={`arrive fixed inset-x-4 z-50 mx-auto overflow-y-auto rounded-md border border-line-strong bg-raised p-5 shadow-md outline-none ${SIZES[String(wide)]}`}
        >
          <div className="mb-4 flex items-start justify-between gap-4">
            <Radix.Title className="text-18 font-semibold">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label="Close" className="-mt-1 -mr-1">
                <X size={16} />
              </IconButton>
            </Radix.Close>
          </div>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
