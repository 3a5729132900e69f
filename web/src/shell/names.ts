/** `https://host/owner/name.git` → `owner/name`, `/home/ada/tool` → `tool`. */
export function repositoryName(repository: string | null): string {
  if (!repository) return "empty workspace";
  const path = repository.replace(/\/+$/, "").replace(/\.git$/, "");
  const parts = path.split("/").filter(Boolean);
  const isUrl = /^[a-z+]+:\/\//i.test(repository);
  return (isUrl ? parts.slice(2).slice(-2) : parts.slice(-1)).join("/") || repository;
}

/** What people type for a repository, as the hub takes it: `owner/name` is one on GitHub. */
export function repositoryAddress(typed: string): string {
  const wish = typed.trim();
  return /^[\w.-]+\/[\w.-]+$/.test(wish) ? `https://github.com/${wish}` : wish;
}

/** `openai/gpt-5` → `gpt-5`. */
export function modelName(model: string): string {
  return model.slice(model.indexOf("/") + 1) || model;
}
