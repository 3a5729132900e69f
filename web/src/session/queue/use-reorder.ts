import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";

interface Drag {
  id: string;
  from: number;
  to: number;
}

/** Moves the rows of a list, by a handle in each: dragged with a mouse or a thumb, or by arrow keys. */
export function useReorder(move: (id: string, to: number) => void) {
  const list = useRef<HTMLOListElement>(null);
  const [drag, setDrag] = useState<Drag | null>(null);

  const rowAt = (y: number): number => {
    const rows = [...(list.current?.children ?? [])];
    const below = rows.findIndex((row) => y < row.getBoundingClientRect().bottom);
    return below < 0 ? rows.length - 1 : below;
  };

  const handle = (id: string, index: number) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      setDrag({ id, from: index, to: index });
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (drag?.id === id) setDrag({ ...drag, to: rowAt(event.clientY) });
    },
    onPointerUp: () => {
      if (drag?.id === id && drag.to !== drag.from) move(id, drag.to);
      setDrag(null);
    },
    onPointerCancel: () => setDrag(null),
    onKeyDown: (event: KeyboardEvent<HTMLElement>) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      move(id, index + step);
    },
  });

  return { list, drag, handle };
}
