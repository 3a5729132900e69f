import { expect, test } from "vitest";
import { endsOf } from "./long-output";

test("a long output is taken apart at the line that counts what is missing", () => {
  const output = "a\n… 3 bytes left out …\nb\n… 1,234,567 bytes left out …\nc\n";
  expect(endsOf(output, 1_234_567)).toEqual({ head: "a\n… 3 bytes left out …\nb", tail: "c\n" });
});

test("without that line it stays as it is", () => {
  expect(endsOf("a\n… 3 bytes left out …\nb", 0)).toBeNull();
  expect(endsOf("a\n… 3 bytes left out …\nb", 4)).toBeNull();
});
