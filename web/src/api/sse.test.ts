// @vitest-environment jsdom
import { expect, it } from "vitest";
import { Parser } from "./sse";

const STREAM =
  ': hello\n\nid: 7\nevent: stage\ndata: {"a":\ndata: 1}\n\nevent: x\r\ndata:y\r\n\r\n';
const MESSAGES = [
  { id: "7", event: "stage", data: '{"a":\n1}' },
  { id: "7", event: "x", data: "y" },
];

it("reads messages, and skips comments", () => {
  expect(new Parser().push(STREAM)).toEqual(MESSAGES);
});

it("reads the same wherever the stream is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new Parser();
    expect([...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))]).toEqual(
      MESSAGES,
    );
  }
});
