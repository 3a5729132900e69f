import { Download, Ellipsis } from "lucide-react";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem } from "@/ui/Menu";
import { useSessionPage } from "./context";

/** What one seldom wants of a session, and then at once. */
export function More() {
  const { id } = useSessionPage();
  const take = (format: string) => {
    // The hub answers with a file, so the page stays where it is.
    window.location.assign(`/api/sessions/${encodeURIComponent(id)}/export?format=${format}`);
  };
  return (
    <Menu
      align="end"
      trigger={
        <IconButton label="More" data-testid="session-more">
          <Ellipsis size={16} />
        </IconButton>
      }
    >
      <MenuItem onSelect={() => take("markdown")}>
        <Download size={14} /> Export as Markdown
      </MenuItem>
      <MenuItem onSelect={() => take("jsonl")}>
        <Download size={14} /> Export as JSON lines
      </MenuItem>
    </Menu>
  );
}
