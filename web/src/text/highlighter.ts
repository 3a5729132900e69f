/** The highlighter itself: loaded when the first code is shown, each grammar when first needed. */
import {
  createCssVariablesTheme,
  createHighlighterCore,
  type GrammarState,
  type HighlighterCore,
} from "shiki/core";
import { createJavaScriptRegexEngine } from "shiki/engine/javascript";

const THEME = "bunkhouse";

const GRAMMARS = {
  bash: () => import("shiki/langs/bash.mjs"),
  c: () => import("shiki/langs/c.mjs"),
  cpp: () => import("shiki/langs/cpp.mjs"),
  css: () => import("shiki/langs/css.mjs"),
  diff: () => import("shiki/langs/diff.mjs"),
  docker: () => import("shiki/langs/docker.mjs"),
  go: () => import("shiki/langs/go.mjs"),
  html: () => import("shiki/langs/html.mjs"),
  ini: () => import("shiki/langs/ini.mjs"),
  java: () => import("shiki/langs/java.mjs"),
  javascript: () => import("shiki/langs/javascript.mjs"),
  json: () => import("shiki/langs/json.mjs"),
  jsx: () => import("shiki/langs/jsx.mjs"),
  kotlin: () => import("shiki/langs/kotlin.mjs"),
  lua: () => import("shiki/langs/lua.mjs"),
  make: () => import("shiki/langs/make.mjs"),
  markdown: () => import("shiki/langs/markdown.mjs"),
  php: () => import("shiki/langs/php.mjs"),
  python: () => import("shiki/langs/python.mjs"),
  ruby: () => import("shiki/langs/ruby.mjs"),
  rust: () => import("shiki/langs/rust.mjs"),
  scss: () => import("shiki/langs/scss.mjs"),
  sql: () => import("shiki/langs/sql.mjs"),
  swift: () => import("shiki/langs/swift.mjs"),
  toml: () => import("shiki/langs/toml.mjs"),
  tsx: () => import("shiki/langs/tsx.mjs"),
  typescript: () => import("shiki/langs/typescript.mjs"),
  xml: () => import("shiki/langs/xml.mjs"),
  yaml: () => import("shiki/langs/yaml.mjs"),
} as const;

const engine = createJavaScriptRegexEngine({ forgiving: true });
const core = createHighlighterCore({
  engine,
  langs: [],
  themes: [createCssVariablesTheme({ name: THEME, variablePrefix: "--code-", fontStyle: false })],
});

export interface Token {
  content: string;
  /** A colour of the page: `var(--code-…)`. */
  color: string | undefined;
}

/** Gives the tokens of each line, and goes on from there when the code has grown at its end. */
export type LineHighlighter = (code: string) => Token[][];

/** Load a grammar; gives a maker of highlighters, one for each piece of code. Null: no such grammar. */
export async function loadLanguage(language: string): Promise<(() => LineHighlighter) | null> {
  const grammar = GRAMMARS[language as keyof typeof GRAMMARS];
  if (!grammar) return null;
  const highlighter = await core;
  await highlighter.loadLanguage(await grammar());
  return () => lineHighlighter(highlighter, language);
}

function lineHighlighter(highlighter: HighlighterCore, language: string): LineHighlighter {
  let done = "";
  let lines: Token[][] = [];
  let state: GrammarState | undefined;

  const tokens = (code: string) => {
    const found = highlighter.codeToTokensBase(code, {
      lang: language,
      theme: THEME,
      ...(state ? { grammarState: state } : {}),
    });
    return {
      lines: found.map((line) => line.map(({ content, color }) => ({ content, color }))),
      state: highlighter.getLastGrammarState(found),
    };
  };

  return (code) => {
    if (!code.startsWith(done)) {
      done = "";
      lines = [];
      state = undefined;
    }
    // Whole lines are done for good; the last one may still grow.
    const end = code.lastIndexOf("\n") + 1;
    if (end > done.length) {
      const added = tokens(code.slice(done.length, end - 1));
      lines = [...lines, ...added.lines];
      state = added.state;
      done = code.slice(0, end);
    }
    return [...lines, ...tokens(code.slice(end)).lines];
  };
}
