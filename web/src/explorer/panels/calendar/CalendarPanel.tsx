import { useMemo, useState } from "react";
import { Button } from "../../../shared/Button";
import { formatCount, formatShare, formatValue, formatValueWithUnit, plural } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import { usePanelSettings } from "../context";
import type { Column } from "../frame/columns";
import { useChartData } from "../frame/DataTable";
import { Empty, Panel } from "../frame/Panel";
import type { PanelQuery } from "../frame/usePanelQuery";
import { Meaning } from "../meaning/Meaning";
import { calendarMeaning } from "../meaning/sentence";
import { columnName } from "../series/seriesColumns";
import { textColourOn, viridis, viridisPalette } from "../../legend/viridis";
import { type CalendarDay, dayTitle, endOfDay, localDate, monthsBefore, monthsOf, startOfDay } from "./months";
import { type CellColours, MonthTable } from "./MonthTable";
import "./calendar.css";

/** Months before that of the end of the range that the calendar requests. */
export const CALENDAR_MONTHS = 11;
const FIRST_SHOWN = 2;
const NO_DAYS: readonly CalendarDay[] = [];
const TITLE = "Calendar of daily means";

/** Daily means of the last months as calendar sheets. A day sets the time range. */
export function CalendarPanel({ name, query }: { name: string; query: PanelQuery<readonly CalendarDay[]> }) {
  const { quantity, span, onChange } = usePanelSettings();
  const [all, setAll] = useState(false);
  const lastDate = localDate(Date.parse(span.to) - 1);
  const days = query.data ?? NO_DAYS;
  const firstDate = days[0]?.date ?? lastDate;
  const earliest = monthsBefore(lastDate, all ? CALENDAR_MONTHS : FIRST_SHOWN - 1);
  const from = firstDate > earliest ? firstDate : earliest;
  const months = useMemo(() => monthsOf(days, from, lastDate).toReversed(), [days, from, lastDate]);
  const columns = useMemo(() => dayColumns(quantity), [quantity]);
  const { actions, table } = useChartData(TITLE, [name, "daily", lastDate], {
    caption: TITLE,
    columns,
    rows: days,
    rowKey: ({ date }) => date,
  });
  return (
    <Panel title={TITLE} query={query} actions={actions} lines={8}>
      {() => {
        const means = days.flatMap(({ mean }) => (mean === null ? [] : [mean]));
        if (means.length === 0) {
          return <Empty>No {QUANTITIES[quantity].label} in the last {CALENDAR_MONTHS + 1} months.</Empty>;
        }
        const min = Math.min(...means);
        const max = Math.max(...means);
        return (
          <>
            <ColourKey min={min} max={max} quantity={quantity} />
            <div className="calendar">
              {months.map((month) => (
                <MonthTable
                  key={month.key}
                  month={month}
                  quantity={quantity}
                  colours={(mean) => coloursOf(mean, min, max)}
                  onPick={(date) =>
                    onChange({ range: { kind: "between", from: startOfDay(date), to: endOfDay(date) }, at: null })
                  }
                />
              ))}
            </div>
            {!all && firstDate < earliest && (
              <Button onClick={() => setAll(true)}>Show {CALENDAR_MONTHS + 1} months</Button>
            )}
            <p className="chart-summary">{describeDays(days, quantity)}</p>
            {table}
            <Meaning section="Statistics">{calendarMeaning()}</Meaning>
          </>
        );
      }}
    </Panel>
  );
}

/** The colours of the map, from the lowest to the highest day. */
function coloursOf(mean: number, min: number, max: number): CellColours {
  const background = viridis(max > min ? (mean - min) / (max - min) : 0.5);
  return { background, text: textColourOn(background) };
}

const RAMP = `linear-gradient(to right, ${viridisPalette(9).join(", ")})`;

function ColourKey({ min, max, quantity }: { min: number; max: number; quantity: Quantity }) {
  return (
    <p className="colour-key">
      <span>{formatValue(min, quantity)}</span>
      <span className="colour-ramp" style={{ background: RAMP }} aria-hidden="true" />
      <span>{formatValueWithUnit(max, quantity)}</span>
    </p>
  );
}

function describeDays(days: readonly CalendarDay[], quantity: Quantity): string {
  const known = days.filter((day): day is CalendarDay & { mean: number } => day.mean !== null);
  const [first] = known;
  if (first === undefined) {
    return "No data.";
  }
  const low = known.reduce((best, day) => (day.mean < best.mean ? day : best), first);
  const high = known.reduce((best, day) => (day.mean > best.mean ? day : best), first);
  const at = ({ date, mean }: CalendarDay) => `${dayTitle(date)} (${formatValueWithUnit(mean, quantity)})`;
  return known.length === 1
    ? `One day has data: ${at(first)}.`
    : `${plural(known.length, "day")} with data. Lowest: ${at(low)}. Highest: ${at(high)}.`;
}

function dayColumns(quantity: Quantity): Column<CalendarDay>[] {
  const { label, unit } = QUANTITIES[quantity];
  return [
    { header: "Day", name: "date", text: ({ date }) => dayTitle(date), value: ({ date }) => date },
    {
      header: "Mean",
      ...(unit !== "" && { unit }),
      name: columnName(label, "mean", unit),
      numeric: true,
      text: ({ mean }) => formatValue(mean, quantity),
      value: ({ mean }) => mean,
    },
    {
      header: "Values",
      name: "count",
      numeric: true,
      text: ({ count }) => formatCount(count),
      value: ({ count }) => count,
    },
    {
      header: "Hours with data",
      name: "coverage",
      numeric: true,
      text: ({ coverage }) => (coverage === null ? "–" : formatShare(coverage)),
      value: ({ coverage }) => coverage,
    },
  ];
}
