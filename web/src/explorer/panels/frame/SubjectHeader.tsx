import type { ReactNode } from "react";

/** Name of the subject of the panels, and what else is known of it. */
export function SubjectHeader({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <header className="subject-header">
      <h3>{title}</h3>
      {children !== undefined && <p className="subject-details">{children}</p>}
    </header>
  );
}
