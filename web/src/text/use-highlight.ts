import { useEffect, useMemo, useState } from "react";
import type { LineHighlighter, Token } from "./highlighter";

/** Above this, colours are not worth the time that they take. */
const LONGEST = 200_000;

/** Grammars that are loaded: code in them has its colours at once. */
const loaded = new Map<string, () => LineHighlighter>();

/** The tokens of each line of `code`, or null while (or where) there are none. */
export function useHighlight(code: string, language: string | null): Token[][] | null {
  const wanted = language !== null && code.length <= LONGEST;
  const [, setArrived] = useState<string | null>(null);
  const make = wanted ? loaded.get(language) : undefined;

  useEffect(() => {
    if (!wanted || loaded.has(language)) return;
    let alive = true;
    void import("./highlighter")
      .then(({ loadLanguage }) => loadLanguage(language))
      .then((maker) => {
        if (!maker) return;
        loaded.set(language, maker);
        if (alive) setArrived(language);
      });
    return () => {
      alive = false;
    };
  }, [language, wanted]);

  const highlight = useMemo(() => make?.(), [make]);
  return useMemo(() => highlight?.(code) ?? null, [highlight, code]);
}
