/** Settings of repositories made up for `replay-hub.ts`: what an admin says, and a set-up that failed. */
import type { RepositorySettings, SessionSettings } from "../src/api/types";
import { call, type Step, stage, state } from "./steps.ts";

export const ENTRIES: RepositorySettings[] = [
  {
    repository: "https://github.com/acme/storefront",
    reads_file: true,
    model: "demo/demo",
    commands: ["npm ci", "npm run generate"],
    seconds: 900,
    environment: { DATABASE_URL: "sqlite:///dev.db" },
    egress: ["api.example.com", "*.example.org"],
    updated_at: new Date(Date.now() - 3_600_000).toISOString(),
    updated_by: "Ada",
  },
  {
    repository: "/home/ada/experiments/parser",
    reads_file: false,
    model: null,
    commands: null,
    seconds: null,
    environment: null,
    egress: null,
    updated_at: new Date(Date.now() - 90_000_000).toISOString(),
    updated_by: "Ada",
  },
];

const TROUBLE =
  "`.bunkhouse/config.toml`, line 6: `environment.PATH` can't be set: the sandbox's own programs rely on it.";

export const OF_SESSION: SessionSettings = {
  file: "in_part",
  troubles: [TROUBLE],
  model: "demo/demo",
  model_source: "person",
  commands: ["uv sync", "npm ci --no-audit"],
  commands_source: "file",
  seconds: 1800,
  environment: [
    { name: "DATABASE_URL", value: "sqlite:///dev.db", source: "file" },
    { name: "LOCALE", value: "de_DE.UTF-8", source: "admin" },
  ],
  egress: ["api.example.com", "rates.example.net"],
  egress_refused: ["rates.example.net"],
  egress_allowed: ["api.example.com"],
};

const { environment, troubles: _, egress_allowed: __, ...told } = OF_SESSION;
const names = environment.map(({ name, source }) => ({ name, source }));

/** From a clone to a session that can be used although its set-up failed. */
export const setUp: Step[] = [
  state("queued", "starting"),
  stage(10, "container", "started"),
  stage(420, "container", "done", { ms: 420 }),
  stage(5, "connect", "done", { ms: 180 }),
  stage(5, "clone", "started"),
  stage(5, "agent", "started"),
  stage(900, "clone", "done", { ms: 900, detail: "main at 4f2c91e" }),
  [
    5,
    {
      type: "error",
      code: "config_invalid",
      message: TROUBLE,
      remedy: "The session goes on without that. Correct the file, and start a new session.",
    },
  ],
  [
    5,
    {
      type: "notice",
      code: "egress_asked",
      message:
        "The repository asks to reach rates.example.net, which is not allowed here. An admin may allow it at Settings → Repositories.",
    },
  ],
  [5, { type: "repository_configured", ...told, environment: names }],
  stage(5, "commands", "started"),
  ...call({
    tool: "setup",
    kind: "execute",
    title: "uv sync",
    input: { command: "uv sync" },
    output: "Resolved 42 packages in 310ms\nInstalled 42 packages in 1.20s\n",
    ms: 1800,
  }),
  stage(5, "agent", "done", { ms: 3160 }),
  ...call({
    tool: "setup",
    kind: "execute",
    title: "npm ci --no-audit",
    input: { command: "npm ci --no-audit" },
    output: "npm error code ERESOLVE\nnpm error ERESOLVE could not resolve\n",
    ms: 900,
    fails: 1,
  }),
  [
    5,
    {
      type: "error",
      code: "set_up_failed",
      message:
        "The repository's set-up command `npm ci --no-audit` did not finish. It ended with exit code 1.",
      remedy:
        "The session can be used. The agent is told with the next prompt; the set-up can be run again from the details of the session.",
    },
  ],
  stage(5, "commands", "failed", {
    ms: 2700,
    detail: "`npm ci --no-audit`: It ended with exit code 1.",
  }),
  state("starting", "idle"),
];
