import { type ReactNode, useEffect, useRef } from "react";
import "./page.css";

/** Whether a page was shown before: the first one leaves the focus where the browser puts it. */
let hasShownPage = false;

/** The heading of a page, with its actions. It takes the focus when one comes to the page by a link. */
export function PageHeading({ title, children }: { title: string; children?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – airgraph admin`;
    if (hasShownPage) {
      heading.current?.focus();
    }
    hasShownPage = true;
  }, [title]);
  return (
    <div className="page-heading">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children && <div className="actions">{children}</div>}
    </div>
  );
}
