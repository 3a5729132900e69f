import { expect, it } from "vitest";
import { fileText } from "./file-text";

it("takes the numbers away", () => {
  const output =
    "<path>/workspace/a.py</path>\n<type>file</type>\n<content>\n7: import os\n8: \n9: x = 1\n\n(End of file - total 9 lines)\n</content>";
  expect(fileText(output)).toEqual({ text: "import os\n\nx = 1", first: 7 });
});

it("leaves a text alone that has none", () => {
  expect(fileText("a\nb\n10: c")).toEqual({ text: "a\nb\n10: c", first: 1 });
});
