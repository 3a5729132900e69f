import { lazy, memo, Suspense } from "react";

const RichText = lazy(() => import("./RichText"));

/** Markdown as prose. Its renderer is loaded when first needed; the bare words stand in till then. */
export const Markdown = memo(function Markdown({
  text,
  streaming = false,
}: {
  text: string;
  streaming?: boolean;
}) {
  return (
    <div className="prose">
      <Suspense fallback={<p className="whitespace-pre-wrap">{text}</p>}>
        <RichText text={text} streaming={streaming} />
      </Suspense>
    </div>
  );
});
