import { expect, it } from "vitest";
import { parseAnsi } from "./ansi";

const ESC = "\u001b";
const words = (text: string) =>
  parseAnsi(text)
    .map((span) => span.text)
    .join("");

it("takes colours and leaves the words", () => {
  const spans = parseAnsi(`a ${ESC}[1;31mred${ESC}[0m b`);
  expect(spans.map((span) => [span.text, span.color, span.bold])).toEqual([
    ["a ", null, false],
    ["red", "red", true],
    [" b", null, false],
  ]);
});

it("drops what moves cursors, titles and links", () => {
  expect(words(`${ESC}]0;title\u0007${ESC}[2K${ESC}[?25lok${ESC}]8;;x${ESC}\\!`)).toBe("ok!");
});

it("shows what a progress bar came to", () => {
  expect(words("10%\r50%\r100%\r\ndone\r\n")).toBe("100%\ndone\n");
});

it("reads the first sixteen of 256 colours and skips true colour", () => {
  expect(parseAnsi(`${ESC}[38;5;2mx`)[0]?.color).toBe("green");
  expect(parseAnsi(`${ESC}[38;2;1;2;3mx`)[0]).toMatchObject({ color: null, bold: false });
});
