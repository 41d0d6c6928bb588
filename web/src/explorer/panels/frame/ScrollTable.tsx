import type { ReactNode } from "react";
import "./scrollTable.css";

/** A table that scrolls on its own, also by keyboard. */
export function ScrollTable({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="data-table" role="region" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </div>
  );
}
