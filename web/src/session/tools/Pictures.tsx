import { useEffect, useState } from "react";
import { blobUrl } from "@/api/environment";
import type { Picture } from "@/api/types";
import type { ToolBlock } from "@/log/model";
import { Dialog } from "@/ui/Dialog";
import { useSessionPage } from "../context";
import { wordsOf } from "./words";

/** When to look again for a picture that the hub has not got yet, in milliseconds. */
const AGAIN_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000];
/** Where nobody knows how large one is. */
const USUAL = { width: 1280, height: 800 };

/** What a tool call gave to look at, such as screenshots. */
export function Pictures({ tool }: { tool: ToolBlock }) {
  return (
    <div className="flex flex-wrap gap-2 border-t bg-sunken p-2">
      {tool.pictures.map((picture) => (
        <PictureView key={picture.blob} tool={tool} picture={picture} />
      ))}
    </div>
  );
}

function PictureView({ tool, picture }: { tool: ToolBlock; picture: Picture }) {
  const { id } = useSessionPage();
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<"loading" | "there" | "missing">("loading");
  const [large, setLarge] = useState(false);
  const wait = AGAIN_MS[attempt];

  useEffect(() => {
    if (state !== "missing" || wait === undefined) return;
    const timer = setTimeout(() => {
      setAttempt((before) => before + 1);
      setState("loading");
    }, wait);
    return () => clearTimeout(timer);
  }, [state, wait]);

  const url = blobUrl(id, picture.blob);
  const { width, height } =
    picture.width && picture.height ? { width: picture.width, height: picture.height } : USUAL;
  const { object } = wordsOf(tool);
  const alt = `Picture from ${tool.tool}${object && object !== tool.tool ? `: ${object}` : ""}`;
  return (
    <>
      <button
        type="button"
        data-testid="tool-picture"
        data-state={state}
        disabled={state !== "there"}
        aria-label={`${alt}. Enlarge`}
        title="Enlarge"
        onClick={() => setLarge(true)}
        className="relative max-w-full overflow-hidden rounded-md border bg-raised enabled:cursor-zoom-in"
        style={{ aspectRatio: `${width} / ${height}`, height: Math.min(240, height) }}
      >
        {state !== "there" && (
          <span className="absolute inset-0 grid place-items-center p-2 text-12 text-ink-3">
            {state === "missing" && wait === undefined
              ? "The picture is not there"
              : "The picture is on its way"}
          </span>
        )}
        {state !== "missing" && (
          <img
            key={attempt}
            src={attempt === 0 ? url : `${url}?again=${attempt}`}
            alt={alt}
            width={width}
            height={height}
            decoding="async"
            onLoad={() => setState("there")}
            onError={() => setState("missing")}
            className={`size-full object-contain ${state === "there" ? "" : "opacity-0"}`}
          />
        )}
      </button>
      <Dialog open={large} onClose={() => setLarge(false)} title={object || tool.tool} wide="most">
        <a href={url} target="_blank" rel="noreferrer" title="Open in a tab of its own">
          <img
            src={url}
            alt={alt}
            width={width}
            height={height}
            className="mx-auto h-auto max-w-full"
          />
        </a>
      </Dialog>
    </>
  );
}
