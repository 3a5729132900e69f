import { expect, it } from "vitest";
import { until } from "./time";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

it.each([
  [-DAY, "now"],
  [20_000, "now"],
  [40 * MINUTE, "in 40 min"],
  [59.4 * MINUTE, "in 59 min"],
  [59.6 * MINUTE, "in 1 h"],
  [5 * 60 * MINUTE, "in 5 h"],
  [23.6 * 60 * MINUTE, "in a day"],
  [7 * DAY, "in 7 days"],
  [60 * DAY, "on 31 Jul"],
  [400 * DAY, "on 6 Jul 2027"],
])("says of a time that is %d ms ahead: %s", (ms, words) => {
  expect(until(new Date(NOW + ms).toISOString(), NOW)).toBe(words);
});
