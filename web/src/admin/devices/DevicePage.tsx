import { useState } from "react";
import { AdminDeviceDocument, type AdminDeviceFragment } from "../../graphql/generated/admin";
import { formatValueWithUnit } from "../../shared/format";
import { ShowQuery } from "../../shared/ShowQuery";
import { Message } from "../../shared/Status";
import { useRequest } from "../data/useRequest";
import { hrefOf } from "../route";
import { PageHeading } from "../shell/PageHeading";
import { Age, Time } from "../ui/Age";
import { Fact } from "../ui/Fact";
import { Loaded } from "../ui/Loaded";
import { DeleteDevice } from "./DeleteDevice";
import { KINDS } from "./DeviceList";
import { EditDevice } from "./EditDevice";

/** Time between an answer and the next request, in milliseconds. */
const REFRESH_INTERVAL = 10_000;

/** Zoom of the map on a fixed device: its streets. */
const MAP_ZOOM = 14;

export function DevicePage({ deviceKey }: { deviceKey: string }) {
  const request = useRequest(AdminDeviceDocument, { key: deviceKey });
  const [updated, setUpdated] = useState<AdminDeviceFragment>();
  return (
    <>
      <PageHeading title={deviceKey}>
        <ShowQuery document={AdminDeviceDocument} variables={{ key: deviceKey }} />
      </PageHeading>
      <p className="back">
        <a href={hrefOf({ page: "devices", text: "" })}>All devices</a>
      </p>
      <Loaded request={request} lines={8}>
        {({ device: loaded }) => {
          const device = updated ?? loaded;
          return device ? (
            <>
              <Facts device={device} />
              <EditDevice key={device.id} device={device} onUpdate={setUpdated} />
              <DeleteDevice deviceKey={device.key} />
            </>
          ) : (
            <Message title="There is no such device">
              <p>
                No device has the key “{deviceKey}”. It may have been deleted.{" "}
                <a href={hrefOf({ page: "register" })}>Register a device</a>
              </p>
            </Message>
          );
        }}
      </Loaded>
    </>
  );
}

/** What is known of a device. The first sample of a new sensor appears without a reload. */
function Facts({ device }: { device: AdminDeviceFragment }) {
  const { key, kind, createdAt } = device;
  const { data } = useRequest(AdminDeviceDocument, { key }, { interval: REFRESH_INTERVAL });
  const { latest } = data?.device ?? device;
  return (
    <section className="facts" aria-label="Facts">
      <dl>
        <Fact label="Kind">{KINDS[kind]}</Fact>
        <Fact label="Registered">
          <Time time={createdAt} />
        </Fact>
        <Fact label="Newest sample">
          <Age time={latest?.measuredAt} none="none yet" />
        </Fact>
        {latest && (
          <Fact label="PM2.5, PM10">
            {formatValueWithUnit(latest.pm25, "PM2_5")}, {formatValueWithUnit(latest.pm10, "PM10")}
          </Fact>
        )}
      </dl>
      <div className="actions">
        <a className="button" href={mapHref(device)}>
          Show on the map
        </a>
        <a className="button" href={hrefOf({ page: "createKey", device: key })}>
          Create a key for it
        </a>
        <a className="button" href={hrefOf({ page: "keys", text: key })}>
          Its keys
        </a>
        <a className="button" href={hrefOf({ page: "uplinks", device: key })}>
          Its uplinks
        </a>
      </div>
    </section>
  );
}

/** The explorer with the device selected, and a fixed device in the middle. */
function mapHref({ key, latitude, longitude }: AdminDeviceFragment): string {
  const place = latitude != null && longitude != null ? `map=${latitude},${longitude},${MAP_ZOOM}&` : "";
  return `./?${place}open=device:${encodeURIComponent(key)}`;
}
