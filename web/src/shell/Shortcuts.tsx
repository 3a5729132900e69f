import { Dialog } from "@/ui/Dialog";
import { Kbd } from "@/ui/Kbd";

const SHEET: [string, [string, string[]][]][] = [
  [
    "Everywhere",
    [
      ["Find a session or an action", ["Ctrl+K"]],
      ["New session", ["N"]],
      ["Session below, above", ["J", "K"]],
      ["This sheet", ["?"]],
    ],
  ],
  [
    "In a session",
    [
      ["Send, or queue while it works", ["Ctrl+Enter"]],
      ["Send now, into the running turn", ["Ctrl+Shift+Enter"]],
      ["Stop the turn, or the set-up", ["Esc"]],
      ["Write", ["/"]],
      ["Pause and drive, hand back", ["Alt+P"]],
      ["To the start", ["Home"]],
      ["To the end", ["End"]],
      ["Rename", ["E"]],
      ["Share", ["S"]],
    ],
  ],
  [
    "Panes",
    [
      ["Changes, editor, browser", ["C", "V", "B"]],
      ["Terminal, preview, details", ["T", "P", "D"]],
      ["Full window, and back", ["F", "Esc"]],
      ["Out of a terminal or the browser", ["Ctrl+F6"]],
    ],
  ],
  [
    "When it asks",
    [
      ["Allow once", ["Alt+Y"]],
      ["Always allow", ["Alt+Shift+Y"]],
      ["Reject", ["Alt+N"]],
      ["Send the answers", ["Ctrl+Enter"]],
    ],
  ],
];

/** All the keys there are. */
export function Shortcuts({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Shortcuts" wide>
      <div className="grid gap-x-10 gap-y-5 sm:grid-cols-2">
        {SHEET.map(([title, rows]) => (
          <section key={title}>
            <h3 className="mb-1 text-13 text-ink-3">{title}</h3>
            <dl>
              {rows.map(([what, keys]) => (
                <div
                  key={what}
                  className="flex items-center justify-between gap-4 border-b py-1.5 text-13 last:border-0"
                >
                  <dt>{what}</dt>
                  <dd className="flex gap-1">
                    {keys.map((key) => (
                      <span key={key} className="rounded-md border bg-sunken px-1.5">
                        <Kbd keys={key} always />
                      </span>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
