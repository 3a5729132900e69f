"""The one look of all pages that the hub writes itself; each carries all it needs.

The colours are those of the client (`web/src/styles/tokens.css`): who is sent from one to the
other sees one house.
"""

import html

_DOCUMENT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title} · Bunkhouse</title>
<style>
:root {{ --ground: #f3efe7; --raised: #fff; --hover: #ece6da; --line: #e6dfd2;
  --line-strong: #cfc6b6; --ink: #26211b; --ink-2: #554d43; --accent: #e9a53f;
  --accent-hover: #f0b255; --accent-ink: #251a08; --accent-text: #8a5606;
  color-scheme: light dark; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ground: #14110d; --raised: #25211b; --hover: #2e2922; --line: #322d26;
    --line-strong: #4d463b; --ink: #ede7dd; --ink-2: #c0b7a9; --accent: #efb04c;
    --accent-hover: #f5be66; --accent-ink: #221806; --accent-text: #f0b95f; }}
}}
* {{ box-sizing: border-box; }}
body {{ display: grid; place-items: center; min-height: 100dvh; margin: 0; padding: 1.5rem;
  font: 15px/1.5 "Source Sans 3 Variable", "Source Sans 3", system-ui, sans-serif;
  color: var(--ink); background: var(--ground); }}
main {{ width: 100%; max-width: 28rem; padding: 1.5rem; overflow-wrap: anywhere;
  background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }}
header {{ display: flex; align-items: center; gap: .625rem; font-weight: 600; }}
h1 {{ font-size: 18px; font-weight: 600; margin: 1.5rem 0 .5rem; }}
p {{ margin: .5rem 0; color: var(--ink-2); }}
a {{ color: var(--accent-text); text-underline-offset: .2em; }}
label {{ display: block; margin-top: 1.25rem; font-weight: 600; }}
input, button, .way {{ display: block; width: 100%; height: 2.5rem; padding: 0 .75rem;
  font: inherit; color: inherit; background: none; border: 1px solid var(--line-strong);
  border-radius: 6px; }}
input {{ margin-top: .375rem; }}
button, .way {{ margin-top: .75rem; line-height: 2.4rem; font-weight: 600; text-align: center;
  text-decoration: none; cursor: pointer; }}
.way:hover {{ background: var(--hover); }}
button {{ color: var(--accent-ink); background: var(--accent); border-color: transparent; }}
button:hover {{ background: var(--accent-hover); }}
:focus-visible {{ outline: 2px solid var(--accent-text); outline-offset: 2px; }}
code {{ font: .9em "JetBrains Mono Variable", ui-monospace, monospace; padding: .1em .3em;
  border: 1px solid var(--line); border-radius: 4px; }}
.waits::before {{ content: ""; display: inline-block; width: .5em; height: .5em;
  margin-right: .6em; border-radius: 50%; background: var(--accent);
  animation: waits 1.6s ease-in-out infinite; }}
@keyframes waits {{ 50% {{ opacity: .2; }} }}
@media (prefers-reduced-motion: reduce) {{ .waits::before {{ animation: none; }} }}
</style>
<main>
<header><svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" fill="none"
stroke-width="2.6" stroke-linecap="round"><path d="M5 5v22M27 5v22M5 12.5h22M5 24h22"
stroke="currentColor"/><path d="M11.7 8.9h8.6" stroke="var(--accent)" stroke-width="3.4"/><path
d="M11.7 20.3h8.6" stroke="currentColor" stroke-width="3.4" opacity=".35"/></svg>Bunkhouse</header>
<h1>{title}</h1>
{body}
</main>
{script}
</html>
"""


def document(title: str, *body: str, script: str = "", nonce: str = "") -> str:
    """Make a page of a title in plain text, and parts in HTML; `script` runs by its `nonce`."""
    return _DOCUMENT.format(
        title=html.escape(title),
        body="\n".join(part for part in body if part),
        script=f'<script nonce="{nonce}">{script}</script>' if script else "",
    )


def paragraph(text: str | None) -> str:
    """Make a paragraph of plain text, where words between backticks are shown as code."""
    if not text:
        return ""
    parts = html.escape(text).split("`")
    coded = (f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
    return f"<p>{''.join(coded)}</p>"


def link(words: str, path: str, *, kind: str = "") -> str:
    """Make a link to a path of ours; `kind` is its class."""
    classed = f' class="{kind}"' if kind else ""
    return f'<a{classed} href="{html.escape(path)}">{html.escape(words)}</a>'
