//! Deletes a device.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use super::archived_months;
use crate::{
    api_error::ApiError,
    db,
    domain::device::DeviceId,
    graphql::{
        context::{ContextExt as _, run_to_completion},
        execute::argument_check::checked,
        id::GlobalId,
        inputs::text,
        types::api_key::ApiKey,
    },
    jobs::{delete_device, delete_device::DeletedDevice},
    limits::Limit,
};

/// Device to delete.
#[derive(InputObject)]
pub struct DeleteDeviceInput {
    /// Key of the device.
    key: String,
    /// Only count the data of the device; delete nothing.
    #[graphql(default)]
    dry_run: bool,
}

/// Result of `deleteDevice`.
#[derive(SimpleObject)]
pub struct DeleteDevicePayload {
    /// Whether the device was deleted.
    status: DeleteDeviceStatus,
    /// Global id of the device. Null when there is no device with this key.
    device_id: Option<ID>,
    /// Number of measurements deleted; in a dry run, that would be deleted.
    measurements: i32,
    /// Number of uplinks deleted: those with samples of this device only; in a dry run, that would be deleted.
    uplinks: i32,
    /// Valid API keys bound to the device that were revoked; in a dry run, that would be revoked.
    revoked_api_keys: Vec<ApiKey>,
}

/// Whether a device was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum DeleteDeviceStatus {
    /// The device was deleted.
    Deleted,
    /// The device would be deleted; this was a dry run.
    DryRun,
    /// There is no device with this key.
    NotFound,
}

#[derive(Default)]
pub struct DeleteDevice;

#[Object]
impl DeleteDevice {
    /// Deletes a device permanently, with its measurements, the uplinks with samples of this device only, and all
    /// derived data. Try it with `dryRun` first. API keys bound to the device are revoked. A sensor that continues to
    /// send with another API key registers the device again: revoke that API key first. Returns when the deletion is
    /// complete; a large device is deleted in steps. If the client disconnects, the deletion continues. If it fails,
    /// deleted data stays deleted, and the same request deletes the rest. Admins only.
    #[graphql(complexity = "checked(text::stored_device_key(\"input.key\", input.key.clone()))? + child_complexity")]
    async fn delete_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Device to delete.")] input: DeleteDeviceInput,
    ) -> Result<DeleteDevicePayload, ApiError> {
        ctx.caller().require_admin()?;
        let key = text::stored_device_key("input.key", input.key)?;
        let (state, dry_run) = (ctx.state(), input.dry_run);
        let turn = state.deletion_lock.acquire(state.info.limits.deletions.turn_timeout).await;
        let turn = turn.ok_or_else(|| state.metrics.refusals.refuse(Limit::Deletions))?;
        let found = db::device::load_ids_by_keys(ctx.write_pool(), &[key.as_str()]).await?;
        let Some(id) = found.get(key.as_str()).copied() else { return Ok(not_found()) };
        check_months(ctx, id).await?;
        let (pool, known_devices, now) =
            (state.database.jobs.clone(), state.device_id_cache.clone(), state.clock.now());
        let deleted = run_to_completion(async move {
            let deleted = if dry_run {
                delete_device::count(&pool, id, now).await?
            } else {
                delete_device::delete(&pool, id, now).await?
            };
            if !dry_run {
                known_devices.remove_if(|known| *known == id); // other gateways are notified
            }
            drop(turn);
            Ok(deleted)
        })
        .await?;
        let DeletedDevice { measurements, uplinks, revoked_keys } = deleted;
        let mut keys = db::api_key::load_by_ids(ctx.write_pool(), &revoked_keys).await?;
        Ok(DeleteDevicePayload {
            status: if dry_run { DeleteDeviceStatus::DryRun } else { DeleteDeviceStatus::Deleted },
            device_id: Some(GlobalId::Device(id).encode()),
            measurements: i32::try_from(measurements).unwrap_or(i32::MAX),
            uplinks: i32::try_from(uplinks).unwrap_or(i32::MAX),
            revoked_api_keys: revoked_keys.iter().filter_map(|id| keys.remove(id)).map(ApiKey).collect(),
        })
    }
}

/// Rejects a device with measurements in pruned months: they are in the archive, and the rollups of cells can't be recomputed
/// without them.
async fn check_months(ctx: &Context<'_>, device: DeviceId) -> Result<(), ApiError> {
    let months = db::pruned_month::list_months_of_device(ctx.write_pool(), device).await?;
    archived_months::refuse("input.key", "has measurements in", months.iter(), None)
}

fn not_found() -> DeleteDevicePayload {
    DeleteDevicePayload {
        status: DeleteDeviceStatus::NotFound,
        device_id: None,
        measurements: 0,
        uplinks: 0,
        revoked_api_keys: Vec::new(),
    }
}
