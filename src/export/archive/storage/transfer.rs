//! Transfers between files of this machine and objects, in parts of limited size. Each part is a request with a time limit,
//! which is repeated alone when it fails.

use std::{
    fs::File,
    io::{self, SeekFrom},
};

use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::export::archive::ArchiveError;

/// Size of a part, of which one is in memory. S3 requires 5 MiB, except for the last part.
pub const PART_BYTES: u64 = 8 << 20;
/// Parts of an object, by the limits of S3. Parts of larger files are larger.
const MAX_PARTS: u64 = 10_000;

/// Why a transfer failed.
#[derive(Debug)]
pub enum TransferError {
    File(io::Error),
    Object(object_store::Error),
}

/// A file without a name: it is removed when it is closed, also when the process is killed.
pub fn temporary_file() -> Result<File, ArchiveError> {
    tempfile::tempfile().map_err(|error| ArchiveError::io(&std::env::temp_dir(), error))
}

/// Stores a file as an object. An object that is not complete is not visible.
pub async fn upload(store: &impl ObjectStore, path: &Path, file: File, part_bytes: u64) -> Result<(), TransferError> {
    let mut upload = store.put_multipart(path).await?;
    let sent = send_parts(upload.as_mut(), file, part_bytes).await;
    if sent.is_err() {
        // The upload failed for the same reason as this may; an incomplete one costs storage, but is not visible.
        let _ = upload.abort().await;
    }
    sent
}

async fn send_parts(upload: &mut dyn MultipartUpload, file: File, part_bytes: u64) -> Result<(), TransferError> {
    let mut file = tokio::fs::File::from_std(file);
    let length = file.metadata().await?.len();
    let part_bytes = part_bytes.max(length.div_ceil(MAX_PARTS));
    file.seek(SeekFrom::Start(0)).await?;
    let mut begin = 0;
    while begin < length {
        let mut part = Vec::new();
        (&mut file).take(part_bytes).read_to_end(&mut part).await?;
        begin += part_bytes;
        upload.put_part(PutPayload::from(part)).await?;
    }
    upload.complete().await?;
    Ok(())
}

/// Copies an object of this size to a file.
pub async fn download(
    store: &impl ObjectStore,
    path: &Path,
    (length, part_bytes): (u64, u64),
    file: File,
) -> Result<File, TransferError> {
    let mut file = tokio::fs::File::from_std(file);
    let mut begin = 0;
    while begin < length {
        let end = length.min(begin + part_bytes);
        file.write_all(&store.get_range(path, begin..end).await?).await?;
        begin = end;
    }
    file.flush().await?;
    Ok(file.into_std().await)
}

impl From<io::Error> for TransferError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<object_store::Error> for TransferError {
    fn from(error: object_store::Error) -> Self {
        Self::Object(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};

    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn file_of_any_number_of_parts_is_read_back() {
        let (store, path) = (InMemory::new(), Path::from("file"));
        for length in [1, 9, 10, 11, 35, 40] {
            let bytes: Vec<u8> = (0..length).collect();
            let mut file = temporary_file().expect("a file");
            file.write_all(&bytes).expect("written");
            upload(&store, &path, file, 10).await.expect("uploaded");
            assert_eq!(store.get(&path).await.expect("an object").bytes().await.expect("bytes"), bytes);
            let size = (length.into(), 10);
            let file = download(&store, &path, size, temporary_file().expect("a file")).await;
            let (mut file, mut read) = (file.expect("downloaded"), Vec::new());
            file.rewind().expect("rewound");
            file.read_to_end(&mut read).expect("read");
            assert_eq!(read, bytes);
        }
    }

    #[tokio::test]
    async fn object_that_became_shorter_is_an_error() {
        let (store, path) = (InMemory::new(), Path::from("file"));
        store.put(&path, PutPayload::from_static(b"short")).await.expect("stored");
        let file = download(&store, &path, (30, 10), temporary_file().expect("a file")).await;
        assert!(matches!(file, Err(TransferError::Object(_))), "{file:?}");
    }
}
