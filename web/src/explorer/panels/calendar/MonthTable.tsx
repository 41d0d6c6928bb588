import { type KeyboardEvent, useId, useRef, useState } from "react";
import { formatShare, formatValue, formatValueWithUnit, plural } from "../../../shared/format";
import { QUANTITIES, type Quantity } from "../../../shared/quantity";
import { WEEKDAYS } from "../data/labels";
import { type CalendarDay, dayTitle, type Month, monthTitle } from "./months";

export interface CellColours {
  background: string;
  /** Readable on the background. */
  text: string;
}

/** Share of hours with data below which a day is marked. */
const FULL_DAY = 0.75;

/** A month as a grid of buttons: one tab stop, arrow keys move within. */
export function MonthTable({
  month,
  quantity,
  colours,
  onPick,
}: {
  month: Month;
  quantity: Quantity;
  colours: (mean: number) => CellColours;
  onPick: (date: string) => void;
}) {
  const heading = useId();
  const grid = useRef<HTMLTableElement>(null);
  const days = month.weeks.flat().filter((day) => day !== null && day.mean !== null) as CalendarDay[];
  const [active, setActive] = useState<string | null>(null);
  const stop = days.some(({ date }) => date === active) ? active : (days.at(-1)?.date ?? null);

  const move = (event: KeyboardEvent) => {
    const index = days.findIndex(({ date }) => date === stop);
    const steps: Record<string, number> = {
      ArrowRight: index + 1,
      ArrowLeft: index - 1,
      ArrowDown: index + 7,
      ArrowUp: index - 7,
      Home: 0,
      End: days.length - 1,
    };
    const target = steps[event.key];
    const day = target === undefined ? undefined : days[Math.min(Math.max(target, 0), days.length - 1)];
    if (day) {
      event.preventDefault();
      setActive(day.date);
      grid.current?.querySelector<HTMLButtonElement>(`[data-date="${day.date}"]`)?.focus();
    }
  };

  return (
    <table ref={grid} className="month" aria-labelledby={heading} onKeyDown={move}>
      <caption id={heading}>{monthTitle(month.key)}</caption>
      <thead>
        <tr>
          {WEEKDAYS.map((day) => (
            <th key={day} scope="col" abbr={day}>
              {day.slice(0, 2)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {month.weeks.map((week, index) => (
          <tr key={index}>
            {week.map((day, weekday) => (
              <td key={weekday}>
                {day && (
                  <Day
                    day={day}
                    quantity={quantity}
                    colours={colours}
                    focusable={day.date === stop}
                    onPick={onPick}
                  />
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Day({
  day: { date, mean, count, coverage },
  quantity,
  colours,
  focusable,
  onPick,
}: {
  day: CalendarDay;
  quantity: Quantity;
  colours: (mean: number) => CellColours;
  focusable: boolean;
  onPick: (date: string) => void;
}) {
  const number = Number(date.slice(8));
  if (mean === null) {
    return (
      <span className="day day-empty">
        <span className="day-number">{number}</span>
        <span className="visually-hidden">no data</span>
      </span>
    );
  }
  const { background, text } = colours(mean);
  const { unit } = QUANTITIES[quantity];
  const partial = coverage !== null && coverage < FULL_DAY;
  const details = `${dayTitle(date)}: ${formatValueWithUnit(mean, quantity)}, ${plural(count, "value")}${
    coverage === null ? "" : `, ${formatShare(coverage)} of the hours`
  }`;
  return (
    <button
      type="button"
      className={partial ? "day day-partial" : "day"}
      style={{ background, color: text }}
      data-date={date}
      tabIndex={focusable ? 0 : -1}
      title={details}
      onClick={() => onPick(date)}
    >
      <span className="day-number">
        {number}
        <span className="visually-hidden"> {monthTitle(date.slice(0, 7))}: </span>
      </span>
      <span className="day-value">
        {formatValue(mean, quantity)}
        <span className="visually-hidden">
          {" "}
          {unit}, {plural(count, "value")}
          {partial && ", fewer than 75 % of the hours"}
        </span>
      </span>
    </button>
  );
}
