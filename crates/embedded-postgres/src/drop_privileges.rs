//! Dropping root privileges.
//!
//! Postgres refuses to run as root, and a gateway that faces the network doesn't need root either. Started as root, the
//! process creates its data folder, hands it to an unprivileged account and becomes that account. The account is the
//! owner of the data folder if it has one already, else `postgres`, else `nobody`.

use std::{
    fs::{self, DirBuilder, Metadata, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use nix::unistd::{Gid, Uid, User};

/// Accounts to try, in this order, for a data folder that is owned by root.
const FALLBACK_ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Why privileges could not be dropped. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegesError {
    /// Neither of the two accounts exists.
    #[error(
        "Postgres refuses to run as root, and this machine has neither an account postgres nor nobody to run it as: \
         start airgraph as an ordinary user, or point DATABASE_URL at a running server"
    )]
    NoAccount,
    /// The account has no access to a parent of the data folder.
    #[error(
        "the account {account}, as which Postgres has to run instead of root, may not enter {}, which leads to the \
         data folder {}: run `chmod o+x {}`, or choose another data folder with AIRGRAPH_DATA_DIR",
        folder.display(), data_dir.display(), folder.display()
    )]
    ParentInaccessible {
        /// The account without access.
        account: String,
        /// The folder that it can't enter.
        folder: PathBuf,
        /// The data folder below it.
        data_dir: PathBuf,
    },
    /// The data folder is not empty and belongs to another account: it may not be airgraph's, so it is left unchanged.
    #[error(
        "the data folder {} isn't empty and belongs to {owner}, so it is not handed to the account {account}, as \
         which Postgres has to run instead of root: run `chown -R {account} {}` if it is airgraph's, or choose another \
         data folder with AIRGRAPH_DATA_DIR",
        data_dir.display(), data_dir.display()
    )]
    NotOwned {
        /// The account that needs the folder.
        account: String,
        /// Owner of the folder: root, or a user number without a name.
        owner: String,
        /// The folder.
        data_dir: PathBuf,
    },
    /// A file system operation failed.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// The failed action, as in "cannot create".
        action: &'static str,
        /// Path of the action.
        path: PathBuf,
        /// Error of the system.
        cause: io::Error,
    },
    /// The kernel rejected the change of account.
    #[error("cannot become the account {account}: {cause}; start airgraph as an ordinary user instead")]
    SwitchUser {
        /// The account.
        account: String,
        /// Error of the system.
        cause: nix::Error,
    },
}

/// The account that the process becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UnprivilegedAccount {
    name: String,
    uid: Uid,
    gid: Gid,
}

/// Whether this process is root.
#[must_use]
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Permanently becomes an unprivileged account that owns `data_dir`, and returns its name. Does nothing and returns
/// `None` when the process isn't root.
///
/// Creates a missing folder with mode 0700, and changes the owner of an empty one. Nothing below it is changed.
/// `data_dir` must be absolute. Afterwards files that only root may read can't be opened any more, nor ports below
/// 1024, so do that first.
///
/// # Errors
///
/// No suitable account, a folder that the account can't enter, or one that is not airgraph's.
pub fn drop_privileges(data_dir: &Path) -> Result<Option<String>, PrivilegesError> {
    if !is_root() {
        return Ok(None);
    }
    let account = account_for(data_dir)?;
    check_parents(data_dir, &account)?;
    change_owner(data_dir, &account)?;
    become_account(&account)?;
    Ok(Some(account.name))
}

/// An owner without a name is skipped: `initdb` refuses to run as such.
fn account_for(data_dir: &Path) -> Result<UnprivilegedAccount, PrivilegesError> {
    let owner = data_dir.metadata().ok().filter(|folder| folder.uid() != 0);
    owner
        .and_then(|folder| User::from_uid(Uid::from_raw(folder.uid())).ok().flatten())
        .or_else(|| FALLBACK_ACCOUNTS.iter().find_map(|name| User::from_name(name).ok().flatten()))
        .map(UnprivilegedAccount::from)
        .ok_or(PrivilegesError::NoAccount)
}

impl From<User> for UnprivilegedAccount {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid, gid: user.gid }
    }
}

/// Every folder above the data folder, by its canonical path, must be traversable for the account. Missing parents are
/// created later, traversable for all accounts.
fn check_parents(data_dir: &Path, account: &UnprivilegedAccount) -> Result<(), PrivilegesError> {
    let Some(existing) = data_dir.ancestors().skip(1).find_map(|parent| parent.canonicalize().ok()) else {
        return Ok(());
    };
    let mut parents: Vec<&Path> = existing.ancestors().collect();
    parents.reverse();
    for parent in parents {
        let folder = parent.metadata().map_err(|cause| folder_error("look at", parent, cause))?;
        if !is_traversable(&folder, account) {
            return Err(PrivilegesError::ParentInaccessible {
                account: account.name.clone(),
                folder: parent.to_owned(),
                data_dir: data_dir.to_owned(),
            });
        }
    }
    Ok(())
}

/// Checks the applicable x bit: the owner's for the owner, else the group's for the group, else the others'.
fn is_traversable(folder: &Metadata, account: &UnprivilegedAccount) -> bool {
    let bit = if folder.uid() == account.uid.as_raw() {
        0o100
    } else if folder.gid() == account.gid.as_raw() {
        0o010
    } else {
        0o001
    };
    folder.mode() & bit != 0
}

fn change_owner(data_dir: &Path, account: &UnprivilegedAccount) -> Result<(), PrivilegesError> {
    if let Some(parent) = data_dir.parent() {
        create_traversable_dirs(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(data_dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let folder = data_dir.metadata().map_err(|cause| folder_error("look at", data_dir, cause))?;
            if folder.uid() == account.uid.as_raw() {
                return Ok(());
            }
            if !is_empty(data_dir).map_err(|cause| folder_error("read", data_dir, cause))? {
                let owner = match folder.uid() {
                    0 => "root".to_owned(),
                    uid => format!("user number {uid}"),
                };
                let (account, data_dir) = (account.name.clone(), data_dir.to_owned());
                return Err(PrivilegesError::NotOwned { account, owner, data_dir });
            }
        }
        Err(cause) => return Err(folder_error("create", data_dir, cause)),
    }
    chown(data_dir, Some(account.uid.as_raw()), Some(account.gid.as_raw()))
        .map_err(|cause| folder_error("change the owner of", data_dir, cause))
}

/// Creates missing folders on the path, traversable for all accounts, whatever the umask is.
fn create_traversable_dirs(folder: &Path) -> Result<(), PrivilegesError> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)
            .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
            .map_err(|cause| folder_error("create", folder, cause))?;
    }
    Ok(())
}

/// A freshly mounted volume counts as empty, although ext4 keeps its `lost+found` there.
fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in folder.read_dir()? {
        if entry?.file_name() != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Groups first: after the user has changed, the right to change them is lost.
fn become_account(account: &UnprivilegedAccount) -> Result<(), PrivilegesError> {
    let steps = || {
        // Apple's systems look up group membership themselves and have no such call.
        #[cfg(not(target_vendor = "apple"))]
        nix::unistd::setgroups(&[account.gid])?;
        nix::unistd::setgid(account.gid)?;
        nix::unistd::setuid(account.uid)
    };
    steps().map_err(|cause| PrivilegesError::SwitchUser { account: account.name.clone(), cause })
}

fn folder_error(action: &'static str, path: &Path, cause: io::Error) -> PrivilegesError {
    PrivilegesError::Io { action, path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        fs::{create_dir_all, set_permissions, write},
        os::unix::fs::symlink,
    };

    use super::*;

    /// An account that is neither the owner nor in the group of the files that these tests create.
    fn other_account() -> UnprivilegedAccount {
        UnprivilegedAccount { name: "stranger".into(), uid: Uid::from_raw(4_000_001), gid: Gid::from_raw(4_000_001) }
    }

    fn open_temp_dir() -> io::Result<tempfile::TempDir> {
        let folder = tempfile::tempdir()?;
        set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        Ok(folder)
    }

    #[test]
    fn inaccessible_parent_is_named() -> Result<(), Box<dyn Error>> {
        let root = open_temp_dir()?;
        let closed = root.path().join("closed");
        create_dir_all(closed.join("inner"))?;
        set_permissions(&closed, Permissions::from_mode(0o700))?;
        let closed = closed.canonicalize()?;

        for data_dir in [closed.join("inner/data"), closed.join("not/yet/there"), closed.join("inner")] {
            match check_parents(&data_dir, &other_account()) {
                Err(PrivilegesError::ParentInaccessible { folder, .. }) => assert_eq!(folder, closed),
                other => panic!("{} gave {other:?}", data_dir.display()),
            }
        }
        Ok(())
    }

    #[test]
    fn inaccessible_parent_behind_a_symlink_is_found() -> Result<(), Box<dyn Error>> {
        let root = open_temp_dir()?;
        let closed = root.path().join("closed");
        create_dir_all(closed.join("inner"))?;
        set_permissions(&closed, Permissions::from_mode(0o700))?;
        symlink(closed.join("inner"), root.path().join("link"))?;

        let result = check_parents(&root.path().join("link/data"), &other_account());
        assert!(matches!(result, Err(PrivilegesError::ParentInaccessible { .. })), "{result:?}");
        Ok(())
    }

    #[test]
    fn traversable_and_owned_parents_are_accepted() -> Result<(), Box<dyn Error>> {
        let root = open_temp_dir()?;
        check_parents(&root.path().join("data"), &other_account())?;

        set_permissions(root.path(), Permissions::from_mode(0o700))?;
        let folder = root.path().metadata()?;
        let owner =
            UnprivilegedAccount { name: "owner".into(), uid: Uid::from_raw(folder.uid()), gid: Gid::from_raw(0) };
        assert!(is_traversable(&folder, &owner));
        Ok(())
    }

    #[test]
    fn nonempty_folder_of_another_owner_is_left_unchanged() -> Result<(), Box<dyn Error>> {
        let root = open_temp_dir()?;
        assert!(is_empty(root.path())?);
        create_dir_all(root.path().join("lost+found"))?;
        assert!(is_empty(root.path())?);
        write(root.path().join("letter"), "mine")?;

        let before = root.path().metadata()?.uid();
        let result = change_owner(root.path(), &other_account());
        assert!(matches!(result, Err(PrivilegesError::NotOwned { .. })), "{result:?}");
        assert_eq!(root.path().metadata()?.uid(), before);
        Ok(())
    }
}
