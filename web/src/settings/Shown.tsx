import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";

/** A secret that is told once: to be taken along now. */
export function Shown({
  label,
  title,
  children,
  secret,
  copy,
  done,
}: {
  /** What it is, for those who do not see where it stands. */
  label: string;
  title: string;
  children: string;
  secret: string;
  copy: string;
  done: () => void;
}) {
  return (
    <section
      aria-label={label}
      className="arrive mt-3 rounded-md border border-accent-line bg-accent-tint px-4 py-3"
    >
      <p>
        <span className="font-semibold">{title}</span> {children}
      </p>
      <div className="mt-2 flex items-center gap-2 rounded-md border border-accent-line bg-raised py-1 pr-1 pl-3">
        <code className="min-w-0 flex-1 font-mono text-12 break-all">{secret}</code>
        <CopyButton text={secret} label={copy} />
      </div>
      <Button className="mt-3" onClick={done}>
        I have it
      </Button>
    </section>
  );
}
