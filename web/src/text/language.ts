const BY_EXTENSION: Record<string, string> = {
  bash: "bash",
  c: "c",
  cc: "cpp",
  cfg: "ini",
  cjs: "javascript",
  conf: "ini",
  cpp: "cpp",
  css: "css",
  cts: "typescript",
  diff: "diff",
  dockerfile: "docker",
  go: "go",
  h: "c",
  hpp: "cpp",
  htm: "html",
  html: "html",
  ini: "ini",
  java: "java",
  js: "javascript",
  json: "json",
  jsonc: "json",
  jsx: "jsx",
  kt: "kotlin",
  kts: "kotlin",
  lua: "lua",
  make: "make",
  makefile: "make",
  md: "markdown",
  mjs: "javascript",
  mk: "make",
  mts: "typescript",
  patch: "diff",
  php: "php",
  py: "python",
  pyi: "python",
  rb: "ruby",
  rs: "rust",
  scss: "scss",
  sh: "bash",
  sql: "sql",
  svg: "xml",
  swift: "swift",
  toml: "toml",
  ts: "typescript",
  tsx: "tsx",
  xml: "xml",
  yaml: "yaml",
  yml: "yaml",
  zsh: "bash",
};

const BY_NAME: Record<string, string> = {
  console: "bash",
  golang: "go",
  rust: "rust",
  shell: "bash",
  shellscript: "bash",
};

/** The grammar for a file, by its name; null where we have none. */
export function languageOfPath(path: string): string | null {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return BY_EXTENSION[name.slice(name.lastIndexOf(".") + 1)] ?? null;
}

/** The grammar for the word behind a fence (` ```py `). Unknown words may be names of grammars. */
export function languageOfFence(word: string): string {
  const lower = word.toLowerCase();
  return BY_NAME[lower] ?? BY_EXTENSION[lower] ?? lower;
}
