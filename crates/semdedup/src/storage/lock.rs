//! Locks a folder for one process: by a file lock on a disk, or in a store by an object that its
//! owner renews.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use fs_err::File;
use object_store::{ObjectStoreExt, PutMode};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::client::{spawn, wait};
use crate::storage::errors::StoreError;
use crate::storage::location::{Location, is_url};
use crate::storage::lock_object::{Put, StoredOwner};
use crate::storage::owner::Owner;

/// The time between two heartbeats of an owner.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The time without a heartbeat after which an owner on another machine is dead.
const OWNER_TIMEOUT: Duration = Duration::from_secs(45);

/// The age up to which a heartbeat proves that the lock is held. An older heartbeat may have been
/// the last one, so that another process may soon take the folder.
const HEARTBEAT_VALIDITY: Duration = Duration::from_secs(20);

/// The time between two looks of a process that waits for a lock.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A lock on a folder. No other process has the folder while this is held. The folder becomes free
/// when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock(Held);

#[derive(Debug)]
enum Held {
    File(#[allow(dead_code, reason = "keeps the file lock")] File),
    Object(Arc<ObjectLock>),
}

/// A lock by an object, which the process shares with its heartbeat.
#[derive(Debug)]
struct ObjectLock {
    at: Location,
    /// The URL of the locked folder: nobody else writes below it.
    guards: String,
    owner: Owner,
    /// The start of the last heartbeat that succeeded, by a clock that runs while the machine
    /// sleeps.
    confirmed: Mutex<SystemTime>,
    ended: AtomicBool,
    lost: AtomicBool,
}

/// The object locks that this process has taken.
static HELD: Mutex<Vec<Weak<ObjectLock>>> = Mutex::new(Vec::new());

/// Fails if an object lies in a folder that this process has locked and may have lost. It is called
/// before each write and removal, so that no path to the store avoids the check.
pub(super) fn check_held(url: &str) -> Result<()> {
    let held: Vec<Arc<ObjectLock>> = {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|lock| lock.strong_count() > 0);
        held.iter().filter_map(Weak::upgrade).collect()
    };
    let is_below =
        |lock: &&Arc<ObjectLock>| url.strip_prefix(&lock.guards).is_some_and(|rest| rest.starts_with('/'));
    held.iter()
        .filter(|lock| !lock.ended.load(Ordering::Relaxed))
        .filter(is_below)
        .try_for_each(|lock| lock.check())
}

impl Lock {
    /// Locks a folder.
    ///
    /// # Errors
    /// Fails if another process has locked it.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        Self::take_for(folder, folder)
    }

    /// Locks the folder `guarded` by a lock that lies in `folder`.
    pub(crate) fn take_for(folder: &Path, guarded: &Path) -> Result<Self> {
        if is_url(folder) { Self::take_object(folder, guarded) } else { Self::take_file(folder) }
    }

    fn take_file(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let file =
            fs::OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(Error::io)?;
        match file.file().try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => Err(busy(folder)),
            // Some network file systems have no locks. There the user must ensure that one process
            // runs.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(Self(Held::File(file))),
        }
    }

    fn take_object(folder: &Path, guarded: &Path) -> Result<Self> {
        let at = Location::of(&folder.join("lock"))?;
        at.check_writable()?;
        Self::take_at(at, Location::of(guarded)?.text, OWNER_TIMEOUT)
    }

    /// Writes the lock object as soon as nobody alive has it. An owner on another machine is taken
    /// for dead if it shows no heartbeat for `timeout`.
    fn take_at(at: Location, guards: String, timeout: Duration) -> Result<Self> {
        let folder = Path::new(at.text.strip_suffix("/lock").unwrap_or(&at.text)).to_path_buf();
        let owner = Owner::this_process();
        let mut mode = PutMode::Create;
        let mut watched: Option<Watched> = None;
        loop {
            let asked = SystemTime::now();
            match at.put_owner(&owner, mode.clone())? {
                Put::Done => return Self::hold(at, guards, owner, asked),
                Put::Refused => {}
            }
            mode = PutMode::Create;
            let Some(StoredOwner { owner: there, version }) = at.stored_owner()? else { continue };
            if there.token == owner.token {
                // The write succeeded although its connection was cut.
                return Self::hold(at, guards, owner, asked);
            }
            let waited = match watched {
                Some(Watched { owner, waited }) if owner == there => waited,
                Some(_) => return Err(busy(&folder)),
                None => Duration::ZERO,
            };
            match there.is_alive() {
                Some(true) => return Err(busy(&folder)),
                Some(false) => mode = PutMode::Update(version),
                None if waited >= timeout => mode = PutMode::Update(version),
                None => std::thread::sleep(POLL_INTERVAL),
            }
            watched = Some(Watched { owner: there, waited: waited + POLL_INTERVAL });
        }
    }

    fn hold(at: Location, guards: String, owner: Owner, confirmed: SystemTime) -> Result<Self> {
        let confirmed = Mutex::new(confirmed);
        let (ended, lost) = (AtomicBool::new(false), AtomicBool::new(false));
        let lock = Arc::new(ObjectLock { at, guards, owner, confirmed, ended, lost });
        HELD.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&lock));
        spawn(lock.clone().beat())?;
        Ok(Self(Held::Object(lock)))
    }

    /// Fails if another process has taken over the folder while this one was cut off, or if that is
    /// unknown.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.0 {
            Held::Object(lock) => lock.check(),
            Held::File(_) => Ok(()),
        }
    }

    /// Checks the lock in the store, however recent the last heartbeat is. It is called before a
    /// manifest is written, because other processes rely on it.
    pub(crate) fn confirm(&self) -> Result<()> {
        match &self.0 {
            Held::Object(lock) => lock.confirm(),
            Held::File(_) => Ok(()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Held::Object(lock) = &self.0 {
            lock.ended.store(true, Ordering::Relaxed);
            if lock.at.stored_owner().is_ok_and(|there| there.is_some_and(|there| lock.is_ours(&there))) {
                // If the object stays, the next process finds that this one has ended.
                let at = lock.at.clone();
                let _ = wait(async move { at.store.delete(&at.key).await });
            }
        }
    }
}

/// An owner that shows no heartbeat, and how long it has shown none.
struct Watched {
    owner: Owner,
    waited: Duration,
}

fn busy(folder: &Path) -> Error {
    Error::work(folder, "another semdedup is working here")
        .hint("wait for it to end, or name another folder by --out or --work")
}

impl ObjectLock {
    /// Sends heartbeats until the lock ends or is lost.
    async fn beat(self: Arc<Self>) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if self.ended.load(Ordering::Relaxed) || self.lost.load(Ordering::Relaxed) {
                return;
            }
            // A failed heartbeat does no harm: a process that waits has a longer timeout, and this
            // process checks the store before it writes once the last heartbeat is too old.
            let _ = self.renew().await;
        }
    }

    /// Checks that this process still has the folder, and sends a heartbeat. It reads first,
    /// because some stores accept conditions and ignore them.
    async fn renew(&self) -> object_store::Result<()> {
        let asked = SystemTime::now();
        let there = self.at.stored_owner_now().await?;
        let Some(StoredOwner { mut owner, version }) = there.filter(|there| self.is_ours(there)) else {
            self.lost.store(true, Ordering::Relaxed);
            return Ok(());
        };
        if self.ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        owner.beat += 1;
        if let Put::Refused = self.at.put_owner_now(&owner, PutMode::Update(version)).await?
            && !self.at.stored_owner_now().await?.is_some_and(|there| self.is_ours(&there))
        {
            self.lost.store(true, Ordering::Relaxed);
            return Ok(());
        }
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }

    fn is_ours(&self, there: &StoredOwner) -> bool {
        there.owner.token == self.owner.token
    }

    fn check(self: &Arc<Self>) -> Result<()> {
        let confirmed = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        // The clock may have been set back. Then the age is unknown.
        let is_recent = confirmed.elapsed().is_ok_and(|age| age < HEARTBEAT_VALIDITY);
        if is_recent { self.check_not_lost() } else { self.confirm() }
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

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
