import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(`${import.meta.dirname}/tokens.css`, "utf8");

function tokens(selector: string): Map<string, string> {
  const block = css.split(`${selector} {`)[1]?.split("}")[0] ?? "";
  const pairs = [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)];
  return new Map(pairs.map((pair) => [pair[1] ?? "", pair[2] ?? ""]));
}

/** Relative luminance, as WCAG 2.2 defines it. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(hex.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const SURFACES = ["ground", "paper", "raised", "sunken", "hover"];
const CODE = [
  "code-foreground",
  "code-token-keyword",
  "code-token-string",
  "code-token-constant",
  "code-token-function",
  "code-token-comment",
  "code-token-punctuation",
];
const ANSI = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"].map(
  (name) => `ansi-${name}`,
);

const PAIRS: [string[], string[]][] = [
  [["ink", "ink-2", "ink-3"], SURFACES],
  [
    ["accent-text", "good", "bad", "info"],
    ["ground", "paper", "raised", "sunken"],
  ],
  [
    ["ink", "ink-2"],
    ["accent-tint", "bad-tint", "good-tint"],
  ],
  [["accent-ink"], ["accent", "accent-hover"]],
  [["bad"], ["bad-tint"]],
  [["good"], ["good-tint"]],
  [CODE, ["paper", "raised", "sunken", "good-tint", "bad-tint"]],
  [ANSI, ["sunken"]],
];

describe.each([":root", ':root[data-theme="dark"]'])("%s", (selector) => {
  const all = tokens(selector);
  const pairs = PAIRS.flatMap(([texts, surfaces]) =>
    texts.flatMap((text) => surfaces.map((surface) => [text, surface] as const)),
  );
  it.each(pairs)("%s can be read on %s", (text, surface) => {
    expect(contrast(all.get(text) ?? "", all.get(surface) ?? "")).toBeGreaterThanOrEqual(4.5);
  });
});
