import { useMemo } from "react";
import type { CellDetailsQuery } from "../../../graphql/generated/panels";
import { CalendarPanel } from "../calendar/CalendarPanel";
import { profilePoints } from "../data/series";
import { type TotalGroup, totalOf } from "../data/total";
import { ProfilePanel } from "../profile/ProfilePanel";
import { particulateRows, StatisticsPanel } from "../statistics/StatisticsPanel";
import { mapQuery } from "./mapQuery";
import type { PanelQuery } from "./usePanelQuery";

/** Statistics, profiles and calendar: the same for devices and cells. */
export function DetailPanels({
  name,
  total,
  details,
}: {
  name: string;
  /** Of the first request. */
  total: PanelQuery<readonly TotalGroup[]>;
  details: PanelQuery<CellDetailsQuery>;
}) {
  const { data } = details;
  const hours = useMemo(() => data && profilePoints(data.hours, "hourOfDay"), [data]);
  const weekdays = useMemo(() => data && profilePoints(data.weekdays, "dayOfWeek"), [data]);
  const days = useMemo(
    () =>
      data?.calendar.flatMap(({ startLocal, count, coverage, quantity }) =>
        startLocal === null
          ? []
          : [{ date: startLocal.slice(0, 10), mean: quantity.mean, count: Math.min(count, quantity.count), coverage }],
      ),
    [data],
  );
  return (
    <>
      <StatisticsPanel
        name={name}
        query={mapQuery(total, (groups) => {
          const { count, coverage, quantity } = totalOf(groups);
          return { total: quantity, measurements: count, coverage };
        })}
        others={particulateRows(data?.particulates[0])}
      />
      <ProfilePanel kind="hour" name={name} query={{ ...details, data: hours }} />
      <ProfilePanel kind="weekday" name={name} query={{ ...details, data: weekdays }} />
      <CalendarPanel name={name} query={{ ...details, data: days }} />
    </>
  );
}
