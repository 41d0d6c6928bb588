import { memo } from "react";
import { type Hover, type Subject, subjectKey, type View } from "../view";
import { CellPanels } from "./cell/CellPanels";
import { ComparePanels } from "./compare/ComparePanels";
import { PanelProvider, usePanelValues } from "./context";
import { DevicePanels } from "./device/DevicePanels";
import { TripPanels } from "./trip/TripPanels";
import "./panels.css";

export interface PanelsProps {
  view: View;
  onChange: (change: Partial<View>) => void;
  /** The moment under the pointer, on the map or in a chart. */
  hover: Hover | null;
  onHover: (hover: Hover | null) => void;
}

/**
 * The panels of the view's subjects: all of one, or a comparison of several. They are not rendered again while the pointer
 * moves over the map.
 */
export const Panels = memo(function Panels({ view, onChange, hover, onHover }: PanelsProps) {
  const settings = usePanelValues(view, onChange, hover, onHover);
  const [first, ...others] = view.subjects;
  // Values are never shown under the names of other subjects, quantities or scales, while those are being loaded.
  const key = [...view.subjects.map(subjectKey), settings.quantity, settings.scale].join(" ");
  return (
    <PanelProvider value={settings}>
      <div className="panels">
        {others.length > 0 ? (
          <ComparePanels key={key} subjects={view.subjects} />
        ) : (
          first && <SubjectPanels key={key} subject={first} />
        )}
      </div>
    </PanelProvider>
  );
});

function SubjectPanels({ subject }: { subject: Subject }) {
  switch (subject.kind) {
    case "device":
      return <DevicePanels subject={subject} />;
    case "cell":
      return <CellPanels subject={subject} />;
    case "trip":
      return <TripPanels subject={subject} />;
  }
}
