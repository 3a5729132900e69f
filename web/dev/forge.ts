/**
 * A forge made up for `replay-hub.ts`. `REPLAY_GRANT`: `given` (the default), `missing`, `revoked`,
 * or `failing` (given, and the forge wants no more calls).
 */
import type { Repositories, Repository, Topic } from "../src/api/types";

const AT = "https://github.com";
const HOUR = 3_600_000;

const OWN: [name: string, is_private: boolean, description: string | null, hours: number][] = [
  ["acme/ledger", true, "Double-entry bookkeeping for the shops", 2],
  ["acme/storefront", true, "What customers see", 20],
  ["ada/dotfiles", false, null, 90],
  ["ada/notes-on-the-analytical-engine", false, "Translated, with notes by the translator", 800],
];

const FURTHER: typeof OWN = [["astral/ledger-tools", false, "Tools around plain-text ledgers", 5]];

const repository = ([name, is_private, description, hours]: (typeof OWN)[number]): Repository => ({
  name,
  url: `${AT}/${name}`,
  private: is_private,
  default_branch: "main",
  description,
  pushed_at: new Date(Date.now() - hours * HOUR).toISOString(),
  may_push: true,
  recent: name === "acme/ledger",
});

const FOLDER: Repository = {
  name: "parser",
  url: "/home/ada/experiments/parser",
  private: null,
  default_branch: null,
  description: null,
  pushed_at: null,
  may_push: null,
  recent: true,
};

const topic = (number: number, title: string, author: string, branch: string | null): Topic => ({
  number,
  title,
  author,
  url: `${AT}/acme/ledger/issues/${number}`,
  branch,
});

const ISSUES = [
  topic(214, "Amounts with a comma are read as thousands", "ben", null),
  topic(207, "The monthly report counts refunds of the last day twice", "chioma", null),
];
const PULLS = [topic(211, "Read amounts by the locale of the shop", "ben", "fix/amounts")];

export function repositories(what: string | undefined, url: URL): unknown {
  if (what === "issues") return { items: ISSUES, next: null };
  if (what === "pull-requests") return { items: PULLS, next: null };
  const wish = process.env.REPLAY_GRANT ?? "given";
  const q = url.searchParams.get("q") ?? "";
  const reached = wish === "given" ? [...OWN, ...(q ? FURTHER : [])].map(repository) : [];
  const answer: Repositories = {
    items: [FOLDER, ...reached]
      .filter(({ name }) => name.includes(q))
      .sort((a, b) => Number(b.recent) - Number(a.recent)),
    forges: [
      {
        kind: "github",
        host: "github.com",
        url: AT,
        grant: wish === "missing" || wish === "revoked" ? wish : "given",
        problem: wish === "given" ? null : "GitHub takes no more calls for you now.",
        remedy: wish === "given" ? null : "Try again in 40 s.",
      },
    ],
  };
  return answer;
}
