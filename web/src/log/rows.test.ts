import { expect, it } from "vitest";
import type { Block, MessageBlock, ToolBlock } from "./model";
import { layOut, type Row } from "./rows";

let count = 0;
const run = (row: Row) => (row.kind === "tool" || row.kind === "reads") && row.run;

function tool(toolKind: ToolBlock["toolKind"], more: Partial<ToolBlock> = {}): ToolBlock {
  const id = `t${++count}`;
  return {
    kind: "tool",
    key: `tool:${id}`,
    id,
    tool: toolKind,
    toolKind,
    title: id,
    status: "completed",
    input: {},
    output: "",
    outputFinal: true,
    outputTruncated: false,
    leftOut: 0,
    wholeOutput: null,
    diff: null,
    pictures: [],
    exitCode: null,
    error: null,
    ms: null,
    at: "",
    lastSeq: 0,
    runs: [],
    by: null,
    ...more,
  };
}

function message(text: string): MessageBlock {
  const messageId = `m${++count}`;
  return {
    kind: "message",
    key: messageId,
    messageId,
    text,
    at: "",
    until: "",
    lastSeq: 0,
    runs: [],
    complete: true,
  };
}

it("makes one line of many reads and searches", () => {
  const blocks = [tool("read"), tool("search"), tool("read"), tool("edit")];
  const rows = layOut(blocks);
  expect(rows.map((row) => [row.kind, run(row)])).toEqual([
    ["reads", "first"],
    ["tool", "last"],
  ]);
});

it("leaves a few reads as they are", () => {
  expect(layOut([tool("read"), tool("read")]).map((row) => row.kind)).toEqual(["tool", "tool"]);
});

it("parts tools where words stand between them", () => {
  const rows = layOut([tool("edit"), message("and"), tool("edit")]);
  expect(rows.map(run)).toEqual(["only", false, "only"]);
});

it("leaves out texts without words, and calls that are shown as questions", () => {
  expect(layOut([message("  \n"), tool("question")])).toEqual([]);
});

it("takes over rows that did not change", () => {
  const blocks: Block[] = [message("a"), tool("read"), tool("read"), tool("read")];
  const before = layOut(blocks);
  const after = layOut([...blocks, message("b")], before);
  expect(after.slice(0, 2).map((row, index) => row === before[index])).toEqual([true, true]);
  const grown = layOut([...blocks, tool("read")], before);
  expect(grown[1]).not.toBe(before[1]);
});

it("puts one line in place of what was undone, and shows it where it is wanted", () => {
  const undone = (block: Block): Block => ({ ...block, undone: "for good" });
  const hidden = undone(message(" "));
  const last = undone(tool("edit"));
  const blocks = [message("a"), hidden, undone(message("b")), last, message("c")];
  const shut = layOut(blocks);
  expect(shut.map((row) => row.kind)).toEqual(["block", "undone", "block"]);
  expect(shut[1]).toEqual({ kind: "undone", key: `undone:${last.key}`, prompts: 0, open: false });
  const open = layOut(blocks, shut, new Set([`undone:${last.key}`]));
  expect(open.map((row) => row.kind)).toEqual(["block", "undone", "block", "tool", "block"]);
  expect(open[0]).toBe(shut[0]);
});
