import { useMemo, useState } from "react";
import { formatValueWithUnit } from "../../../shared/format";
import { QUANTITIES } from "../../../shared/quantity";
import { BandChart } from "../charts/BandChart";
import { usePanelSettings } from "../context";
import { isParticulate } from "../data/flags";
import { formatDayOfWeek, formatHourOfDay } from "../data/labels";
import type { Point } from "../data/point";
import { useChartData } from "../frame/DataTable";
import { Empty, Panel } from "../frame/Panel";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { describePoint, profileMeaning } from "../meaning/sentence";
import { PointReadout } from "../series/PointReadout";
import { profileColumns } from "../series/seriesColumns";

const KINDS = {
  hour: { title: "Profile of the day", heading: "Hour of day", label: formatHourOfDay },
  weekday: { title: "Profile of the week", heading: "Day of week", label: formatDayOfWeek },
} as const;

/** Ticks: `00`, `06` for hours; `Mon` for days. */
const TICKS = {
  hour: { label: (hour: number) => String(hour).padStart(2, "0"), space: 26 },
  weekday: { label: (day: number) => formatDayOfWeek(day).slice(0, 3), space: 34 },
} as const;

/** Mean of each hour of the day, or of each day of the week. */
export function ProfilePanel({
  kind,
  name,
  query,
}: {
  kind: "hour" | "weekday";
  name: string;
  query: PanelQuery<readonly Point[]>;
}) {
  const { quantity, span } = usePanelSettings();
  const { title, heading, label } = KINDS[kind];
  const [cursor, setCursor] = useState<number | null>(null);
  const columns = useMemo(() => profileColumns(quantity, heading, label), [quantity, heading, label]);
  const rows = query.data ?? [];
  const { actions, table } = useChartData(title, [name, title, span.from.slice(0, 10)], {
    caption: title,
    columns,
    rows,
    rowKey: ({ x }) => x,
  });
  return (
    <Panel title={title} query={query} actions={actions} lines={6}>
      {(points) => {
        const count = points.reduce((sum, point) => sum + point.count, 0);
        const band = points.some(({ low }) => low !== null);
        const point = cursor === null ? null : (points[cursor] ?? null);
        return count === 0 ? (
          <Empty>No {QUANTITIES[quantity].label} in this time range.</Empty>
        ) : (
          <>
            <PointReadout
              point={point}
              label={point ? label(point.x) : ""}
              quantity={quantity}
              hint={describeProfile(points, label, quantity)}
            />
            <BandChart
              label={`${title}, chart: arrow keys read the values`}
              points={points}
              axis={{ kind: "groups", ...TICKS[kind] }}
              joined={kind === "hour"}
              fromZero={isParticulate(quantity)}
              cursor={cursor}
              onCursor={setCursor}
              describe={(index) => {
                const at = points[index];
                return at ? describePoint(at, quantity, label(at.x)) : "";
              }}
              height={160}
            />
            {table}
            <Meaning section="Statistics">{profileMeaning(kind, count, band)}</Meaning>
          </>
        );
      }}
    </Panel>
  );
}

/** The lowest and the highest group in a sentence. */
function describeProfile(
  points: readonly Point[],
  label: (group: number) => string,
  quantity: Parameters<typeof formatValueWithUnit>[1],
): string {
  const known = points.filter(({ mean }) => mean !== null);
  const [first] = known;
  if (first === undefined) {
    return "No data.";
  }
  const by = (sign: number) =>
    known.reduce((best, point) => (sign * ((point.mean ?? 0) - (best.mean ?? 0)) > 0 ? point : best), first);
  const at = ({ x, mean }: Point) => `${label(x)} (${formatValueWithUnit(mean, quantity)})`;
  return known.length === 1
    ? `Only ${at(first)} has data.`
    : `Lowest: ${at(by(-1))}. Highest: ${at(by(1))}.`;
}
