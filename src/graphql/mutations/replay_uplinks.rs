//! Decodes stored uplinks again.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, connection::CursorType as _};

use crate::{
    api_error::ApiError,
    db,
    db::uplink_page::UplinkPage,
    domain::uplink::{Uplink, UplinkKey},
    graphql::{
        context::ContextExt as _,
        cursor::UplinkCursor,
        id::GlobalId,
        inputs::uplink::UplinkFilter,
        page::{PageArguments, PageRequest},
    },
    ingest::replay::{ReplayReport, replay},
};

/// Maximum, and default, number of uplinks in one request.
const MAX_UPLINKS: i32 = 1000;

/// Uplinks to decode again. Exactly one of `filter` and `ids` must be given.
#[derive(InputObject)]
pub struct ReplayUplinksInput {
    /// Conditions on the uplinks, processed oldest first. An empty filter matches all uplinks.
    filter: Option<UplinkFilter>,
    /// Global ids of the uplinks, at most 1000.
    ids: Option<Vec<ID>>,
    /// Maximum number of uplinks that match the filter, 1 to 1000. Default 1000. Only with `filter`.
    limit: Option<i32>,
    /// Cursor to continue from: `after` of the previous payload. Only with `filter`.
    after: Option<String>,
    /// Only decode; record nothing.
    #[graphql(default)]
    dry_run: bool,
}

/// Result of `replayUplinks`.
#[derive(SimpleObject)]
pub struct ReplayUplinksPayload {
    /// Number of uplinks processed.
    uplinks: i32,
    /// Number of uplinks that could not be decoded; the reason is in `error` of each uplink.
    undecodable: i32,
    /// Number of uplinks left unchanged: their format has no decoder, or the database rejected their content.
    skipped: i32,
    /// Number of samples stored by this request, including samples that replace earlier ones of the same uplink. Null
    /// in a dry run.
    recorded: Option<i32>,
    /// Number of samples that were already stored. Null in a dry run.
    duplicates: Option<i32>,
    /// Number of valid samples in the uplinks.
    samples: i32,
    /// Number of samples rejected as invalid.
    rejected: i32,
    /// Whether the filter matches further uplinks.
    has_more: bool,
    /// Cursor of the last uplink, for `after` of the next request. Null when there were none.
    after: Option<String>,
}

#[derive(Default)]
pub struct ReplayUplinks;

#[Object]
impl ReplayUplinks {
    /// Decodes stored uplinks again with the current decoders and records their samples, each once. A stored sample
    /// that the same uplink now decodes to different values is replaced. Returns when the samples are stored durably.
    /// Admins only.
    async fn replay_uplinks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Uplinks to decode again.")] input: ReplayUplinksInput,
    ) -> Result<ReplayUplinksPayload, ApiError> {
        ctx.caller().require_admin()?;
        let dry_run = input.dry_run;
        let (uplinks, has_more) = select_uplinks(ctx, input).await.map_err(|error| error.in_argument("input"))?;
        let state = ctx.state();
        let replayed = replay(&state.database, &state.recorder, &uplinks, dry_run).await?;
        let ReplayReport { recorded, duplicates, not_compared, .. } = replayed;
        Ok(ReplayUplinksPayload {
            uplinks: to_i32(replayed.uplinks),
            undecodable: to_i32(replayed.undecodable),
            skipped: to_i32(replayed.skipped),
            recorded: (!dry_run).then(|| to_i32(recorded)),
            duplicates: (!dry_run).then(|| to_i32(duplicates)),
            samples: to_i32(recorded + duplicates + not_compared),
            rejected: to_i32(replayed.rejected),
            has_more,
            after: uplinks.last().map(|uplink| UplinkCursor(uplink.key).encode_cursor()),
        })
    }
}

/// The selected uplinks, oldest first, and whether there are more.
async fn select_uplinks(ctx: &Context<'_>, input: ReplayUplinksInput) -> Result<(Vec<Uplink>, bool), ApiError> {
    match (input.filter, input.ids) {
        (Some(filter), None) => {
            let limit = input.limit.unwrap_or(MAX_UPLINKS);
            if !(1..=MAX_UPLINKS).contains(&limit) {
                return Err(ApiError::bad_input("limit", format!("{limit} is not between 1 and {MAX_UPLINKS}")));
            }
            let arguments = PageArguments { first: Some(limit), after: input.after, ..PageArguments::default() };
            let request = PageRequest::<UplinkCursor>::try_new(arguments, usize::MAX)?;
            let filter = filter.check_strictly(ctx).await?;
            let after = request.after.map(|cursor| cursor.0);
            let page = UplinkPage { filter, descending: false, after, limit: request.limit() };
            let slice = request.slice(db::uplink_page::list(ctx.read_pool(), &page).await?);
            Ok((slice.rows, slice.has_next))
        }
        (None, Some(ids)) => {
            if input.limit.is_some() || input.after.is_some() {
                return Err(ApiError::bad_input(
                    "ids",
                    "`limit` and `after` are for a filter; `ids` names each uplink",
                ));
            }
            Ok((select_by_ids(ctx, &ids).await?, false))
        }
        (Some(_), Some(_)) => Err(ApiError::bad_input("ids", "`ids` and `filter` exclude each other")),
        (None, None) => {
            Err(ApiError::bad_input("filter", "no uplinks selected; give `filter` (empty for all) or `ids`"))
        }
    }
}

async fn select_by_ids(ctx: &Context<'_>, ids: &[ID]) -> Result<Vec<Uplink>, ApiError> {
    if i32::try_from(ids.len()).is_ok_and(|ids| ids > MAX_UPLINKS) {
        return Err(ApiError::bad_input("ids", format!("{} ids; at most {MAX_UPLINKS}", ids.len())));
    }
    let keys: Vec<UplinkKey> = ids
        .iter()
        .enumerate()
        .map(|(at, id)| {
            let argument = format!("ids[{at}]");
            match GlobalId::decode(&argument, id)? {
                GlobalId::Uplink(key) => Ok(key),
                _ => Err(ApiError::bad_input(argument, "not the id of an uplink")),
            }
        })
        .collect::<Result<_, _>>()?;
    let found = db::uplink::load_by_keys(ctx.read_pool(), &keys).await?;
    if let Some(at) = keys.iter().position(|key| !found.contains_key(key)) {
        return Err(ApiError::bad_input(format!("ids[{at}]"), "uplink not found; it may have been deleted"));
    }
    let mut uplinks: Vec<_> = found.into_values().collect();
    uplinks.sort_unstable_by_key(|uplink| uplink.key);
    Ok(uplinks)
}

fn to_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
