import { type ClipboardEvent, lazy, type ReactNode, Suspense, useState } from "react";
import { announce } from "../../shared/announce";
import { Button } from "../../shared/Button";
import { Skeleton } from "../../shared/Status";
import { ErrorBoundary } from "../../shared/ErrorBoundary";
import { TextField } from "../ui/TextField";
import { type DeviceDraft, type DraftErrors, parseCoordinates, positionOf } from "./draft";

// The map is large, and only fixed devices need it.
const PositionMap = lazy(() => import("./PositionMap"));

/** The position of a fixed device: two numbers, a click on the map, or where this browser is. */
export function PositionField({
  draft,
  errors,
  onChange,
}: {
  draft: DeviceDraft;
  errors: DraftErrors;
  onChange: (change: Partial<DeviceDraft>) => void;
}) {
  const [note, setNote] = useState("");
  const place = (latitude: number, longitude: number) => {
    onChange({ latitude: latitude.toFixed(5), longitude: longitude.toFixed(5) });
    announce(`Position ${latitude.toFixed(5)}, ${longitude.toFixed(5)}`);
  };
  const pasteBoth = (event: ClipboardEvent<HTMLInputElement>) => {
    const coordinates = parseCoordinates(event.clipboardData.getData("text"));
    if (coordinates) {
      event.preventDefault();
      onChange(coordinates);
    }
  };
  const locate = () => {
    setNote("Waiting for the position…");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        place(coords.latitude, coords.longitude);
        setNote(`Accurate to about ${Math.round(coords.accuracy)} m.`);
      },
      ({ message }) => setNote(message || "The browser gives no position."),
      { enableHighAccuracy: true, timeout: 20_000 },
    );
  };

  const actions = (
    <>
      {window.isSecureContext && "geolocation" in navigator && <Button onClick={locate}>Use my location</Button>}
      {(draft.latitude !== "" || draft.longitude !== "") && (
        <Button look="quiet" onClick={() => onChange({ latitude: "", longitude: "" })}>
          Remove the position
        </Button>
      )}
      <span className="hint" role="status">
        {note}
      </span>
    </>
  );

  return (
    <fieldset className="position">
      <legend>Position</legend>
      <div className="form-columns">
        <TextField
          label="Latitude"
          error={errors.latitude}
          hint="Degrees, north positive."
          inputMode="decimal"
          placeholder="48.2082"
          value={draft.latitude}
          onPaste={pasteBoth}
          onChange={(latitude) => onChange({ latitude })}
        />
        <TextField
          label="Longitude"
          error={errors.longitude}
          hint="Degrees, east positive."
          inputMode="decimal"
          placeholder="16.3738"
          value={draft.longitude}
          onPaste={pasteBoth}
          onChange={(longitude) => onChange({ longitude })}
        />
      </div>
      <ErrorBoundary fallback={() => <MissingMap>{actions}</MissingMap>}>
        <Suspense fallback={<Skeleton lines={6} label="Loading the map" />}>
          <PositionMap device={draft.key} position={positionOf(draft)} onPlace={place}>
            {actions}
          </PositionMap>
        </Suspense>
      </ErrorBoundary>
    </fieldset>
  );
}

function MissingMap({ children }: { children: ReactNode }) {
  return (
    <>
      <p className="hint">The map could not be loaded. Enter the coordinates.</p>
      <div className="actions">{children}</div>
    </>
  );
}
