//! A model behind an https server: the machine's trusted certificates decide.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::support::{Finished, Sandbox};

/// Starts a server that embeds texts by their lengths and first bytes. Only our own authority has
/// signed its certificate.
fn start() -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../data/tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../data/tls/server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = StreamOwned::new(connection, stream.unwrap());
            // A client that does not trust the certificate closes the connection.
            std::thread::spawn(move || answer(stream).ok());
        }
    });
    address
}

fn answer(stream: StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let length =
        |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok();
    let mut body = vec![0; head.lines().find_map(length).unwrap()];
    reader.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body)?;
    let texts = asked["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let item = |(index, text): (usize, &str)| json!({"index": index, "embedding": [text.len(), text.as_bytes()[0], 1]});
    let body = json!({"data": texts.enumerate().map(item).collect::<Vec<_>>()}).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut stream = reader.into_inner();
    stream.write_all((head + &body).as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

#[test]
fn only_a_server_with_a_trusted_certificate_is_asked() {
    let sandbox = Sandbox::with_rows(40);
    let address = start();
    let typed = format!("run data.jsonl --out out --model https://{address}/v1/embeddings#m");
    let said = sandbox.semdedup(&typed).failed_with(&["certificate", &address.to_string()]);
    assert!(said.stderr.contains("trust") && !said.stderr.contains("attempts"), "{}", said.stderr);
    sandbox.has_no_result("out");

    sandbox.write("authority.pem", include_bytes!("../data/tls/authority.pem"));
    // A key may be sent over https, because others cannot read it there.
    let mut command = sandbox.command(&typed);
    command.env("SSL_CERT_FILE", sandbox.path("authority.pem")).env("SEMDEDUP_API_KEY", "sk-key");
    Finished::from(command.output().unwrap()).succeeded();
    assert_eq!(sandbox.column("out/scores.parquet", "score").len(), 40);
}
