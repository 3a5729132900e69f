/**
 * Completes the lock file: `npm run lock`.
 *
 * A mirror that does not carry a package for some other platform leaves it out of the lock, and
 * `npm ci` then refuses the lock everywhere. Each such package is named here with the version that
 * is asked for and the platform that its name tells; where it can't be used it is never fetched.
 */
import { readFileSync, writeFileSync } from "node:fs";

const FILE = `${import.meta.dirname}/../package-lock.json`;
const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const PROCESSORS = [
  "arm",
  "arm64",
  "ia32",
  "loong64",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
];

const lock = JSON.parse(readFileSync(FILE, "utf8"));
for (const [place, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  if (place === "") continue;
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (lock.packages[`node_modules/${name}`] || lock.packages[`${place}/node_modules/${name}`])
      continue;
    const words = name.split(/[/-]/);
    const cpu = PROCESSORS.filter((word) =>
      words.some((w) => w === word || w === `${word}v7` || w.startsWith(`${word}_`)),
    );
    const os = SYSTEMS.filter((word) => words.includes(word));
    if (cpu.length === 0 && os.length === 0) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(cpu.length > 0 ? { cpu } : {}),
      ...(dev ? { dev } : {}),
      optional: true,
      ...(os.length > 0 ? { os } : {}),
    };
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
);
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
