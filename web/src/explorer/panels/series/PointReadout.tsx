import { formatCount, formatValue, formatValueWithUnit } from "../../../shared/format";
import type { Quantity } from "../../../shared/quantity";
import { formatFlags } from "../data/flags";
import type { Point } from "../data/point";

/** The values of the point under the cursor, above the chart: they cover nothing and need no hovering on phones. */
export function PointReadout({
  point,
  label,
  quantity,
  hint,
}: {
  point: Point | null;
  label: string;
  quantity: Quantity;
  hint: string;
}) {
  if (point === null) {
    return <p className="readout readout-hint">{hint}</p>;
  }
  return (
    <p className="readout">
      <span className="readout-label">{label}</span>
      {point.mean === null ? (
        <span>no data</span>
      ) : (
        <>
          <strong>{formatValueWithUnit(point.mean, quantity)}</strong>
          {point.low !== null && point.high !== null && point.count > 1 && (
            <span>
              10–90 %: {formatValue(point.low, quantity)}–{formatValue(point.high, quantity)}
            </span>
          )}
          {(point.end !== null || point.count > 1) && <span>n = {formatCount(point.count)}</span>}
        </>
      )}
      {point.flags.length > 0 && <span className="readout-flags">▲ {formatFlags(point.flags)}</span>}
    </p>
  );
}
