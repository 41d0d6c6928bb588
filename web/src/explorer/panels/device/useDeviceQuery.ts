import { DevicePanelDocument } from "../../../graphql/generated/panels";
import { usePanelSettings } from "../context";
import { markedFlags } from "../data/flags";
import { readingGroups } from "../../data/reading";
import { usePanelQuery } from "../frame/usePanelQuery";

/** Longest span of a series of indices, in hours: the gateway's limit. */
const MAX_INDEX_HOURS = 10_000;

/** The first request of a device's panels. */
export function useDeviceQuery(key: string) {
  const { span, quantity, timeZone, scale, indexTime } = usePanelSettings();
  const hours = (Date.parse(span.to) - Date.parse(span.from)) / 3_600_000;
  return usePanelQuery(DevicePanelDocument, {
    key,
    span,
    quantity,
    timeZone,
    flags: markedFlags(quantity),
    ...readingGroups(quantity),
    at: indexTime,
    scale,
    indexSeries: hours < MAX_INDEX_HOURS - 24,
  });
}
