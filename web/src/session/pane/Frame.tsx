import { type ComponentProps, useEffect, useRef } from "react";
import type { AppView } from "@/api/types";
import { useShownTheme } from "@/ui/theme";

const EXPIRED = "bunkhouse:expired";

/**
 * A page out of the sandbox, on an origin of its own.
 *
 * It may do what pages do but lead this page away. When its right to be shown has run out it says so,
 * and `onExpired` gets it a new one.
 */
export function Frame({
  view,
  onExpired,
  ...rest
}: { view: AppView; onExpired: () => void } & ComponentProps<"iframe">) {
  const frame = useRef<HTMLIFrameElement>(null);
  const expired = useRef(onExpired);
  expired.current = onExpired;
  const theme = useShownTheme();
  const origin = new URL(view.url, location.href).origin;

  useEffect(() => {
    const hear = (event: MessageEvent) => {
      const ours = event.origin === origin && event.source === frame.current?.contentWindow;
      const data = event.data as { type?: unknown } | null;
      if (ours && data && typeof data === "object" && data.type === EXPIRED) expired.current();
    };
    window.addEventListener("message", hear);
    return () => window.removeEventListener("message", hear);
  }, [origin]);

  return (
    <iframe
      ref={frame}
      key={view.url}
      src={view.url}
      allow="clipboard-read; clipboard-write; fullscreen"
      sandbox="allow-scripts allow-same-origin allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads allow-pointer-lock"
      referrerPolicy="no-referrer"
      // What is in it follows the page's theme by `prefers-color-scheme`.
      style={{ colorScheme: theme }}
      {...rest}
    />
  );
}
