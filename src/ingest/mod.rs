//! From a body to stored samples: [`decode_context`] loads what a decoder needs of its device, [`csv_import`] records files in
//! chunks, [`replay`] decodes stored uplinks again. The decoders are in the crate `airgraph-formats`.

pub mod csv_import;
pub mod decode_context;
pub mod replay;

pub use airgraph_formats::*;

use crate::api_error::ApiError;

impl From<DecodeError> for ApiError {
    fn from(DecodeError { code, detail }: DecodeError) -> Self {
        Self::Undecodable { code, detail }
    }
}
