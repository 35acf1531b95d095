//! A model behind a server that speaks https: the certificates that the machine trusts count.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::support::{Place, Said};

/// Embeds texts by their lengths and first bytes, behind a certificate that only our own authority has signed.
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
            // A client that does not trust us goes away in the middle.
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
fn a_server_whose_certificate_the_machine_trusts_is_asked_and_no_other() {
    let place = Place::with_rows(40);
    let address = start();
    let typed = format!("run data.jsonl --out out --model https://{address}/v1/embeddings#m");
    let said = place.semdedup(&typed).failed_with(&["certificate", &address.to_string()]);
    assert!(said.stderr.contains("trust") && !said.stderr.contains("attempts"), "{}", said.stderr);
    place.has_no_result("out");

    place.write("authority.pem", include_bytes!("../data/tls/authority.pem"));
    // A key may go there: nobody can read it on the way.
    let mut command = place.command(&typed);
    command.env("SSL_CERT_FILE", place.path("authority.pem")).env("SEMDEDUP_API_KEY", "sk-key");
    Said::from(command.output().unwrap()).succeeded();
    assert_eq!(place.column("out/scores.parquet", "score").len(), 40);
}
