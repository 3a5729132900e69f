import { expect, it } from "vitest";
import type { RepositorySettings } from "@/api/types";
import { draftOf, inWords, saidBy, sameRepository } from "./repository-draft";

const ALL: RepositorySettings = {
  repository: "https://example.org/a/b",
  reads_file: false,
  model: "demo/demo",
  commands: ["uv sync", "npm ci"],
  seconds: 60,
  environment: { A: "1", URL: "x=y" },
  egress: ["api.example.org"],
  updated_at: "2026-01-01T00:00:00Z",
  updated_by: "Ada",
};

it("says what is kept, and what it shows is what it says", () => {
  const { repository: _, updated_at: _at, updated_by: _by, ...said } = ALL;
  expect(saidBy(draftOf(ALL))).toEqual(said);
});

it("says nothing where nothing is filled in, and no commands where that is meant", () => {
  const nothing = { model: null, commands: null, seconds: null, environment: null, egress: null };
  expect(saidBy(draftOf(null))).toEqual({ reads_file: true, ...nothing });
  const none = saidBy({ ...draftOf(null), ownCommands: true });
  expect(none).toEqual({ reads_file: true, ...nothing, commands: [] });
});

it("names a line that is no variable", () => {
  expect(saidBy({ ...draftOf(null), environment: "A=1\n=2" })).toBe("“=2” is not NAME=value.");
});

it("says all in one line", () => {
  expect(inWords(ALL)).toBe(
    "its own file is not read · model demo/demo · 2 commands · 2 variables · may reach api.example.org",
  );
});

it("knows a repository by its spellings", () => {
  expect(sameRepository("https://github.com/A/b.git", "http://github.com/a/b/")).toBe(true);
  expect(sameRepository("/a/b", "/a/c")).toBe(false);
});
