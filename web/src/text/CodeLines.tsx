import { memo } from "react";
import type { Token } from "./highlighter";

/** The text of one line in its colours. */
export const TokenLine = memo(function TokenLine({
  text,
  tokens,
}: {
  text: string;
  tokens: Token[] | undefined;
}) {
  if (!tokens) return text;
  return tokens.map((token, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no identity but their place
    <span key={index} style={{ color: token.color }}>
      {token.content}
    </span>
  ));
});

/** Code, a line at a time, so that a line that did not change is not drawn anew. */
export function CodeLines({ code, tokens }: { code: string; tokens: Token[][] | null }) {
  const lines = code.split("\n");
  return lines.map((line, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
    <span key={index}>
      <TokenLine text={line} tokens={tokens?.[index]} />
      {index < lines.length - 1 && "\n"}
    </span>
  ));
}
