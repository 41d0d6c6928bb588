import { useMemo } from "react";
import { CellDetailsDocument, CellPanelDocument, CellQualityDocument } from "../../../graphql/generated/panels";
import { formatCount, formatDistance, plural } from "../../../shared/format";
import { FailureMessage } from "../../../shared/Status";
import { edgeLength, resolutionOf } from "../../h3";
import type { Subject } from "../../view";
import { usePanelSettings } from "../context";
import { markedFlags } from "../data/flags";
import { seriesPoints } from "../data/series";
import { countedOf, totalOf } from "../data/total";
import { useDetailsVariables } from "../data/useDetailsVariables";
import { DetailPanels } from "../frame/DetailPanels";
import { mapQuery } from "../frame/mapQuery";
import { SubjectHeader } from "../frame/SubjectHeader";
import { usePanelQuery } from "../frame/usePanelQuery";
import { IndexPanel, type IndexPoint } from "../index/IndexPanel";
import { SeriesPanel } from "../series/SeriesPanel";
import { QualityPanel } from "../statistics/QualityPanel";
import { CellDevicesPanel } from "./CellDevicesPanel";

const NO_SERIES: readonly IndexPoint[] = [];

export function CellPanels({ subject }: { subject: Subject & { kind: "cell" } }) {
  const { quantity, span, timeZone, scale, indexTime } = usePanelSettings();
  const { cell } = subject;
  const resolution = resolutionOf(cell);
  const query = usePanelQuery(CellPanelDocument, {
    cell,
    resolution,
    span,
    quantity,
    timeZone,
    flags: markedFlags(quantity),
    at: indexTime,
    scale,
  });
  const { data } = query;
  const points = useMemo(
    () => (data ? seriesPoints(data.series, data.flagged.nodes, markedFlags(quantity), span.to) : []),
    [data, quantity, span.to],
  );
  const details = usePanelQuery(
    CellDetailsDocument,
    { cell, ...useDetailsVariables(data ? totalOf(data.total).count : 0) },
    data === undefined,
  );
  const useQuality = () => usePanelQuery(CellQualityDocument, { cell, span });
  const name = "Map cell";
  const found = data?.cells[0];
  return (
    <>
      <SubjectHeader title={name}>
        Hexagon with edges of about {formatDistance(edgeLength(resolution))} · {cell}
        {data && ` · ${plural(data.devices.length, "device")}, ${formatCount(totalOf(data.total).count)} measurements`}
      </SubjectHeader>
      {data === undefined && query.failure ? (
        <FailureMessage failure={query.failure} onRetry={query.retry} />
      ) : (
        <>
          <SeriesPanel
            subject={subject}
            name={`cell ${cell}`}
            place={found?.center}
            query={mapQuery(query, ({ total, flagged }) => ({
              points,
              total: countedOf(total),
              moreFlags: flagged.pageInfo.hasNextPage,
            }))}
          />
          <IndexPanel
            subject={subject}
            name={`cell ${cell}`}
            query={mapQuery(query, ({ cells }) => ({
              current: cells.map(({ airQualityIndex }) => airQualityIndex),
              series: NO_SERIES,
            }))}
          />
          <CellDevicesPanel query={mapQuery(query, ({ devices }) => devices)} />
          <DetailPanels name={`cell ${cell}`} total={mapQuery(query, ({ total }) => total)} details={details} />
          <QualityPanel useQuality={useQuality} />
        </>
      )}
    </>
  );
}
