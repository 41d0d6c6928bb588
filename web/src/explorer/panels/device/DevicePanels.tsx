import { useMemo } from "react";
import { DeviceDetailsDocument, DeviceQualityDocument, DeviceTripsDocument } from "../../../graphql/generated/panels";
import { FailureMessage, Message } from "../../../shared/Status";
import type { Subject } from "../../view";
import { usePanelSettings } from "../context";
import { markedFlags } from "../data/flags";
import { seconds, seriesPoints } from "../data/series";
import { countedOf, totalOf } from "../data/total";
import { useDetailsVariables } from "../data/useDetailsVariables";
import { TripsPanel } from "../exposure/TripsPanel";
import { DetailPanels } from "../frame/DetailPanels";
import { mapQuery } from "../frame/mapQuery";
import { SubjectHeader } from "../frame/SubjectHeader";
import { usePanelQuery } from "../frame/usePanelQuery";
import { IndexPanel } from "../index/IndexPanel";
import { SeriesPanel } from "../series/SeriesPanel";
import { type QualityData, QualityPanel } from "../statistics/QualityPanel";
import { LatestPanel } from "./LatestPanel";
import { useDeviceQuery } from "./useDeviceQuery";

export function DevicePanels({ subject }: { subject: Subject & { kind: "device" } }) {
  const { quantity, span } = usePanelSettings();
  const query = useDeviceQuery(subject.key);
  const device = query.data?.device;
  const points = useMemo(
    () =>
      device ? seriesPoints(device.series, device.flagged.nodes, markedFlags(quantity), span.to) : [],
    [device, quantity, span.to],
  );
  const indexSeries = useMemo(
    () =>
      (device?.indices ?? []).flatMap(({ bucket, value, band, colour }) =>
        bucket ? [{ start: seconds(bucket.start), end: seconds(bucket.end), value, band, colour }] : [],
      ),
    [device],
  );
  const measurements = device && totalOf(device.total).count;
  const details = usePanelQuery(
    DeviceDetailsDocument,
    { key: subject.key, ...useDetailsVariables(measurements ?? 0) },
    measurements === undefined || measurements === null,
  );
  const useQuality = () =>
    mapQuery(
      usePanelQuery(DeviceQualityDocument, { key: subject.key, span }),
      ({ device: found }) => found ?? NO_QUALITY,
    );
  if (query.data === undefined && query.failure) {
    return (
      <>
        <SubjectHeader title={subject.key} />
        <FailureMessage failure={query.failure} onRetry={query.retry} />
      </>
    );
  }
  if (device === null) {
    return (
      <>
        <SubjectHeader title={subject.key} />
        <Message title="There is no such device">
          <p>No device of this gateway has the key {subject.key}. It may have been deleted.</p>
        </Message>
      </>
    );
  }
  const name = device?.name ?? subject.key;
  const place =
    device?.latitude != null && device.longitude != null
      ? { latitude: device.latitude, longitude: device.longitude }
      : undefined;
  const part = <Data,>(select: (found: NonNullable<typeof device>) => Data) =>
    mapQuery({ ...query, data: device }, select);

  return (
    <>
      <SubjectHeader title={name}>
        {device && (
          <>
            {device.kind === "FIXED" ? "Fixed station" : "Mobile device"}
            {device.name !== null && <> · {device.key}</>}
            {device.licence !== null && <> · Licence: {device.licence}</>}
            {device.attribution !== null && <> · {device.attribution}</>}
          </>
        )}
      </SubjectHeader>
      <LatestPanel query={part((found) => found)} />
      <SeriesPanel
        subject={subject}
        name={name}
        place={place}
        exportDevice={subject.key}
        query={part((found) => ({
          points,
          total: countedOf(found.total),
          moreFlags: found.flagged.pageInfo.hasNextPage,
        }))}
      />
      <IndexPanel
        subject={subject}
        name={name}
        place={place}
        query={part((found) => ({
          current: [found.ukDaqi, found.europeanAqi, found.usEpa, found.usNowcast],
          series: indexSeries,
        }))}
      />
      <DetailPanels
        name={name}
        total={part((found) => found.total)}
        details={mapQuery(details, (data) => data.device ?? NO_DETAILS)}
      />
      {device?.kind === "MOBILE" && <DeviceTrips deviceKey={subject.key} />}
      <QualityPanel useQuality={useQuality} />
    </>
  );
}

const NO_QUALITY: QualityData = {
  quantities: [],
  outOfRange: [],
  nullIsland: [],
  pm25AbovePm10: [],
  staleFix: [],
  ambiguousPacket: [],
  implausibleSpeed: [],
  highHumidity: [],
  stuckValue: [],
  spike: [],
  estimatedTime: [],
  late: [],
};
const NO_DETAILS = { hours: [], weekdays: [], calendar: [], particulates: [] };

function DeviceTrips({ deviceKey }: { deviceKey: string }) {
  const { span } = usePanelSettings();
  const query = usePanelQuery(DeviceTripsDocument, { key: deviceKey, span });
  return (
    <TripsPanel
      query={mapQuery(
        query,
        ({ device }) =>
          device?.trips ?? { nodes: [], pageInfo: { hasNextPage: false }, incompleteBefore: null },
      )}
    />
  );
}
