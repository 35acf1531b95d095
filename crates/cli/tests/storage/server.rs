//! A server that speaks the S3 protocol (s3s-fs stores its objects as files in a folder), behind a
//! proxy that cuts connections.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::support::{Random, Sandbox};

pub const KEY: &str = "AKIATESTKEY";
pub const SECRET: &str = "a-secret-that-is-never-shown";

/// A running server with one bucket, named `bucket`.
pub struct Server {
    root: TempDir,
    proxy: SocketAddr,
    faults: Arc<Faults>,
    _runtime: Runtime,
}

/// The faults of the proxy, and what it has counted so far.
struct Faults {
    /// Whether connections are cut and requests are refused as busy.
    active: AtomicBool,
    /// The number of connections that were cut.
    cuts: AtomicUsize,
    /// The bytes that the proxy carried in both directions.
    carried: AtomicUsize,
    random: Mutex<Random>,
    /// An object, and how many more requests for it are forbidden.
    forbidden: Mutex<(String, usize)>,
    /// Keys that lists have beside those of the files in the folder, which cannot have them.
    odd: Mutex<Vec<String>>,
}

impl Server {
    /// Starts a server that requires the credentials that [`Server::command`] sets.
    pub fn new() -> Self {
        Self::start(true)
    }

    /// Starts a server that anyone may read from and write to.
    pub fn open_to_all() -> Self {
        Self::start(false)
    }

    fn start(signed: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("bucket")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        if signed {
            service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        }
        let faults = Arc::new(Faults::default());
        let service = FaultyService {
            service: service.build(),
            folder: root.path().to_path_buf(),
            faults: faults.clone(),
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let server = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, service));
        let proxy = start_proxy(server, faults.clone());
        Self { root, proxy, faults, _runtime: runtime }
    }

    /// From now on, cuts half of the connections after some bytes and refuses some requests as
    /// busy.
    pub fn cut(&self, cut: bool) {
        self.faults.active.store(cut, Ordering::SeqCst);
    }

    /// Forbids the next `times` requests that read this object.
    pub fn forbid(&self, key: &str, times: usize) {
        *self.faults.forbidden.lock().unwrap() = (format!("/bucket/{key}"), times);
    }

    /// Lists an object with a key that no file can have, such as `a//b`.
    pub fn list_odd(&self, key: &str) {
        self.faults.odd.lock().unwrap().push(key.to_owned());
    }

    pub fn cuts(&self) -> usize {
        self.faults.cuts.load(Ordering::SeqCst)
    }

    /// Returns the bytes that the proxy carried so far.
    pub fn carried(&self) -> usize {
        self.faults.carried.load(Ordering::SeqCst)
    }

    pub fn address(&self) -> SocketAddr {
        self.proxy
    }

    /// Returns the file that stores an object.
    pub fn path(&self, key: &str) -> PathBuf {
        self.root.path().join("bucket").join(key)
    }

    pub fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(key).parent().unwrap()).unwrap();
        std::fs::write(self.path(key), bytes).unwrap();
    }

    pub fn get(&self, key: &str) -> Vec<u8> {
        std::fs::read(self.path(key)).unwrap_or_else(|error| panic!("{key}: {error}"))
    }

    /// Returns all objects below a key.
    pub fn objects(&self, below: &str) -> BTreeMap<String, Vec<u8>> {
        super::support::files_below(&self.path(below))
    }

    /// Returns the files that no fault may change: kept/ and the tables.
    pub fn result(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.objects(out);
        files.retain(|name, _| {
            name.starts_with("kept/")
                || ["removed.parquet", "representatives.parquet", "scores.parquet"].contains(&name.as_str())
        });
        assert!(files.len() >= 3, "no result in {out}: {:?}", files.keys());
        files
    }

    /// Returns the command with this server in its environment and its own folder for temporary
    /// files.
    pub fn command(&self, sandbox: &Sandbox, typed: &str) -> Command {
        let mut command = sandbox.command(typed);
        let scratch = sandbox.path("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        command.env("AWS_ENDPOINT_URL", format!("http://{}", self.proxy)).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET).env("TMPDIR", scratch);
        command
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            active: AtomicBool::new(false),
            cuts: AtomicUsize::new(0),
            carried: AtomicUsize::new(0),
            random: Mutex::new(Random(5)),
            forbidden: Mutex::default(),
            odd: Mutex::default(),
        }
    }
}

impl Faults {
    /// Returns whether to refuse a request as busy.
    fn is_busy(&self) -> bool {
        self.active.load(Ordering::SeqCst) && self.random.lock().unwrap().below(20) == 0
    }

    /// Returns whether reading this path is forbidden.
    fn forbids(&self, path: &str) -> bool {
        let mut forbidden = self.forbidden.lock().unwrap();
        let forbids = forbidden.0 == path && forbidden.1 > 0;
        forbidden.1 -= usize::from(forbids);
        forbids
    }

    /// Returns the keys that only lists have and that the list of this query has.
    fn odd_below(&self, query: &str) -> Vec<String> {
        if !query.contains("list-type=2") || query.contains("delimiter=") {
            return Vec::new();
        }
        let prefix = query.split('&').find_map(|part| part.strip_prefix("prefix=")).unwrap_or_default();
        let prefix = prefix.replace("%2F", "/");
        let odd = self.odd.lock().unwrap();
        odd.iter().filter(|key| key.starts_with(&prefix)).cloned().collect()
    }

    /// Returns the number of bytes after which to cut a new connection.
    fn limit(&self) -> usize {
        if !self.active.load(Ordering::SeqCst) {
            return usize::MAX;
        }
        let mut random = self.random.lock().unwrap();
        if random.below(2) == 0 { usize::MAX } else { 1 + random.below(400_000) }
    }
}

/// The S3 service with the faults of the tests.
#[derive(Clone)]
struct FaultyService {
    service: S3Service,
    folder: PathBuf,
    faults: Arc<Faults>,
}

impl FaultyService {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<s3s::Body>, s3s::HttpError> {
        match self.refusal(&request) {
            Some(status) => {
                let mut refused = Response::new(s3s::Body::empty());
                *refused.status_mut() = status;
                Ok(refused)
            }
            None => {
                let odd = self.faults.odd_below(request.uri().query().unwrap_or_default());
                let answer = self.service.call(request.map(s3s::Body::from)).await?;
                Ok(if odd.is_empty() { answer } else { with_odd(answer, &odd).await })
            }
        }
    }

    /// Returns the status of a request that the service must not answer.
    fn refusal(&self, request: &Request<Incoming>) -> Option<StatusCode> {
        let path = request.uri().path();
        // A folder is not an object, but s3s-fs fails instead of saying so.
        if request.method() == Method::HEAD && self.folder.join(path.trim_matches('/')).is_dir() {
            return Some(StatusCode::NOT_FOUND);
        }
        if request.method() == Method::GET && self.faults.forbids(path) {
            return Some(StatusCode::FORBIDDEN);
        }
        self.faults.is_busy().then_some(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// Adds objects with these keys to a list.
async fn with_odd(answer: Response<s3s::Body>, odd: &[String]) -> Response<s3s::Body> {
    let (mut parts, mut body) = answer.into_parts();
    let list = body.store_all_limited(1 << 20).await.unwrap();
    let object = |key: &String| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
        )
    };
    let end = format!("{}</ListBucketResult>", odd.iter().map(object).collect::<String>());
    let list = String::from_utf8_lossy(&list).replace("</ListBucketResult>", &end);
    parts.headers.remove("content-length");
    Response::from_parts(parts, s3s::Body::from(list))
}

/// Serves every connection of the listener.
async fn serve(listener: tokio::net::TcpListener, service: FaultyService) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        let service = service_fn(move |request| service.clone().answer(request));
        tokio::spawn(async move {
            let connection = Builder::new(TokioExecutor::new());
            // A cut connection is not an error of the server.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Starts the proxy that cuts connections, and returns its address.
fn start_proxy(server: SocketAddr, faults: Arc<Faults>) -> SocketAddr {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in proxy.incoming().map_while(Result::ok) {
            carry(stream, server, faults.limit(), &faults);
        }
    });
    address
}

/// Carries both directions of a connection until one of them has carried `limit` bytes.
fn carry(inner: TcpStream, to: SocketAddr, limit: usize, faults: &Arc<Faults>) {
    let Ok(outer) = TcpStream::connect(to) else { return };
    for (from, to) in [(&inner, &outer), (&outer, &inner)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let faults = faults.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 16 << 10];
            let mut left = limit;
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let count = count.min(left);
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
                left -= count;
                faults.carried.fetch_add(count, Ordering::SeqCst);
                if left == 0 {
                    faults.cuts.fetch_add(1, Ordering::SeqCst);
                    break;
                }
            }
            // The other side may have closed already.
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}
