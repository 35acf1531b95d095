//! One process at a time in a folder: a lock of the system on a disk, an object that its owner keeps alive in a store.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fs_err as fs;
use fs_err::File;
use object_store::{
    Error as StoreError, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult, UpdateVersion,
};
use serde::{Deserialize, Serialize};

use super::client::{spawn, wait};
use super::fault::Fault;
use super::{Location, is_url};
use crate::{Error, ErrorKind, Result};

/// How often an owner shows that it is alive.
const BEAT: Duration = Duration::from_secs(10);

/// An owner on another machine that shows nothing for so long is dead.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often somebody who waits looks.
const LOOK: Duration = Duration::from_secs(1);

/// A folder that no other process has while this is held, and that is free when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock(Held);

#[derive(Debug)]
enum Held {
    File(#[allow(dead_code, reason = "held, not looked at")] File),
    Object(Arc<Shared>),
}

/// What the process and its sign of life share.
#[derive(Debug)]
struct Shared {
    at: Location,
    state: Mutex<State>,
    ended: AtomicBool,
    lost: AtomicBool,
}

#[derive(Debug, Clone)]
struct State {
    owner: Owner,
    version: UpdateVersion,
}

/// Who has a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    /// What is the same for all processes that can see each other; empty where the system does not tell.
    machine: String,
    process: u32,
    /// When the process started, in the system's ticks: numbers of processes are used again.
    started: u64,
    /// Tells this holding from all others.
    token: u64,
    /// Counts signs of life.
    beat: u64,
}

impl Lock {
    /// Takes a folder.
    ///
    /// # Errors
    /// Another process has it.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        if is_url(folder) { Self::take_object(folder) } else { Self::take_file(folder) }
    }

    fn take_file(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let file =
            fs::OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(Error::io)?;
        match file.file().try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => Err(busy(folder)),
            // Some network file systems have no locks; there the user sees to it that one process runs.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(Self(Held::File(file))),
        }
    }

    fn take_object(folder: &Path) -> Result<Self> {
        let at = Location::of(&folder.join("lock"))?;
        at.check_writable()?;
        Self::take_at(at, PATIENCE)
    }

    fn take_at(at: Location, patience: Duration) -> Result<Self> {
        let folder = Path::new(at.text.strip_suffix("/lock").unwrap_or(&at.text)).to_path_buf();
        let owner = Owner::this_process();
        let mut mode = PutMode::Create;
        let mut watched: Option<(Owner, Duration)> = None;
        loop {
            match at.put(&owner, mode.clone())? {
                Put::Done(version) => return Self::hold(at, owner, version),
                Put::Refused => {}
            }
            mode = PutMode::Create;
            let Some((there, version)) = at.owner()? else { continue };
            if there.token == owner.token {
                // It was made after all, on a connection that was cut.
                return Self::hold(at, owner, version);
            }
            let waited = match watched {
                Some((before, waited)) if before == there => waited,
                Some(_) => return Err(busy(&folder)),
                None => Duration::ZERO,
            };
            match there.is_alive() {
                Some(true) => return Err(busy(&folder)),
                Some(false) => mode = PutMode::Update(version),
                None if waited >= patience => mode = PutMode::Update(version),
                None => std::thread::sleep(LOOK),
            }
            watched = Some((there, waited + LOOK));
        }
    }

    fn hold(at: Location, owner: Owner, version: UpdateVersion) -> Result<Self> {
        let state = Mutex::new(State { owner, version });
        let (ended, lost) = (AtomicBool::new(false), AtomicBool::new(false));
        let shared = Arc::new(Shared { at, state, ended, lost });
        spawn(shared.clone().beat())?;
        Ok(Self(Held::Object(shared)))
    }

    /// Fails where another process has taken the folder for left, while this one was cut off.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.0 {
            Held::Object(shared) if shared.lost.load(Ordering::Relaxed) => Err(Error::work(
                &shared.at.text,
                "another semdedup took this over while the connection was gone",
            )
            .hint("wait for it to end, and run the same command again")),
            _ => Ok(()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Held::Object(shared) = &self.0 {
            shared.ended.store(true, Ordering::Relaxed);
            let token = shared.state.lock().unwrap_or_else(PoisonError::into_inner).owner.token;
            if shared.at.owner().is_ok_and(|there| there.is_some_and(|(owner, _)| owner.token == token)) {
                // If it stays, whoever comes next finds that this process is no more.
                let at = shared.at.clone();
                let _ = wait(async move { at.store.delete(&at.key).await });
            }
        }
    }
}

fn busy(folder: &Path) -> Error {
    Error::work(folder, "another semdedup is working here").hint("wait for it to end, or name another --work")
}

impl Shared {
    /// Shows from time to time that the process is alive.
    async fn beat(self: Arc<Self>) {
        loop {
            tokio::time::sleep(BEAT).await;
            if self.ended.load(Ordering::Relaxed) {
                return;
            }
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
            state.owner.beat += 1;
            match self.at.put_now(&state.owner, PutMode::Update(state.version.clone())).await {
                Ok(Put::Done(version)) => state.version = version,
                Ok(Put::Refused) => match self.at.owner_now().await {
                    Ok(Some((owner, version))) if owner.token == state.owner.token => state.version = version,
                    Ok(_) => return self.lost.store(true, Ordering::Relaxed),
                    Err(_) => continue,
                },
                // Cut off for a while: whoever waits is patient.
                Err(_) => continue,
            }
            *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        }
    }
}

enum Put {
    Done(UpdateVersion),
    /// Something else is there.
    Refused,
}

impl Location {
    fn put(&self, owner: &Owner, mode: PutMode) -> Result<Put> {
        let (at, owner) = (self.clone(), owner.clone());
        let put = wait(async move { at.put_now(&owner, mode).await })?;
        put.map_err(|error| Fault::of(ErrorKind::Work, &self.text, &error).into())
    }

    async fn put_now(&self, owner: &Owner, mode: PutMode) -> object_store::Result<Put> {
        let json = serde_json::to_vec(owner).unwrap_or_default();
        let put = |mode| {
            let options = PutOptions { mode, ..PutOptions::default() };
            self.store.put_opts(&self.key, PutPayload::from(json.clone()), options)
        };
        let done = |put: PutResult| Put::Done(UpdateVersion { e_tag: put.e_tag, version: put.version });
        match put(mode.clone()).await {
            Ok(result) => Ok(done(result)),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(Put::Refused),
            Err(StoreError::NotFound { .. }) if matches!(mode, PutMode::Update(_)) => Ok(Put::Refused),
            // Stores without conditions: there the user sees to it that one process runs.
            Err(StoreError::NotImplemented { .. } | StoreError::NotSupported { .. }) => {
                put(PutMode::Overwrite).await.map(done)
            }
            Err(error) => Err(error),
        }
    }

    fn owner(&self) -> Result<Option<(Owner, UpdateVersion)>> {
        let at = self.clone();
        let found = wait(async move { at.owner_now().await })?;
        found.map_err(|error| Fault::of(ErrorKind::Work, &self.text, &error).into())
    }

    async fn owner_now(&self) -> object_store::Result<Option<(Owner, UpdateVersion)>> {
        let found = match self.store.get(&self.key).await {
            Err(StoreError::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await?;
        // What cannot be read was written by nobody who is alive.
        let nobody = Owner { machine: String::new(), process: 0, started: 0, token: 0, beat: 0 };
        Ok(Some((serde_json::from_slice(&bytes).unwrap_or(nobody), version)))
    }
}

impl Owner {
    fn this_process() -> Self {
        let process = std::process::id();
        let token = RandomState::new().hash_one(process);
        Self { machine: machine(), process, started: started(process).unwrap_or(0), token, beat: 0 }
    }

    /// Whether the process runs; none where that cannot be seen from here.
    fn is_alive(&self) -> Option<bool> {
        if self.machine.is_empty() || self.machine != machine() {
            return None;
        }
        Some(started(self.process) == Some(self.started))
    }
}

/// This start of this machine, and this container on it.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let space = std::fs::read_link("/proc/self/ns/pid").ok();
    match (boot, space) {
        (Some(boot), Some(space)) => format!("{} {}", boot.trim(), space.display()),
        _ => String::new(),
    }
}

/// When a process started; none if there is none of this number, or it has ended and only its number is left.
fn started(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    (!["Z", "X"].contains(&state)).then(|| fields.nth(18)?.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use object_store::memory::InMemory;

    use super::super::client::Kind;
    use super::*;

    fn memory() -> Location {
        let (text, root) = ("s3://b/work/lock".to_owned(), "s3://b".to_owned());
        Location { store: Arc::new(InMemory::new()), key: "work/lock".into(), text, root, kind: Kind::Amazon }
    }

    fn leave(at: &Location, owner: &Owner) {
        assert!(matches!(at.put(owner, PutMode::Overwrite).unwrap(), Put::Done(_)));
    }

    #[test]
    fn a_folder_is_taken_once_and_again_when_its_owner_has_gone() {
        let at = memory();
        let lock = Lock::take_at(at.clone(), PATIENCE).unwrap();
        lock.check().unwrap();
        #[cfg(target_os = "linux")]
        assert!(Lock::take_at(at.clone(), PATIENCE).unwrap_err().to_string().contains("another semdedup"));
        drop(lock);
        assert!(at.owner().unwrap().is_none(), "an owner that goes leaves nothing");
        let owner = Owner::this_process();
        leave(&at, &Owner { started: owner.started + 1, ..owner.clone() });
        #[cfg(target_os = "linux")]
        Lock::take_at(at.clone(), PATIENCE).unwrap();
        // From elsewhere it cannot be seen whether it lives: it shows nothing, so it is dead.
        leave(&at, &Owner { machine: "another".to_owned(), ..owner });
        let lock = Lock::take_at(at.clone(), LOOK).unwrap();
        // Somebody took this one for dead: what is his now stays his.
        leave(&at, &Owner { token: 1, ..Owner::this_process() });
        drop(lock);
        assert_eq!(at.owner().unwrap().unwrap().0.token, 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_of_this_machine_is_seen_to_run_or_not_and_one_of_another_is_not_seen() {
        let this = Owner::this_process();
        assert_eq!(this.is_alive(), Some(true));
        assert_eq!(Owner { started: this.started + 1, ..this.clone() }.is_alive(), Some(false));
        assert_eq!(Owner { process: u32::MAX, ..this.clone() }.is_alive(), Some(false));
        assert_eq!(Owner { machine: "another".to_owned(), ..this }.is_alive(), None);
    }
}
