//! Requests to the hub, and the download of a single file into the cache.
//!
//! A broken download is resumed: the bytes lie in a file beside the blob, which moves into place
//! when it is complete, is what the hub names, and is on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RANGE};
use serde_json::Value;

use super::answer::{Answer, Failure};
use super::cache::ModelCache;
use super::content::{self, Content};
use super::name::Name;
use crate::http::{self, causes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The time without a byte after which an answer has failed.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The number of redirections that are followed.
const REDIRECTIONS: usize = 10;
/// The attempts at the content of a file, and the wait after the first one, which doubles.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// The seconds to wait for another program that downloads the same file.
const LOCK_SECONDS: u32 = 5;
/// The largest description of a model, with a line for each of its files.
const MOST_INFO_BYTES: u64 = 64 << 20;

/// What the hub says about a revision of a model.
#[derive(Debug)]
pub(super) struct Info {
    /// The commit: 40 hexadecimal digits.
    pub(super) commit: String,
    /// The names of all files.
    pub(super) files: Vec<String>,
}

/// A connection to the hub.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    endpoint: Url,
    token: Option<HeaderValue>,
}

impl Connection {
    pub(super) fn new(endpoint: &str, token: Option<&str>) -> Result<Self, Failure> {
        let unusable = |error: &(dyn std::error::Error + 'static)| Failure::Unanswered(causes(error));
        let endpoint = Url::parse(endpoint).map_err(|error| unusable(&error))?;
        let tls = match http::with_certificates() {
            // A mirror over plain http may redirect to https, but need not.
            Err(_) if endpoint.scheme() == "http" => http::without_certificates(),
            tls => tls,
        };
        let client = http::client(tls.map_err(|error| unusable(&error))?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(STALL_TIMEOUT)
            .build()
            .map_err(|error| unusable(&error))?;
        let header = |token| HeaderValue::from_str(&format!("Bearer {token}"));
        let token = token.map(header).transpose();
        let mut token =
            token.map_err(|_| Failure::Unanswered("the token is not printable ASCII".to_owned()))?;
        token.iter_mut().for_each(|token| token.set_sensitive(true));
        Ok(Self { client, endpoint, token })
    }

    /// Asks for the commit and the files of a revision.
    pub(super) fn info(&self, name: &Name) -> Result<Info, Failure> {
        let revision = name.revision.replace('/', "%2F");
        let url = self.url(&format!("api/models/{}/revision/{revision}", name.repo))?;
        let mut body = Vec::new();
        let read = self.get(url, None)?.last.take(MOST_INFO_BYTES).read_to_end(&mut body);
        read.map_err(|error| Failure::Unanswered(causes(&error)))?;
        let body: Value = serde_json::from_slice(&body)
            .map_err(|error| Failure::Unanswered(format!("the answer is not JSON: {error}")))?;
        let files = body["siblings"].as_array().map(Vec::as_slice).unwrap_or_default();
        let files = files.iter().filter_map(|file| file["rfilename"].as_str());
        let commit = body["sha"].as_str().unwrap_or_default();
        if commit.len() != 40 || !commit.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Failure::Odd(format!("the commit {commit:?}")));
        }
        Ok(Info { commit: commit.to_owned(), files: files.map(str::to_owned).collect() })
    }

    /// Downloads a file of a commit into the cache.
    pub(super) fn download(
        &self,
        name: &Name,
        cache: &ModelCache,
        commit: &str,
        file: &str,
    ) -> Result<(), Failure> {
        let url = self.url(&format!("{}/resolve/{commit}/{file}", name.repo))?;
        let content = Content::of(&self.get(url.clone(), Some(0..=0))?)?;
        let wanted = Wanted { name: file, url, content };
        let etag = &wanted.content.etag;
        let blob = cache.blob(etag);
        if let Some(folder) = blob.parent() {
            fs::create_dir_all(folder).map_err(Failure::Unwritable)?;
        }
        let _lock = lock(&beside(&blob, ".lock"))?;
        if !blob.is_file() {
            let part = beside(&blob, ".part");
            self.complete(&wanted, &part)?;
            fs::rename(part, &blob).map_err(Failure::Unwritable)?;
        }
        cache.link(etag, commit, file).map_err(Failure::Unwritable)
    }

    /// Downloads what is missing of a file, and ensures that it is the right one and on the disk.
    fn complete(&self, wanted: &Wanted, path: &Path) -> Result<(), Failure> {
        let open = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = open.map_err(Failure::Unwritable)?;
        self.append_rest(wanted, &mut file)?;
        if let Err(failure) = wanted.content.check(wanted.name, &mut file) {
            drop(file);
            if let Failure::Altered(_) = failure {
                // Nobody knows which bytes are wrong, so the next attempt must not build on them.
                fs::remove_file(path).map_err(Failure::Unwritable)?;
            }
            return Err(failure);
        }
        // The name can reach the disk before the bytes, and a blob is never checked again.
        file.sync_all().map_err(Failure::Unwritable)
    }

    /// Appends what is missing of a file, in several attempts if need be.
    fn append_rest(&self, wanted: &Wanted, file: &mut File) -> Result<(), Failure> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            match self.resume(wanted, file) {
                Ok(()) => return Ok(()),
                Err(Failure::Unanswered(_) | Failure::Status(408 | 416 | 429 | 500..))
                    if attempt < ATTEMPTS => {}
                Err(failure) => return Err(failure),
            }
            std::thread::sleep(wait);
            wait *= 2;
        }
        unreachable!("the last attempt returns")
    }

    /// Appends the rest of the content to a file that has its beginning.
    fn resume(&self, wanted: &Wanted, file: &mut File) -> Result<(), Failure> {
        let length = |file: &File| file.metadata().map(|data| data.len()).map_err(Failure::Unwritable);
        let size = wanted.content.size;
        if length(file)? > size {
            file.set_len(0).map_err(Failure::Unwritable)?;
        }
        let start = length(file)?;
        if start == size {
            return Ok(());
        }
        let response = self.get(wanted.url.clone(), Some(start..=size - 1))?.last;
        if response.status().as_u16() == 206 {
            content::check_start(wanted.name, response.headers(), start)?;
        } else {
            // The server sends the whole file, whatever was asked for.
            file.set_len(0).map_err(Failure::Unwritable)?;
        }
        append(response, file)?;
        match length(file)? {
            found if found == size => Ok(()),
            found => Err(Failure::Unanswered(format!("the answer breaks off after {found} of {size} bytes"))),
        }
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        let url = format!("{}/{path}", self.endpoint.as_str().trim_end_matches('/'));
        Url::parse(&url).map_err(|error| Failure::Unanswered(error.to_string()))
    }

    /// Asks for a URL, or for some bytes of it, and follows redirections. The token goes to the
    /// hub's own host alone.
    fn get(&self, mut url: Url, bytes: Option<std::ops::RangeInclusive<u64>>) -> Result<Answer, Failure> {
        let mut own = HeaderMap::new();
        for _ in 0..=REDIRECTIONS {
            let is_own = url.origin() == self.endpoint.origin();
            let mut headers = HeaderMap::new();
            if let Some(range) =
                bytes.as_ref().map(|bytes| format!("bytes={}-{}", bytes.start(), bytes.end()))
            {
                let range = HeaderValue::from_str(&range).map_err(|error| Failure::Odd(error.to_string()))?;
                headers.insert(RANGE, range);
            }
            if let Some(token) = self.token.as_ref().filter(|_| is_own) {
                headers.insert(AUTHORIZATION, token.clone());
            }
            let request = self.client.get(url.clone()).headers(headers);
            let response = request.send().map_err(|error| Failure::Unanswered(causes(&error)))?;
            if is_own {
                own.clone_from(response.headers());
            }
            match response.headers().get(LOCATION).filter(|_| response.status().is_redirection()) {
                Some(to) => url = target(&url, to)?,
                None if response.status().is_success() => return Ok(Answer { own, last: response }),
                None => return Err(Failure::Status(response.status().as_u16())),
            }
        }
        Err(Failure::Odd(format!("more than {REDIRECTIONS} redirections")))
    }
}

/// A file to download.
struct Wanted<'a> {
    /// The name of the file in the model.
    name: &'a str,
    url: Url,
    content: Content,
}

fn target(from: &Url, to: &HeaderValue) -> Result<Url, Failure> {
    let odd = || Failure::Odd("a redirection to no URL".to_owned());
    from.join(to.to_str().map_err(|_| odd())?).map_err(|_| odd())
}

/// Appends an answer to a file.
fn append(mut response: Response, file: &mut File) -> Result<(), Failure> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match response.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => file.write_all(&buffer[..count]).map_err(Failure::Unwritable)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(Failure::Unanswered(format!("the answer breaks off: {}", causes(&error))));
            }
        }
    }
}

/// Takes the lock of a blob, so that no two programs append to the same file. Dropping the result
/// frees it.
fn lock(path: &Path) -> Result<File, Failure> {
    let file = File::create(path).map_err(Failure::Unwritable)?;
    for _ in 0..LOCK_SECONDS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_secs(1)),
            Err(fs::TryLockError::Error(error)) => return Err(Failure::Unwritable(error)),
        }
    }
    Err(Failure::Unanswered(format!("another program holds {}", path.display())))
}

/// Returns a path with something appended to its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
