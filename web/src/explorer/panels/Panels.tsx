import type { Hover, View } from "../view";

export interface PanelsProps {
  view: View;
  onChange: (change: Partial<View>) => void;
  /** The moment under the pointer, on the map or in a chart. */
  hover: Hover | null;
  onHover: (hover: Hover | null) => void;
}

/** The panels of the view's subjects. */
export function Panels({ view }: PanelsProps) {
  return (
    <ul>
      {view.subjects.map((subject) => (
        <li key={JSON.stringify(subject)}>{JSON.stringify(subject)}</li>
      ))}
    </ul>
  );
}
