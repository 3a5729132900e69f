import { expect, it } from "vitest";
import { initials, typingWords } from "./Initials";

it.each([
  ["Ada Lovelace", "AL"],
  ["ada", "A"],
  ["ada.lovelace", "AL"],
  ["Ada King Lovelace", "AL"],
  ["émile", "É"],
  ["🦀 crab", "🦀C"],
  ["  ", "?"],
])("shortens %j to %j", (name, short) => {
  expect(initials(name)).toBe(short);
});

it("says who types", () => {
  const person = (name: string, typing = true) => ({ id: name, name, typing });
  expect(typingWords([])).toBe(null);
  expect(typingWords([person("Ada", false)])).toBe(null);
  expect(typingWords([person("Ada Lovelace"), person("Ben", false)])).toBe("Ada types…");
  expect(typingWords([person("Ada"), person("Ben")])).toBe("Ada and Ben type…");
  expect(typingWords([person("Ada"), person("Ben"), person("Chi")])).toBe("3 people type…");
});
