//! Decoding stored uplinks again.

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

/// Uplinks in one request at most, and unless told.
const MAX_UPLINKS: i32 = 1000;

/// Which uplinks are decoded again.
#[derive(InputObject)]
pub struct ReplayUplinksInput {
    /// These, oldest first. An empty filter means all.
    filter: Option<UplinkFilter>,
    /// Or the ones with these global ids; at most 1000.
    ids: Option<Vec<ID>>,
    /// So many of those that the filter means; 1000 unless told, and at most.
    limit: Option<i32>,
    /// Go on after this cursor: the `after` of the payload before.
    after: Option<String>,
    /// Decode only, and record nothing.
    #[graphql(default)]
    dry_run: bool,
}

/// What became of the uplinks.
#[derive(SimpleObject)]
pub struct ReplayUplinksPayload {
    /// How many were decoded again.
    uplinks: i32,
    /// How many of them could not be decoded; `error` of each says why.
    undecodable: i32,
    /// How many of them were left as they are: no decoder has their format, or the database refused what they hold.
    skipped: i32,
    /// How many samples were stored that were not stored before, also in the place of what the same uplink had told
    /// before; null for a dry run.
    recorded: Option<i32>,
    /// How many samples were stored before; null for a dry run.
    duplicates: Option<i32>,
    /// How many samples they tell that can be true.
    samples: i32,
    /// How many samples can't be true.
    rejected: i32,
    /// Whether the filter means more uplinks than these.
    has_more: bool,
    /// Where these end, to go on from; null when there were none.
    after: Option<String>,
}

#[derive(Default)]
pub struct ReplayUplinks;

#[Object]
impl ReplayUplinks {
    /// Decodes stored uplinks again, as today's decoders understand them, and records what they tell, each sample once
    /// however often it is told. What an uplink told before of a device and a time and tells otherwise now is replaced.
    /// Needs an admin's key. Answers when all is stored for good.
    async fn replay_uplinks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ReplayUplinksInput,
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

/// The uplinks that are meant, oldest first, and whether there are more.
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
        (None, None) => Err(ApiError::bad_input("filter", "say which uplinks: give `filter`, empty for all, or `ids`")),
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
                _ => Err(ApiError::bad_input(argument, "this is the id of something else than an uplink")),
            }
        })
        .collect::<Result<_, _>>()?;
    let found = db::uplink::load_by_keys(ctx.read_pool(), &keys).await?;
    if let Some(at) = keys.iter().position(|key| !found.contains_key(key)) {
        return Err(ApiError::bad_input(format!("ids[{at}]"), "there is no such uplink, or no longer"));
    }
    let mut uplinks: Vec<_> = found.into_values().collect();
    uplinks.sort_unstable_by_key(|uplink| uplink.key);
    Ok(uplinks)
}

fn to_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
