import type { DevicePanelQuery } from "../../../graphql/generated/panels";
import { formatAge, formatValueWithUnit } from "../../../shared/format";
import { QUANTITIES } from "../../../shared/quantity";
import { usePanelSettings } from "../context";
import { readingOf } from "../../data/reading";
import { seconds } from "../data/series";
import { totalOf } from "../data/total";
import { Empty, Panel } from "../frame/Panel";
import type { PanelQuery } from "../frame/usePanelQuery";
import { IndexBadge } from "../index/IndexBadge";
import { Meaning } from "../meaning/Meaning";
import { latestMeaning } from "../meaning/sentence";
import { SCALES } from "../../../shared/airQualityScale";

type Device = NonNullable<DevicePanelQuery["device"]>;

/** The latest value of a device with its age, the mean of the range and the index. */
export function LatestPanel({ query }: { query: PanelQuery<Device> }) {
  const { quantity, scale, now } = usePanelSettings();
  const { label } = QUANTITIES[quantity];
  return (
    <Panel title="Latest value" query={query} lines={3}>
      {(device) => {
        const { latest } = device;
        const value = latest && readingOf(latest, quantity);
        if (latest === null || value == null) {
          return <Empty>This device has sent no {label} yet, or not in its newest 10,000 measurements.</Empty>;
        }
        const { mean } = totalOf(device.total).quantity;
        const index = indexOn(device, scale);
        return (
          <>
            <dl className="figures">
              <div className="figure-main">
                <dt>
                  {label}, <time dateTime={latest.measuredAt}>{formatAge(Date.parse(latest.measuredAt), now)}</time>
                </dt>
                <dd>{formatValueWithUnit(value, quantity)}</dd>
              </div>
              <div>
                <dt>Mean of the time range</dt>
                <dd>{mean === null ? "no value" : formatValueWithUnit(mean, quantity)}</dd>
              </div>
              <div>
                <dt>{SCALES[scale].label}</dt>
                <dd className="figure-index">
                  <IndexBadge index={index} />
                  {index.band ?? "no index"}
                </dd>
              </div>
            </dl>
            <Meaning section="Stored values">
              {latestMeaning(seconds(latest.measuredAt), latest.flags, latest.timeUncertainty)}
            </Meaning>
          </>
        );
      }}
    </Panel>
  );
}

function indexOn(device: Device, scale: Device["ukDaqi"]["scale"]) {
  switch (scale) {
    case "UK_DAQI":
      return device.ukDaqi;
    case "EUROPEAN_AQI":
      return device.europeanAqi;
    case "US_EPA":
      return device.usEpa;
    case "US_NOWCAST":
      return device.usNowcast;
  }
}
