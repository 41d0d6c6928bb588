import type { TripFieldsFragment } from "../../../graphql/generated/panels";
import { formatCount, formatDistance, formatNumber, formatValueWithUnit, NARROW_SPACE } from "../../../shared/format";
import { QUANTITIES } from "../../../shared/quantity";
import { Empty, Panel } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { exposureMeaning } from "../meaning/sentence";

/** Length and speed of a trip, and the particulates that its rider was exposed to. */
export function ExposurePanel({ query }: { query: PanelQuery<TripFieldsFragment> }) {
  return (
    <Panel title="Exposure of the trip" query={query} lines={5}>
      {(trip) => (
        <>
          <dl className="figures">
            <Figure term="Distance" value={formatDistance(trip.distance)} />
            <Figure term="Duration" value={formatElapsed(trip.duration)} />
            <Figure term="Mean speed" value={speed(trip.speed)} />
            <Figure term="While moving" value={speed(trip.movingSpeed)} />
          </dl>
          {trip.pm25 === null && trip.pm10 === null ? (
            <Empty>No sample of this trip has a valid PM2.5 or PM10 value.</Empty>
          ) : (
            <ExposureTable trip={trip} />
          )}
          <Meaning section="Trips">{exposureMeaning(trip.pm25?.count ?? trip.pm10?.count ?? 0)}</Meaning>
        </>
      )}
    </Panel>
  );
}

function ExposureTable({ trip }: { trip: TripFieldsFragment }) {
  const rows = [
    { quantity: "PM2_5", exposure: trip.pm25 },
    { quantity: "PM10", exposure: trip.pm10 },
  ] as const;
  return (
    <ScrollTable label="Exposure">
      <thead>
        <tr>
          <td />
          <th scope="col" className="number">
            Mean
            <span className="unit">µg/m³</span>
          </th>
          <th scope="col" className="number">
            Highest
            <span className="unit">µg/m³</span>
          </th>
          <th scope="col" className="number">
            Samples (n)
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(
          ({ quantity, exposure }) =>
            exposure && (
              <tr key={quantity}>
                <th scope="row">{QUANTITIES[quantity].label}</th>
                <td className="number">{formatNumber(exposure.mean)}</td>
                <td className="number">{formatNumber(exposure.max)}</td>
                <td className="number">
                  {formatCount(exposure.count)} of {formatCount(trip.count)}
                </td>
              </tr>
            ),
        )}
      </tbody>
    </ScrollTable>
  );
}

function Figure({ term, value }: { term: string; value: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function speed(value: number | null): string {
  return value === null ? "–" : formatValueWithUnit(value, "SPEED");
}

/** `1 h 05 min`, `26 min`. */
export function formatElapsed(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes < 60
    ? `${minutes}${NARROW_SPACE}min`
    : `${Math.floor(minutes / 60)}${NARROW_SPACE}h ${String(minutes % 60).padStart(2, "0")}${NARROW_SPACE}min`;
}
