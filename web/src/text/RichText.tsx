import { isValidElement, type ReactNode } from "react";
import { type Components, Streamdown } from "streamdown";
import { CodeBlock } from "./CodeBlock";
import { languageOfFence } from "./language";

function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  return isValidElement<{ children?: ReactNode }>(node) ? textOf(node.props.children) : "";
}

/** What a renderer is given that its element shows. */
interface Bare {
  children?: ReactNode;
  node?: unknown;
}

/** A bare element of this name: the prose's style sheet says how it looks. */
function plain(Tag: "p" | "ul" | "ol" | "li" | "blockquote" | "hr" | "strong" | "section") {
  return function Plain({ children }: Bare) {
    return Tag === "hr" ? <hr /> : <Tag>{children}</Tag>;
  };
}

function heading(Tag: "h2" | "h3" | "h4" | "h5" | "h6") {
  return function Heading({ children }: Bare) {
    return <Tag>{children}</Tag>;
  };
}

const components: Components = {
  p: plain("p"),
  ul: plain("ul"),
  ol: plain("ol"),
  li: plain("li"),
  blockquote: plain("blockquote"),
  hr: plain("hr"),
  strong: plain("strong"),
  section: plain("section"),
  // The session's title is the page's first heading.
  h1: heading("h2"),
  h2: heading("h3"),
  h3: heading("h4"),
  h4: heading("h5"),
  h5: heading("h6"),
  h6: heading("h6"),
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
  // Pictures from elsewhere would tell others what is read here; they become links.
  img: ({ src, alt }) => (
    <a href={typeof src === "string" ? src : undefined} target="_blank" rel="noopener noreferrer">
      {alt || "picture"}
    </a>
  ),
  table: ({ children }) => (
    <div className="overflow-x-auto">
      <table>{children}</table>
    </div>
  ),
  thead: ({ children }) => <thead>{children}</thead>,
  tbody: ({ children }) => <tbody>{children}</tbody>,
  tr: ({ children }) => <tr>{children}</tr>,
  th: ({ children }) => <th>{children}</th>,
  td: ({ children }) => <td>{children}</td>,
  inlineCode: ({ children }) => <code>{children}</code>,
  pre: ({ children }) => {
    const code = isValidElement<{ className?: string; children?: ReactNode }>(children)
      ? children.props
      : { className: undefined, children };
    const word = /language-(\S+)/.exec(code.className ?? "")?.[1];
    return (
      <CodeBlock
        code={textOf(code.children).replace(/\n$/, "")}
        language={word ? languageOfFence(word) : null}
      />
    );
  },
};

/** Markdown, also while it is still coming in. */
export default function RichText({ text, streaming }: { text: string; streaming: boolean }) {
  return (
    <Streamdown
      className="contents"
      mode={streaming ? "streaming" : "static"}
      components={components}
      controls={false}
      linkSafety={{ enabled: false }}
    >
      {text}
    </Streamdown>
  );
}
