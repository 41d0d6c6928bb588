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

function Facts({ device }: { device: AdminDeviceFragment }) {
  const { key, kind, createdAt, latest } = device;
  return (
    <section className="facts" aria-label="Facts">
      <dl>
        <Fact label="Kind">{KINDS[kind]}</Fact>
        <Fact label="Registered">
          <Time time={createdAt} />
        </Fact>
        <Fact label="Newest sample">
          <Age time={latest?.measuredAt} none="none" />
        </Fact>
        {latest && (
          <Fact label="PM2.5, PM10">
            {formatValueWithUnit(latest.pm25, "PM2_5")}, {formatValueWithUnit(latest.pm10, "PM10")}
          </Fact>
        )}
      </dl>
      <div className="actions">
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
