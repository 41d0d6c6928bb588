/** Share of the maximum from which a meter is marked as nearly full. */
const NEARLY_FULL = 0.85;

/** A value of a maximum, as a bar and in words. */
export function Meter({
  label,
  value,
  max,
  detail,
}: {
  label: string;
  value: number;
  max: number;
  detail: string;
}) {
  const isNearlyFull = max > 0 && value / max >= NEARLY_FULL;
  return (
    <div className={isNearlyFull ? "meter meter-full" : "meter"}>
      <span className="meter-label">{label}</span>
      <span className="meter-detail">
        {isNearlyFull && <strong>nearly full: </strong>}
        {detail}
      </span>
      <meter aria-label={label} value={value} max={max}>
        {detail}
      </meter>
    </div>
  );
}
