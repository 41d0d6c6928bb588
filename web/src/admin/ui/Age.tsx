import { formatAge, formatTime } from "../../shared/format";
import { useNow } from "../../shared/useNow";

/** A time as its age; the time itself is the title. */
export function Age({ time, none = "never" }: { time: string | null | undefined; none?: string }) {
  const now = useNow(30_000);
  if (!time) {
    return <span className="muted">{none}</span>;
  }
  return (
    <time dateTime={time} title={formatTime(time, now)}>
      {formatAge(Date.parse(time), now)}
    </time>
  );
}

/** A time of the calendar; its age is the title. */
export function Time({ time }: { time: string }) {
  const now = useNow(30_000);
  return (
    <time dateTime={time} title={formatAge(Date.parse(time), now)}>
      {formatTime(time, now)}
    </time>
  );
}
