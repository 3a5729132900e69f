import { describe, expect, it } from "vitest";
import { day, keptWords, size } from "./words";

describe("what sleeping sessions cost", () => {
  it.each([
    [0, "1 KB"],
    [3000, "3 KB"],
    [14_336_000, "14 MB"],
    [1_300_000_000, "1.2 GB"],
    [999.9 * 1024, "1 MB"],
  ])("%d bytes are %s", (bytes, words) => {
    expect(size(bytes)).toBe(words);
  });

  it("says the year only where it is another one", () => {
    const now = new Date("2026-11-25T10:00:00Z");
    expect(day("2026-12-25T10:00:00Z", now)).toBe("25 December");
    expect(day("2027-01-02T10:00:00Z", now)).toBe("2 January 2027");
  });

  it("tells what is kept, and when nothing is", () => {
    const now = new Date("2026-11-25T10:00:00Z");
    const kept = { form: "snapshot", bytes: 2048, until: "2026-12-25T10:00:00Z" } as const;
    expect(keptWords(kept, now)).toBe(
      "Its files and what the agent knows are kept until 25 December. They take 2 KB of disk.",
    );
    expect(keptWords({ form: "sandbox", bytes: null, until: null })).toMatch(/being put away/);
    expect(keptWords(null)).toMatch(/not kept any more/);
  });
});
