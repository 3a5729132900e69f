import {
  ArrowLeft,
  ArrowRight,
  Check,
  ExternalLink,
  Link as LinkIcon,
  RotateCw,
  Smartphone,
} from "lucide-react";
import { type FormEvent, useCallback, useEffect, useRef, useState } from "react";
import { environment } from "@/api/environment";
import type { AppView } from "@/api/types";
import type { PortView } from "@/log/model";
import { IconButton } from "@/ui/Button";
import { copyText } from "@/ui/CopyButton";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../../context";
import { Resting } from "../../sleep/Resting";
import { Frame } from "../Frame";
import { PaneNote } from "../ServiceProgress";
import { useSandbox } from "../use-sandbox";

/** What the sandbox serves: a list of what listens, and the page of one of them. */
export default function PreviewPane({ visible }: { visible: boolean }) {
  const { transcript, place, showPane } = useSessionPage();
  const { ready } = useSandbox();
  const { ports } = transcript;
  if (place.port) {
    return (
      <PortPage
        key={place.port}
        port={place.port}
        listens={ports.some((port) => port.port === place.port)}
        visible={visible}
        onBack={() => showPane("preview", { port: undefined })}
      />
    );
  }
  if (!ready) return <Resting />;
  if (ports.length === 0) {
    return (
      <PaneNote>
        <p className="font-semibold">Nothing is being served</p>
        <p className="mt-1 text-13 text-ink-2">
          When something in the sandbox listens on a port, such as a development server, it stands
          here and can be opened.
        </p>
      </PaneNote>
    );
  }
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <p className="px-4 pt-4 pb-2 text-13 text-ink-3">What listens in the sandbox</p>
      <ul className="divide-y border-y">
        {ports.map((port) => (
          <PortRow
            key={port.port}
            port={port}
            onOpen={() => showPane("preview", { port: port.port })}
          />
        ))}
      </ul>
    </div>
  );
}

function PortRow({ port, onOpen }: { port: PortView; onOpen: () => void }) {
  return (
    <li>
      <button
        type="button"
        data-testid="preview-port"
        data-port={port.port}
        onClick={onOpen}
        className="quiet-ring target flex h-11 w-full items-center gap-3 px-4 text-left transition-colors hover:bg-hover"
      >
        <span className="w-14 font-mono text-13 tabular-nums">{port.port}</span>
        <span className="min-w-0 truncate text-13 text-ink-3">{port.process ?? "a program"}</span>
        <span className="ml-auto inline-flex items-center gap-1.5 text-13 text-accent-text">
          Open <ArrowRight size={14} />
        </span>
      </button>
    </li>
  );
}

function PortPage({
  port,
  listens,
  visible,
  onBack,
}: {
  port: number;
  listens: boolean;
  visible: boolean;
  onBack: () => void;
}) {
  const { id } = useSessionPage();
  const { ready } = useSandbox();
  const [path, setPath] = useState("/");
  const [typed, setTyped] = useState("/");
  const [view, setView] = useState<AppView | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [phone, setPhone] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const run = useRef(0);

  const open = useCallback(
    async (to: string) => {
      const mine = ++run.current;
      try {
        const next = await environment.view(id, `${port}`, to);
        if (mine !== run.current) return;
        setView(next);
        setError(null);
      } catch (error) {
        if (mine === run.current) setError(error as Error);
      }
    },
    [id, port],
  );
  const waits = view === null && error === null;
  useEffect(() => {
    // In a sandbox that comes back nothing listens yet, and the old address is used up.
    if (!ready) setView(null);
  }, [ready]);
  useEffect(() => {
    if (visible && ready && waits) void open(path);
  }, [visible, ready, waits, path, open]);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(null), 4000);
    return () => clearTimeout(timer);
  }, [said]);

  const go = (event: FormEvent) => {
    event.preventDefault();
    const next = typed.startsWith("/") ? typed : `/${typed}`;
    setTyped(next);
    setPath(next);
    void open(next);
  };
  const copy = async () => {
    if (!view) return;
    const copied = await copyText(view.link).catch(() => false);
    setSaid(copied ? "Copied. Only those who may see this session can open it." : view.link);
  };

  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div className="flex h-11 shrink-0 items-center gap-0.5 border-b px-2">
        <IconButton label="All ports" onClick={onBack}>
          <ArrowLeft size={15} />
        </IconButton>
        <IconButton label="Load again" disabled={!ready} onClick={() => void open(path)}>
          <RotateCw size={14} />
        </IconButton>
        <form
          onSubmit={go}
          className="mx-1 flex h-8 min-w-0 flex-1 items-center rounded-md border bg-sunken px-2 font-mono text-12 focus-within:border-ink-3"
        >
          <span className="text-ink-3 select-none">:{port}</span>
          <input
            aria-label="Path"
            value={typed}
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
            className="min-w-0 flex-1 bg-transparent outline-none"
          />
        </form>
        <IconButton
          label={phone ? "As wide as the pane" : "As wide as a phone"}
          aria-pressed={phone}
          className={phone ? "bg-hover text-ink" : undefined}
          onClick={() => setPhone(!phone)}
        >
          <Smartphone size={15} />
        </IconButton>
        <IconButton label="Copy the link" disabled={!view} onClick={() => void copy()}>
          {said ? <Check size={14} /> : <LinkIcon size={14} />}
        </IconButton>
        {view && (
          <a
            href={view.link}
            target="_blank"
            rel="noreferrer"
            aria-label="Open in a tab of its own"
            title="Open in a tab of its own"
            className="target inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-3 transition-colors hover:bg-hover hover:text-ink"
          >
            <ExternalLink size={14} />
          </a>
        )}
      </div>
      {(view?.notice || (!listens && ready)) && (
        <p className="shrink-0 border-b bg-sunken px-4 py-1.5 text-12 text-ink-2">
          {!listens && ready
            ? `Nothing listens on port ${port} at the moment. Load it again when it does.`
            : view?.notice}
        </p>
      )}
      {!ready ? (
        <Resting />
      ) : error ? (
        <PaneNote>
          <ErrorProblem error={error} />
        </PaneNote>
      ) : view ? (
        <div className="flex min-h-0 flex-1 justify-center bg-sunken">
          <Frame
            view={view}
            onExpired={() => void open(path)}
            title={`Port ${port}`}
            data-testid="preview-frame"
            className={phone ? "h-full w-[390px] max-w-full border-x bg-raised" : "size-full"}
          />
        </div>
      ) : (
        <PaneNote>
          <p className="text-13 text-ink-2">Opening port {port}…</p>
        </PaneNote>
      )}
      {said && (
        <p
          role="status"
          className="arrive absolute inset-x-4 bottom-4 mx-auto w-fit max-w-full rounded-md border border-line-strong bg-raised px-3 py-2 text-13 break-all shadow-md"
        >
          {said}
        </p>
      )}
    </div>
  );
}
