//! Devices.

use async_graphql::{Context, Object};

use crate::{
    api_error::ApiError,
    db,
    db::device_page::DevicePage,
    domain::device::DeviceKey,
    graphql::{
        context::{ContextExt as _, may_read},
        cursor::DeviceCursor,
        inputs::device::{DeviceFilter, DeviceOrder},
        page::{MAX_PAGE_SIZE, PageArguments, PageRequest},
        types::{device::Device, device_connection::DeviceConnection, quantity::Quantity},
    },
};

#[derive(Default)]
pub struct DeviceQuery;

#[Object(guard = "may_read")]
impl DeviceQuery {
    /// Device with this key. Null when there is none.
    #[graphql(cache_control(max_age = 5))]
    async fn device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the device, such as `bike-07`.")] key: String,
    ) -> Result<Option<Device>, ApiError> {
        let Ok(key) = DeviceKey::try_stored(key) else { return Ok(None) }; // not a valid device key
        let (known, now) = (&ctx.state().device_id_cache, ctx.state().clock.now());
        if let Some(id) = known.get(&key, now) {
            return Ok(Some(Device::from_id(id)));
        }
        let found = ctx.loader().load_one(key).await?;
        if let Some(row) = &found {
            known.insert(row.key.clone(), row.id, now);
        }
        Ok(found.map(Device::from))
    }

    /// Devices. Default page size 50, maximum 1000.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(cache_control(max_age = 5))]
    async fn devices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the devices. Default: all devices.")] filter: Option<DeviceFilter>,
        #[graphql(desc = "Sort order. Default `KEY_ASC`.")] order_by: Option<DeviceOrder>,
        #[graphql(desc = "Quantity for the orders `LATEST_VALUE_ASC` and `LATEST_VALUE_DESC`.")]
        order_by_quantity: Option<Quantity>,
        #[graphql(desc = "Number of items from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "Return only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Number of items from the end, or before `before`.")] last: Option<i32>,
        #[graphql(desc = "Return only items before this cursor.")] before: Option<String>,
    ) -> Result<DeviceConnection, ApiError> {
        let (order, reversed) = order_by.unwrap_or_default().database_order(order_by_quantity)?;
        let arguments = PageArguments { first, after, last, before };
        let request = PageRequest::<DeviceCursor>::try_new(arguments, MAX_PAGE_SIZE)?;
        for (argument, cursor) in [("after", &request.after), ("before", &request.before)] {
            if cursor.as_ref().is_some_and(|cursor| !cursor.matches_order(order)) {
                return Err(ApiError::bad_input(
                    argument,
                    "cursor of a list with a different `orderBy`; start again without it",
                ));
            }
        }
        let filter = filter.unwrap_or_default().check(ctx).await?;
        let (after, before) = request.keyset_bounds();
        let page = DevicePage {
            filter: filter.clone(),
            order,
            descending: reversed != request.backward,
            nulls_first: request.backward,
            after: after.map(|cursor| cursor.0),
            before: before.map(|cursor| cursor.0),
            limit: request.limit(),
        };
        let rows = db::device_page::list(ctx.read_pool(), &page).await?;
        Ok(DeviceConnection::new(request.slice(rows), filter))
    }
}
