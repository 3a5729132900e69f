import { useEffect, useRef } from "react";

type Handler = (event: KeyboardEvent) => void;

/** `ctrl+k`, `alt+shift+y`, `?`, `Escape`. Ctrl is Command on a Mac. */
function nameOf(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  const letter = event.altKey && /^Key[A-Z]$/.test(event.code);
  const key = letter ? event.code.slice(3).toLowerCase() : event.key;
  if (event.shiftKey && (letter || key.length > 1)) parts.push("shift");
  parts.push(key.length === 1 && parts.length > 0 ? key.toLowerCase() : key);
  return parts.join("+");
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Terminals and the sandbox's browser: whatever is typed there is theirs. */
function keepsItsKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[data-own-keys]") !== null;
}

/**
 * Shortcuts for as long as the caller is there.
 *
 * Keys without Ctrl or Alt are left alone while someone types, and all of them while a dialog, a
 * menu or a list is open, which have keys of their own.
 */
export function useKeys(keys: Record<string, Handler>, { inDialogs = false } = {}): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const name = nameOf(event);
      const handler = current.current[name];
      if (!handler) return;
      if (keepsItsKeys(event.target)) return;
      if (isTyping(event.target) && !/^(ctrl|alt)\+/.test(name)) return;
      if (!inDialogs && document.querySelector("[role=dialog], [role=menu], [role=alertdialog]"))
        return;
      event.preventDefault();
      handler(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [inDialogs]);
}
