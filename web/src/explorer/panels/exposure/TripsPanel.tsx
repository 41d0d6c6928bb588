import type { DeviceTripsQuery } from "../../../graphql/generated/panels";
import { Button } from "../../../shared/Button";
import { formatDistance, formatValue } from "../../../shared/format";
import { usePanelSettings } from "../context";
import { formatMoment } from "../data/labels";
import { seconds } from "../data/series";
import { Empty, Panel, Partial } from "../frame/Panel";
import { ScrollTable } from "../frame/ScrollTable";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { formatElapsed } from "./ExposurePanel";

type Trips = NonNullable<DeviceTripsQuery["device"]>["trips"];

/** The trips of a mobile device in the range; one opens its own panels. */
export function TripsPanel({ query }: { query: PanelQuery<Trips> }) {
  const { onChange } = usePanelSettings();
  return (
    <Panel title="Trips" query={query} lines={5}>
      {({ nodes, pageInfo, incompleteBefore }) =>
        nodes.length === 0 ? (
          <Empty>No trip in this time range.</Empty>
        ) : (
          <>
            <ScrollTable label="Trips">
              <thead>
                <tr>
                  <th scope="col">Start</th>
                  <th scope="col" className="number">
                    Length
                  </th>
                  <th scope="col" className="number">
                    Time
                  </th>
                  <th scope="col" className="number">
                    PM2.5
                    <span className="unit">µg/m³</span>
                  </th>
                  <th scope="col" className="number">
                    PM10
                    <span className="unit">µg/m³</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {nodes.map((trip) => (
                  <tr key={trip.id}>
                    <th scope="row">
                      <Button
                        look="quiet"
                        className="row-button"
                        onClick={() => onChange({ subjects: [{ kind: "trip", id: trip.id }] })}
                      >
                        {formatMoment(seconds(trip.start))}
                      </Button>
                    </th>
                    <td className="number">{formatDistance(trip.distance)}</td>
                    <td className="number">{formatElapsed(trip.duration)}</td>
                    <td className="number">{formatValue(trip.pm25?.mean, "PM2_5")}</td>
                    <td className="number">{formatValue(trip.pm10?.mean, "PM10")}</td>
                  </tr>
                ))}
              </tbody>
            </ScrollTable>
            {pageInfo.hasNextPage && <Partial>The newest 20 trips are listed.</Partial>}
            {incompleteBefore !== null && (
              <Partial>
                Trips before {formatMoment(seconds(incompleteBefore))} may be missing: choose a shorter time range.
              </Partial>
            )}
            <Meaning section="Trips">
              Means are weighted by time. A trip ends with a pause of more than 5 minutes.
            </Meaning>
          </>
        )
      }
    </Panel>
  );
}
