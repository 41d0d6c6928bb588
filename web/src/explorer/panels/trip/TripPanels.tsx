import { useMemo } from "react";
import { TripPanelDocument, type TripPanelQuery } from "../../../graphql/generated/panels";
import { Button } from "../../../shared/Button";
import { FailureMessage, Message } from "../../../shared/Status";
import type { Subject } from "../../view";
import { usePanelSettings } from "../context";
import { markedFlags } from "../data/flags";
import { formatSpan } from "../data/labels";
import { readingGroups } from "../../data/reading";
import { seconds } from "../data/series";
import { totalOf } from "../data/total";
import { tripPoints } from "../data/trip";
import { ExposurePanel } from "../exposure/ExposurePanel";
import { mapQuery } from "../frame/mapQuery";
import { SubjectHeader } from "../frame/SubjectHeader";
import { usePanelQuery } from "../frame/usePanelQuery";
import { StatisticsPanel } from "../statistics/StatisticsPanel";
import { TripSeriesPanel } from "./TripSeriesPanel";

type Trip = Extract<NonNullable<TripPanelQuery["node"]>, { distance: number }>;

function isTrip(node: TripPanelQuery["node"]): node is Trip {
  return node !== null && "distance" in node;
}

/** Panels of a trip. Their span is that of the trip, whatever the range of the map. */
export function TripPanels({ subject }: { subject: Subject & { kind: "trip" } }) {
  const { quantity, onChange } = usePanelSettings();
  const query = usePanelQuery(TripPanelDocument, { id: subject.id, quantity, ...readingGroups(quantity) });
  const { data } = query;
  const points = useMemo(
    () => (data ? tripPoints(data.samples.nodes, quantity, markedFlags(quantity)) : []),
    [data, quantity],
  );
  if (data === undefined && query.failure) {
    return (
      <>
        <SubjectHeader title="Trip" />
        <FailureMessage failure={query.failure} onRetry={query.retry} />
      </>
    );
  }
  if (data !== undefined && !isTrip(data.node)) {
    return (
      <>
        <SubjectHeader title="Trip" />
        <Message title="There is no such trip">
          <p>Its device or its measurements may have been deleted.</p>
        </Message>
      </>
    );
  }
  const trip = data && isTrip(data.node) ? data.node : undefined;
  const device = trip && (trip.device.name ?? trip.device.key);
  const part = <Value,>(select: (trip: Trip, data: TripPanelQuery) => Value) =>
    mapQuery({ ...query, data: trip && data && { trip, data } }, (both) => select(both.trip, both.data));
  return (
    <>
      <SubjectHeader title={device === undefined ? "Trip" : `Trip of ${device}`}>
        {trip && (
          <>
            {formatSpan(seconds(trip.start), seconds(trip.end))} ·{" "}
            <Button
              look="quiet"
              className="row-button"
              onClick={() => onChange({ subjects: [{ kind: "device", key: trip.device.key }] })}
            >
              Show the device
            </Button>
            {trip.device.licence !== null && <> · Licence: {trip.device.licence}</>}
            {trip.device.attribution !== null && <> · {trip.device.attribution}</>}
          </>
        )}
      </SubjectHeader>
      <ExposurePanel query={part((found) => found)} />
      <TripSeriesPanel
        subject={subject}
        points={points}
        query={part((found, { samples, total }) => ({
          trip: found,
          partial: samples.pageInfo.hasNextPage,
          total: totalOf(total),
        }))}
      />
      <StatisticsPanel
        name={`trip of ${device ?? ""}`}
        query={part((_, { total }) => {
          const { count, coverage, quantity: summary } = totalOf(total);
          return { total: summary, measurements: count, coverage };
        })}
        others={[]}
      />
    </>
  );
}
