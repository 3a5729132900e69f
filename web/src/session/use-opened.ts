import { useState } from "react";

/** What the reader opened or closed, beyond the time that a row is on the screen. */
const choices = new Map<string, boolean>();

/** Whether something is open: as the reader chose, or as `fallback` says. */
export function useOpened(key: string, fallback: boolean): [boolean, () => void] {
  const [choice, setChoice] = useState(choices.get(key));
  const open = choice ?? fallback;
  return [
    open,
    () => {
      choices.set(key, !open);
      setChoice(!open);
    },
  ];
}
