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
    /// The device with this key; null when there is none.
    #[graphql(cache_control(max_age = 5))]
    async fn device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the sensor calls itself.")] key: String,
    ) -> Result<Option<Device>, ApiError> {
        let Ok(key) = DeviceKey::try_stored(key) else { return Ok(None) }; // no device can have it
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

    /// Devices, by key unless ordered otherwise. 50 in a page unless told, 1000 at most.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(cache_control(max_age = 5))]
    async fn devices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<DeviceFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<DeviceOrder>,
        #[graphql(desc = "The quantity of the orders `LATEST_VALUE_ASC` and `LATEST_VALUE_DESC`.")]
        order_by_quantity: Option<Quantity>,
        #[graphql(desc = "So many from the start, or after `after`.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, or before `before`.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<DeviceConnection, ApiError> {
        let (order, reversed) = order_by.unwrap_or_default().database_order(order_by_quantity)?;
        let arguments = PageArguments { first, after, last, before };
        let request = PageRequest::<DeviceCursor>::try_new(arguments, MAX_PAGE_SIZE)?;
        for (argument, cursor) in [("after", &request.after), ("before", &request.before)] {
            if cursor.as_ref().is_some_and(|cursor| !cursor.matches_order(order)) {
                return Err(ApiError::bad_input(argument, "this cursor is of a list in another order"));
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
