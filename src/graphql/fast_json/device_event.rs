//! Events of devices, with all fields.

use async_graphql::Context;

use super::{
    JsonType, PrefetchFuture, loaded_device::LoadedDeviceField, row_fields::WriteField, selection::SelectedField,
};
use crate::graphql::types::device_event::{DeviceEvent, DeviceEventRow};

pub enum DeviceEventField {
    /// A value of the row.
    Row(WriteField<DeviceEvent>),
    Device(Box<LoadedDeviceField>),
}

impl JsonType for DeviceEvent {
    type Field = DeviceEventField;

    fn compile_field(field: &SelectedField<'_>) -> Option<DeviceEventField> {
        Some(match field.name() {
            "device" => DeviceEventField::Device(Box::new(LoadedDeviceField::for_field(field)?)),
            name => DeviceEventField::Row(DeviceEventRow::writer(name)?),
        })
    }

    fn prefetch<'a>(
        column: &'a mut DeviceEventField,
        events: &'a [&'a Self],
        ctx: &'a Context<'_>,
    ) -> Option<PrefetchFuture<'a>> {
        let DeviceEventField::Device(devices) = column else { return None };
        Some(Box::pin(devices.prefetch(events.iter().map(|event| event.device).collect(), ctx)))
    }

    fn write(&self, column: &DeviceEventField, out: &mut Vec<u8>) {
        match column {
            DeviceEventField::Row(write) => write(self, out),
            DeviceEventField::Device(devices) => devices.write(Some(self.device), out),
        }
    }
}
