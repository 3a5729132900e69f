import { useCallback, useState } from "react";

/** A choice of this browser's reader that outlives the page. */
export function useStored<T>(key: string, fallback: T): [T, (value: T) => void] {
  const name = `bunkhouse.${key}`;
  const [value, setValue] = useState<T>(() => {
    try {
      const text = localStorage.getItem(name);
      return text === null ? fallback : (JSON.parse(text) as T);
    } catch {
      return fallback;
    }
  });
  const store = useCallback(
    (next: T) => {
      setValue(next);
      localStorage.setItem(name, JSON.stringify(next));
    },
    [name],
  );
  return [value, store];
}
