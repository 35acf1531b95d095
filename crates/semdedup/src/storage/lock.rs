//! One process at a time in a folder: a lock of the system on a disk, an object that its owner keeps alive in a store.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use fs_err::File;
use object_store::{
    Error as ObjectStoreError, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::client::{spawn, wait};
use crate::storage::errors::StoreError;
use crate::storage::location::{Location, is_url};

/// How often an owner shows that it is alive.
const BEAT: Duration = Duration::from_secs(10);

/// An owner on another machine that shows nothing for so long is dead.
const PATIENCE: Duration = Duration::from_secs(45);

/// A sign of life that is older may have been the last one, and another process may have the folder before long.
const FRESH: Duration = Duration::from_secs(20);

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
    /// What nobody else writes into: everything below this URL.
    guards: String,
    owner: Owner,
    /// When the last sign of life was begun that came through; by a clock that goes on while the machine sleeps.
    confirmed: Mutex<SystemTime>,
    ended: AtomicBool,
    lost: AtomicBool,
}

/// The locks on objects that this process has taken.
static HELD: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Fails where an object lies in a folder that this process has taken and may have lost. Asked before whatever is written or
/// removed, so that no way to the store goes past it.
pub(super) fn check_held(url: &str) -> Result<()> {
    let held: Vec<Arc<Shared>> = {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|lock| lock.strong_count() > 0);
        held.iter().filter_map(Weak::upgrade).collect()
    };
    let is_below =
        |lock: &&Arc<Shared>| url.strip_prefix(&lock.guards).is_some_and(|rest| rest.starts_with('/'));
    held.iter()
        .filter(|lock| !lock.ended.load(Ordering::Relaxed))
        .filter(is_below)
        .try_for_each(|lock| lock.check())
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
        Self::take_for(folder, folder)
    }

    /// The same for another folder, of which `folder` is only the place where the lock lies.
    pub(crate) fn take_for(folder: &Path, guarded: &Path) -> Result<Self> {
        if is_url(folder) { Self::take_object(folder, guarded) } else { Self::take_file(folder) }
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

    fn take_object(folder: &Path, guarded: &Path) -> Result<Self> {
        let at = Location::of(&folder.join("lock"))?;
        at.check_writable()?;
        Self::take_at(at, Location::of(guarded)?.text, PATIENCE)
    }

    fn take_at(at: Location, guards: String, patience: Duration) -> Result<Self> {
        let folder = Path::new(at.text.strip_suffix("/lock").unwrap_or(&at.text)).to_path_buf();
        let owner = Owner::this_process();
        let mut mode = PutMode::Create;
        let mut watched: Option<(Owner, Duration)> = None;
        loop {
            let asked = SystemTime::now();
            match at.put(&owner, mode.clone())? {
                Put::Done => return Self::hold(at, guards, owner, asked),
                Put::Refused => {}
            }
            mode = PutMode::Create;
            let Some((there, version)) = at.owner()? else { continue };
            if there.token == owner.token {
                // It was made after all, on a connection that was cut.
                return Self::hold(at, guards, owner, asked);
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

    fn hold(at: Location, guards: String, owner: Owner, confirmed: SystemTime) -> Result<Self> {
        let confirmed = Mutex::new(confirmed);
        let (ended, lost) = (AtomicBool::new(false), AtomicBool::new(false));
        let shared = Arc::new(Shared { at, guards, owner, confirmed, ended, lost });
        HELD.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&shared));
        spawn(shared.clone().beat())?;
        Ok(Self(Held::Object(shared)))
    }

    /// Fails where another process has taken the folder for left, while this one was cut off, or where that cannot be
    /// known.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.0 {
            Held::Object(shared) => shared.check(),
            Held::File(_) => Ok(()),
        }
    }

    /// The same by a look at the store, however fresh the last one is: before what others take for the truth is written.
    pub(crate) fn confirm(&self) -> Result<()> {
        match &self.0 {
            Held::Object(shared) => shared.confirm(),
            Held::File(_) => Ok(()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Held::Object(shared) = &self.0 {
            shared.ended.store(true, Ordering::Relaxed);
            let token = shared.owner.token;
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
            if self.ended.load(Ordering::Relaxed) || self.lost.load(Ordering::Relaxed) {
                return;
            }
            // Cut off for a while: whoever waits is patient, and whoever writes looks himself once this is no longer fresh.
            let _ = self.renew().await;
        }
    }

    /// Looks whether the folder is this process's still, and shows that it is alive. It looks first: there are stores that take
    /// conditions and do not keep them.
    async fn renew(&self) -> object_store::Result<()> {
        let asked = SystemTime::now();
        let Some((mut owner, version)) = self.at.owner_now().await?.filter(|(there, _)| self.is_ours(there))
        else {
            self.lost.store(true, Ordering::Relaxed);
            return Ok(());
        };
        if self.ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        owner.beat += 1;
        if let Put::Refused = self.at.put_now(&owner, PutMode::Update(version)).await?
            && !self.at.owner_now().await?.is_some_and(|(there, _)| self.is_ours(&there))
        {
            self.lost.store(true, Ordering::Relaxed);
            return Ok(());
        }
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }

    fn is_ours(&self, there: &Owner) -> bool {
        there.token == self.owner.token
    }

    fn check(self: &Arc<Self>) -> Result<()> {
        let confirmed = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back tells nothing.
        let is_fresh = confirmed.elapsed().is_ok_and(|age| age < FRESH);
        if is_fresh { self.check_not_lost() } else { self.confirm() }
    }

    fn confirm(self: &Arc<Self>) -> Result<()> {
        self.check_not_lost()?;
        let lock = self.clone();
        let renewed = wait(async move { lock.renew().await })?;
        renewed.map_err(|error| StoreError::of(ErrorKind::Work, &self.at.text, &error))?;
        self.check_not_lost()
    }

    fn check_not_lost(&self) -> Result<()> {
        if !self.lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::work(&self.at.text, "another semdedup took this over while the connection was gone")
            .hint("wait for it to end, and run the same command again"))
    }
}

enum Put {
    Done,
    /// Something else is there.
    Refused,
}

impl Location {
    fn put(&self, owner: &Owner, mode: PutMode) -> Result<Put> {
        let (at, owner) = (self.clone(), owner.clone());
        let put = wait(async move { at.put_now(&owner, mode).await })?;
        put.map_err(|error| StoreError::of(ErrorKind::Work, &self.text, &error).into())
    }

    async fn put_now(&self, owner: &Owner, mode: PutMode) -> object_store::Result<Put> {
        let json = serde_json::to_vec(owner).unwrap_or_default();
        let put = |mode| {
            let options = PutOptions { mode, ..PutOptions::default() };
            self.store.put_opts(&self.key, PutPayload::from(json.clone()), options)
        };
        match put(mode.clone()).await {
            Ok(_) => Ok(Put::Done),
            Err(ObjectStoreError::AlreadyExists { .. } | ObjectStoreError::Precondition { .. }) => {
                Ok(Put::Refused)
            }
            Err(ObjectStoreError::NotFound { .. }) if matches!(mode, PutMode::Update(_)) => Ok(Put::Refused),
            // Stores without conditions: there the user sees to it that one process runs.
            Err(ObjectStoreError::NotImplemented { .. } | ObjectStoreError::NotSupported { .. }) => {
                put(PutMode::Overwrite).await.map(|_| Put::Done)
            }
            Err(error) => Err(error),
        }
    }

    fn owner(&self) -> Result<Option<(Owner, UpdateVersion)>> {
        let at = self.clone();
        let found = wait(async move { at.owner_now().await })?;
        found.map_err(|error| StoreError::of(ErrorKind::Work, &self.text, &error).into())
    }

    async fn owner_now(&self) -> object_store::Result<Option<(Owner, UpdateVersion)>> {
        let found = match self.store.get(&self.key).await {
            Err(ObjectStoreError::NotFound { .. }) => return Ok(None),
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
        match started(self.process) {
            Some(started) => Some(started == self.started),
            // A system may hide the processes of others, which is no sign that one is no more.
            None if is_there(self.process) => None,
            None => Some(false),
        }
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

/// When a process started, as far as that is to be seen; 0 if it has ended and only its number is left.
fn started(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if ["Z", "X"].contains(&state) { Some(0) } else { fields.nth(18)?.parse().ok() }
}

/// Whether the system knows a process of this number, be it somebody else's; yes where that cannot be told.
fn is_there(process: u32) -> bool {
    #[cfg(unix)]
    {
        use nix::errno::Errno;
        use nix::sys::signal::kill;
        use nix::unistd::Pid;
        // Numbers below 1 mean other things than a process.
        let Some(process) = i32::try_from(process).ok().filter(|process| *process > 0) else { return false };
        kill(Pid::from_raw(process), None) != Err(Errno::ESRCH)
    }
    #[cfg(not(unix))]
    {
        let _ = process;
        true
    }
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
