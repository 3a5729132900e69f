import {
  ArrowRightLeft,
  FilePen,
  FileText,
  FileX,
  GitPullRequest,
  Globe,
  Image as ImageIcon,
  Keyboard,
  ListTodo,
  LogOut,
  type LucideIcon,
  MessageCircleQuestion,
  MousePointerClick,
  ScanEye,
  Search,
  Split,
  Terminal,
  Wrench,
} from "lucide-react";
import type { ToolBlock } from "@/log/model";

interface Words {
  Icon: LucideIcon;
  doing: string;
  did: string;
}

const BY_KIND: Record<ToolBlock["toolKind"], Words> = {
  read: { Icon: FileText, doing: "Reading", did: "Read" },
  edit: { Icon: FilePen, doing: "Editing", did: "Edited" },
  delete: { Icon: FileX, doing: "Deleting", did: "Deleted" },
  move: { Icon: ArrowRightLeft, doing: "Moving", did: "Moved" },
  search: { Icon: Search, doing: "Searching", did: "Searched" },
  execute: { Icon: Terminal, doing: "Running", did: "Ran" },
  think: { Icon: ListTodo, doing: "Planning", did: "Planned" },
  fetch: { Icon: Globe, doing: "Fetching", did: "Fetched" },
  question: { Icon: MessageCircleQuestion, doing: "Asking", did: "Asked" },
  other: { Icon: Wrench, doing: "Calling", did: "Called" },
};

/** Tools whose own name says more than their kind. */
const BY_NAME: Record<string, Words> = {
  write: { Icon: FilePen, doing: "Writing", did: "Wrote" },
  browser_navigate: { Icon: Globe, doing: "Opening", did: "Opened" },
  browser_navigate_back: { Icon: Globe, doing: "Going back to", did: "Went back to" },
  browser_click: { Icon: MousePointerClick, doing: "Clicking", did: "Clicked" },
  browser_hover: { Icon: MousePointerClick, doing: "Pointing at", did: "Pointed at" },
  browser_select_option: { Icon: MousePointerClick, doing: "Choosing in", did: "Chose in" },
  browser_type: { Icon: Keyboard, doing: "Typing", did: "Typed" },
  browser_press_key: { Icon: Keyboard, doing: "Pressing", did: "Pressed" },
  browser_snapshot: { Icon: ScanEye, doing: "Reading", did: "Read" },
  bunkhouse_end_session: { Icon: LogOut, doing: "Ending", did: "Ended" },
  bunkhouse_open_pull_request: { Icon: GitPullRequest, doing: "Publishing", did: "Published" },
  bunkhouse_post_screenshot: { Icon: ImageIcon, doing: "Showing", did: "Showed" },
  bunkhouse_pull_request_status: { Icon: GitPullRequest, doing: "Reading", did: "Read" },
  bunkhouse_read_session: { Icon: Split, doing: "Reading session", did: "Read session" },
  bunkhouse_start_session: { Icon: Split, doing: "Starting", did: "Started" },
  browser_take_screenshot: { Icon: ScanEye, doing: "Looking at", did: "Looked at" },
};

/** Icon, verb and object of a tool call's one line. */
export function wordsOf(tool: ToolBlock): { Icon: LucideIcon; verb: string; object: string } {
  const named = BY_NAME[tool.tool];
  const { Icon, doing, did } = named ?? BY_KIND[tool.toolKind];
  const done = tool.status === "completed" || tool.status === "failed" || tool.status === "stopped";
  const title = tool.title || tool.tool;
  const bare = named || tool.toolKind !== "other" || title === tool.tool;
  const object = bare ? title : `${tool.tool} ${title}`;
  return { Icon, verb: done ? did : doing, object: object.replace(/^\/workspace\//, "") };
}

/** "Read 14 files, searched 3 times" */
export function readsInWords(tools: readonly ToolBlock[]): string {
  const searches = tools.filter((tool) => tool.toolKind === "search").length;
  const files = new Set(tools.filter((tool) => tool.toolKind === "read").map((tool) => tool.title))
    .size;
  const parts: string[] = [];
  if (files > 0) parts.push(`read ${files} ${files === 1 ? "file" : "files"}`);
  if (searches > 0) parts.push(`searched ${searches === 1 ? "once" : `${searches} times`}`);
  const words = parts.join(", ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
