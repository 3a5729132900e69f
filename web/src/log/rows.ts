/** How a transcript's blocks are laid out: one row for each thing that is read as one. */
import type { Block, ToolBlock } from "./model";

/** Where a tool's line stands among those around it: they share one card. */
export type Run = "only" | "first" | "middle" | "last";

export type Row =
  | { kind: "block"; key: string; block: Exclude<Block, ToolBlock> }
  | { kind: "tool"; key: string; block: ToolBlock; run: Run }
  | { kind: "reads"; key: string; tools: readonly ToolBlock[]; run: Run }
  | { kind: "undone"; key: string; prompts: number; open: boolean };

/** So many reads and searches on end are one line. */
const MANY = 3;

const NONE: ReadonlySet<string> = new Set();

/**
 * Lay out blocks. Rows of `before` that would come out the same are taken over as they are.
 *
 * What is undone is one line, behind which the rest comes where the reader wants it (`opened`).
 */
export function layOut(
  blocks: readonly Block[],
  before: readonly Row[] = [],
  opened: ReadonlySet<string> = NONE,
): Row[] {
  const known = new Map(before.map((row) => [row.key, row]));
  const rows: Row[] = [];
  let undoneTo = 0;
  for (let index = 0; index < blocks.length; index++) {
    const block = blocks[index];
    if (!block || isHidden(block)) continue;
    if (block.undone && index >= undoneTo) {
      undoneTo = endOfUndone(blocks, index);
      const undone = blocks.slice(index, undoneTo);
      const key = `undone:${undone.at(-1)?.key}`;
      const open = opened.has(key);
      const prompts = undone.filter(({ kind }) => kind === "prompt").length;
      rows.push({ kind: "undone", key, prompts, open });
      if (!open) {
        index = undoneTo - 1;
        continue;
      }
    }
    if (block.kind !== "tool") {
      rows.push({ kind: "block", key: block.key, block });
      continue;
    }
    const reads = readsFrom(blocks, index);
    if (reads.length >= MANY) {
      rows.push({ kind: "reads", key: `reads:${block.key}`, tools: reads, run: "only" });
      index += reads.length - 1;
    } else {
      rows.push({ kind: "tool", key: block.key, block, run: "only" });
    }
  }
  return rows.map((row, index) => {
    if (row.kind === "tool" || row.kind === "reads")
      row.run = runOf(rows[index - 1], rows[index + 1]);
    const old = known.get(row.key);
    return old && isSame(old, row) ? old : row;
  });
}

/** What is shown elsewhere (what waits for an answer stands above the composer), or says nothing. */
function isHidden(block: Block): boolean {
  switch (block.kind) {
    case "permission":
      return block.reply === null || block.reply === "void";
    case "question":
      return block.answers === undefined;
    case "tool":
      return block.toolKind === "question" && block.status !== "failed";
    case "message":
    case "thought":
      return block.text.trim() === "";
    default:
      return false;
  }
}

function endOfUndone(blocks: readonly Block[], start: number): number {
  let end = start;
  while (blocks[end]?.undone) end++;
  return end;
}

function readsFrom(blocks: readonly Block[], start: number): ToolBlock[] {
  const reads: ToolBlock[] = [];
  for (let index = start; index < blocks.length; index++) {
    const block = blocks[index];
    if (block?.kind !== "tool" || (block.toolKind !== "read" && block.toolKind !== "search")) break;
    if (block.pictures.length > 0) break;
    reads.push(block);
  }
  return reads;
}

function runOf(above: Row | undefined, below: Row | undefined): Run {
  const joinsAbove = above?.kind === "tool" || above?.kind === "reads";
  const joinsBelow = below?.kind === "tool" || below?.kind === "reads";
  if (joinsAbove) return joinsBelow ? "middle" : "last";
  return joinsBelow ? "first" : "only";
}

function isSame(a: Row, b: Row): boolean {
  if (a.kind === "block") return b.kind === "block" && a.block === b.block;
  if (a.kind === "tool") return b.kind === "tool" && a.block === b.block && a.run === b.run;
  if (a.kind === "undone") {
    return b.kind === "undone" && a.prompts === b.prompts && a.open === b.open;
  }
  return (
    b.kind === "reads" &&
    a.run === b.run &&
    a.tools.length === b.tools.length &&
    a.tools.every((tool, index) => tool === b.tools[index])
  );
}
