import { lazy, Suspense, useState } from "react";
import { Button } from "../../../shared/Button";
import "./meaning.css";

const Docs = lazy(() => import("./Docs"));

/** Headings of docs/science.md that a sentence refers to. */
export type DocsSection = "Stored values" | "Quality flags" | "Statistics" | "Air quality indices" | "Trips";

/** What a value means, and where the documentation has more. */
export function Meaning({ children, section }: { children: string; section: DocsSection }) {
  return (
    <p className="meaning">
      {children} <DocsLink section={section} />
    </p>
  );
}

export function DocsLink({ section }: { section: DocsSection }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        look="quiet"
        className="docs-link"
        aria-label={`Learn more: ${section.toLowerCase()}`}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        Learn more
      </Button>
      {open && (
        <Suspense fallback={null}>
          <Docs section={section} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
