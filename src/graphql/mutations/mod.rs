//! The root fields of mutations, one file per verb. Expected failures are reported in the payload's `status`.

mod archived_months;
mod create_api_key;
mod delete_device;
mod delete_measurements;
mod record_measurements;
mod register_device;
mod replay_uplinks;
mod revoke_api_key;
mod update_device;

use async_graphql::MergedObject;

/// Mutations: record data, manage devices and API keys.
#[derive(Default, MergedObject)]
pub struct Mutation(
    record_measurements::RecordMeasurements,
    register_device::RegisterDevice,
    update_device::UpdateDevice,
    delete_device::DeleteDevice,
    delete_measurements::DeleteMeasurements,
    create_api_key::CreateApiKey,
    revoke_api_key::RevokeApiKey,
    replay_uplinks::ReplayUplinks,
);
