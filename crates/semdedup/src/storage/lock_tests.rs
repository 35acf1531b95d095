//! Tests locks by objects that are taken, lost and left behind.
#![allow(clippy::unwrap_used)]

use object_store::memory::InMemory;

use super::*;
use crate::storage::kind::Kind;
use crate::storage::owner::is_there;

fn memory() -> Location {
    let (text, root) = ("s3://b/work/lock".to_owned(), "s3://b".to_owned());
    Location { store: Arc::new(InMemory::new()), key: "work/lock".into(), text, root, kind: Kind::Amazon }
}

fn take(at: &Location, timeout: Duration) -> Result<Lock> {
    Lock::take_at(at.clone(), "s3://b/work".to_owned(), timeout)
}

fn leave(at: &Location, owner: &Owner) {
    assert!(matches!(at.put_owner(owner, PutMode::Overwrite).unwrap(), Put::Done));
}

#[test]
fn a_folder_is_taken_once_and_again_when_its_owner_has_gone() {
    let at = memory();
    let lock = take(&at, OWNER_TIMEOUT).unwrap();
    lock.check().unwrap();
    lock.confirm().unwrap();
    #[cfg(target_os = "linux")]
    assert!(take(&at, OWNER_TIMEOUT).unwrap_err().to_string().contains("another semdedup"));
    drop(lock);
    assert!(at.stored_owner().unwrap().is_none(), "an owner that ends leaves nothing");
    let owner = Owner::this_process();
    leave(&at, &Owner { started: owner.started + 1, ..owner.clone() });
    #[cfg(target_os = "linux")]
    take(&at, OWNER_TIMEOUT).unwrap();
    // Whether an owner on another machine runs is unknown. This one sends no heartbeat: it is dead.
    leave(&at, &Owner { machine: "another".to_owned(), ..owner });
    let lock = take(&at, POLL_INTERVAL).unwrap();
    // Another process has taken over the lock. Dropping this one leaves it alone.
    leave(&at, &Owner { token: 1, ..Owner::this_process() });
    drop(lock);
    assert_eq!(at.stored_owner().unwrap().unwrap().owner.token, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn whether_a_process_runs_is_known_on_this_machine_and_unknown_on_another() {
    let this = Owner::this_process();
    assert_eq!(this.is_alive(), Some(true));
    assert_eq!(Owner { started: this.started + 1, ..this.clone() }.is_alive(), Some(false));
    assert_eq!(Owner { process: u32::MAX, ..this.clone() }.is_alive(), Some(false));
    // The highest number that Linux gives is 2²² - 1.
    assert_eq!(Owner { process: 1 << 30, ..this.clone() }.is_alive(), Some(false));
    assert!(is_there(1), "a process of another user exists, even if it cannot be read");
    assert_eq!(Owner { machine: "another".to_owned(), ..this }.is_alive(), None);
}

#[test]
fn nothing_is_written_or_removed_where_the_lock_was_lost() {
    let at = memory();
    // A folder of its own, because the check goes through all locks of this process.
    let lock = Lock::take_at(at.clone(), "s3://b/guarded".to_owned(), OWNER_TIMEOUT).unwrap();
    let Held::Object(object) = &lock.0 else { panic!("not an object") };
    check_held("s3://b/guarded/embed/part-00000.json").unwrap();
    leave(&at, &Owner { token: 1, ..Owner::this_process() });
    // The last heartbeat is still valid. After a while, or if the clock was set back, it is not.
    check_held("s3://b/guarded/embed/part-00000.json").unwrap();
    let now = SystemTime::now();
    for stale in [now - 2 * HEARTBEAT_VALIDITY, now + 2 * HEARTBEAT_VALIDITY] {
        object.lost.store(false, Ordering::Relaxed);
        *object.confirmed.lock().unwrap() = stale;
        let error = check_held("s3://b/guarded/embed/part-00000.json").unwrap_err();
        assert!(error.to_string().contains("took this over"), "{error}");
    }
    check_held("s3://b/guarded-too/a").unwrap();
    assert!(lock.confirm().is_err());
    drop(lock);
    check_held("s3://b/guarded/embed/part-00000.json").unwrap();
}

#[test]
fn confirm_checks_the_store_however_recent_the_last_heartbeat_is() {
    let at = memory();
    let lock = take(&at, OWNER_TIMEOUT).unwrap();
    leave(&at, &Owner { token: 1, ..Owner::this_process() });
    assert!(lock.confirm().unwrap_err().to_string().contains("took this over"));
    assert!(lock.check().is_err());
}
