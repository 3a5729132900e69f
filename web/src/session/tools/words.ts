import {
  ArrowRightLeft,
  FilePen,
  FileText,
  FileX,
  Globe,
  ListTodo,
  type LucideIcon,
  MessageCircleQuestion,
  Search,
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

/** Icon, verb and object of a tool call's one line. */
export function wordsOf(tool: ToolBlock): { Icon: LucideIcon; verb: string; object: string } {
  const { Icon, doing, did } = BY_KIND[tool.toolKind];
  const done = tool.status === "completed" || tool.status === "failed" || tool.status === "stopped";
  const wrote = tool.toolKind === "edit" && tool.tool === "write";
  const verb = wrote ? (done ? "Wrote" : "Writing") : done ? did : doing;
  const title = tool.title || tool.tool;
  const object = tool.toolKind === "other" && title !== tool.tool ? `${tool.tool} ${title}` : title;
  return { Icon, verb, object: object.replace(/^\/workspace\//, "") };
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
