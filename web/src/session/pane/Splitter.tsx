import type { PointerEvent } from "react";

const STEP = 32;

/** The line between transcript and pane: to be dragged, or moved by the arrow keys. */
export function Splitter({
  width,
  min,
  max,
  onChange,
  onDragged,
}: {
  width: number;
  min: number;
  max: number;
  onChange: (width: number) => void;
  onDragged: (dragged: boolean) => void;
}) {
  const set = (next: number) => onChange(Math.min(max, Math.max(min, Math.round(next))));
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (event.currentTarget.hasPointerCapture(event.pointerId))
      set(window.innerWidth - event.clientX);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that can be moved is no <hr>
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the pane"
      aria-valuenow={width}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        onDragged(true);
      }}
      onLostPointerCapture={() => onDragged(false)}
      onPointerMove={drag}
      onDoubleClick={() => set(Math.round(window.innerWidth * 0.42))}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") set(width + STEP);
        if (event.key === "ArrowRight") set(width - STEP);
      }}
      className="relative z-10 -mx-1 w-2 shrink-0 cursor-col-resize touch-none after:absolute after:inset-y-0 after:left-1 after:w-px after:bg-line hover:after:bg-line-strong active:after:bg-accent"
    />
  );
}
