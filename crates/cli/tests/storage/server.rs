//! A server that speaks the S3 protocol (s3s-fs: its objects are files in a folder), behind a door that cuts connections.

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
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::support::{Place, Random};

pub const KEY: &str = "AKIATESTKEY";
pub const SECRET: &str = "a-secret-that-is-never-shown";

/// A running server with one bucket, `bucket`.
pub struct Server {
    root: TempDir,
    door: SocketAddr,
    cuts: Arc<Cuts>,
    _runtime: Runtime,
}

/// Which connections are cut, and how many were.
struct Cuts {
    active: AtomicBool,
    count: AtomicUsize,
    /// Bytes that were carried, there and back.
    carried: AtomicUsize,
    random: Mutex<Random>,
    /// The object of which so many requests more are forbidden.
    forbidden: Mutex<(String, usize)>,
}

impl Server {
    /// With credentials, as the environment that [`Server::command`] sets names them.
    pub fn new() -> Self {
        Self::start(true)
    }

    /// Anybody may read and write.
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
        let service = service.build();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let behind = listener.local_addr().unwrap();
        let random = Mutex::new(Random(5));
        let cuts = Arc::new(Cuts {
            active: AtomicBool::new(false),
            count: AtomicUsize::new(0),
            carried: AtomicUsize::new(0),
            random,
            forbidden: Mutex::default(),
        });
        let (folder, failing) = (root.path().to_path_buf(), cuts.clone());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (service, folder, failing) = (service.clone(), folder.clone(), failing.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let asked = folder.join(request.uri().path().trim_matches('/'));
                    let (service, failing) = (service.clone(), failing.clone());
                    async move {
                        // A folder is no object; s3s-fs fails where it should say so.
                        if request.method() == Method::HEAD && asked.is_dir() {
                            let mut missing = Response::new(s3s::Body::empty());
                            *missing.status_mut() = StatusCode::NOT_FOUND;
                            return Ok(missing);
                        }
                        if request.method() == Method::GET && failing.forbids(request.uri().path()) {
                            let mut forbidden = Response::new(s3s::Body::empty());
                            *forbidden.status_mut() = StatusCode::FORBIDDEN;
                            return Ok(forbidden);
                        }
                        if failing.fails() {
                            let mut busy = Response::new(s3s::Body::empty());
                            *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                            return Ok(busy);
                        }
                        service.call(request.map(s3s::Body::from)).await
                    }
                });
                tokio::spawn(async move {
                    let connection = Builder::new(TokioExecutor::new());
                    // Who is cut off is not an error of the server.
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = door.local_addr().unwrap();
        let through = cuts.clone();
        std::thread::spawn(move || {
            for stream in door.incoming().map_while(Result::ok) {
                let limit = through.limit();
                pass(stream, behind, limit, &through);
            }
        });
        Self { root, door: address, cuts, _runtime: runtime }
    }

    /// From now on a good part of all connections is cut after some bytes, and some requests are answered by "not now".
    pub fn cut(&self, cut: bool) {
        self.cuts.active.store(cut, Ordering::SeqCst);
    }

    /// Reading this object is forbidden so many times.
    pub fn forbid(&self, key: &str, times: usize) {
        *self.cuts.forbidden.lock().unwrap() = (format!("/bucket/{key}"), times);
    }

    pub fn cuts(&self) -> usize {
        self.cuts.count.load(Ordering::SeqCst)
    }

    /// The bytes that went through the door so far.
    pub fn carried(&self) -> usize {
        self.cuts.carried.load(Ordering::SeqCst)
    }

    pub fn address(&self) -> SocketAddr {
        self.door
    }

    /// The file of an object.
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

    /// All objects below a key.
    pub fn objects(&self, below: &str) -> BTreeMap<String, Vec<u8>> {
        super::support::files_below(&self.path(below))
    }

    /// What must be the same whatever lies in between: kept/, removed.parquet and scores.parquet.
    pub fn result(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.objects(out);
        files.retain(|name, _| {
            name.starts_with("kept/") || ["removed.parquet", "scores.parquet"].contains(&name.as_str())
        });
        assert!(files.len() >= 3, "no result in {out}: {:?}", files.keys());
        files
    }

    /// The command with this server in its environment, and a folder for temporary files of its own.
    pub fn command(&self, place: &Place, typed: &str) -> Command {
        let mut command = place.command(typed);
        let scratch = place.path("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        command.env("AWS_ENDPOINT_URL", format!("http://{}", self.door)).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET).env("TMPDIR", scratch);
        command
    }
}

impl Cuts {
    /// Whether a request is refused.
    fn fails(&self) -> bool {
        self.active.load(Ordering::SeqCst) && self.random.lock().unwrap().below(20) == 0
    }

    /// Whether reading what lies there is forbidden.
    fn forbids(&self, path: &str) -> bool {
        let mut forbidden = self.forbidden.lock().unwrap();
        let forbids = forbidden.0 == path && forbidden.1 > 0;
        forbidden.1 -= usize::from(forbids);
        forbids
    }

    /// After how many bytes a new connection is cut.
    fn limit(&self) -> usize {
        if !self.active.load(Ordering::SeqCst) {
            return usize::MAX;
        }
        let mut random = self.random.lock().unwrap();
        if random.below(2) == 0 { usize::MAX } else { 1 + random.below(400_000) }
    }
}

/// Carries both directions of a connection until so many bytes have come back or gone there.
fn pass(inner: TcpStream, to: SocketAddr, limit: usize, cuts: &Arc<Cuts>) {
    let Ok(outer) = TcpStream::connect(to) else { return };
    for (from, to) in [(&inner, &outer), (&outer, &inner)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let cuts = cuts.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 16 << 10];
            let mut left = limit;
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let count = count.min(left);
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
                left -= count;
                cuts.carried.fetch_add(count, Ordering::SeqCst);
                if left == 0 {
                    cuts.count.fetch_add(1, Ordering::SeqCst);
                    break;
                }
            }
            // The other side may have gone already.
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}
